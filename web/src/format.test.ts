import { describe, expect, it } from "vitest";
import { queryMsOf } from "./api/client.ts";
import {
  formatCollected,
  formatCount,
  formatDuration,
  formatRange,
  formatRate,
  formatShare,
  groupDigits,
} from "./format.ts";
import { type Rate, rateOf, type Share, seconds, unixSeconds } from "./units.ts";

/** Spaces of all widths as plain ones. */
const plain = (text: string) => text.replace(/[\u00a0\u2009]/g, " ");

describe("numbers", () => {
  it.each([
    [0, "0.0 %"],
    [0.0001, "< 0.1 %"],
    [0.292, "29.2 %"],
    [1, "100 %"],
  ])("share %d is %s", (share, text) => {
    expect(plain(formatShare(share as Share))).toBe(text);
  });
  it("never rounds completeness up to whole", () => {
    expect(plain(formatCollected(0.99999 as Share))).toBe("99.99 %");
    expect(plain(formatCollected(1 as Share))).toBe("100 %");
  });
  it.each([
    [0, "0"],
    [999, "999"],
    [1204, "1 204"],
    [18_204, "18.2 k"],
    [100_000, "100 k"],
    [2_410_000, "2.41 M"],
    [5e9, "5 G"],
  ])("count %d is %s", (count, text) => {
    expect(plain(formatCount(count))).toBe(text);
  });
  it("groups digits", () => {
    expect(plain(groupDigits(1_234_567))).toBe("1 234 567");
  });
  it.each([
    [0, "0"],
    [0.0001, "< 0.001"],
    [0.23, "0.23"],
    [20.14, "20.1"],
    [112.4, "112"],
  ])("rate %d is %s", (rate, text) => {
    expect(plain(formatRate(rate as Rate))).toBe(text);
  });
  it("makes cores of nanoseconds and counts a second of counts", () => {
    expect(rateOf(20e9, "nanoseconds", seconds(10))).toBe(2);
    expect(rateOf(1000, "count", seconds(10))).toBe(100);
    expect(rateOf(1000, "count", seconds(0))).toBe(0);
  });
});

describe("times", () => {
  it.each([
    [0, "0 s"],
    [0.31, "310 ms"],
    [4.2, "4.2 s"],
    [64, "1 min 4 s"],
    [3540, "59 min"],
    [5520, "1 h 32 min"],
    [200_000, "2 d 7 h"],
  ])("%d s is %s", (length, text) => {
    expect(plain(formatDuration(seconds(length)))).toBe(text);
  });
  it("names the day once", () => {
    const at = (day: number, hours: number) =>
      unixSeconds(new Date(2026, 2, day, hours).getTime() / 1000);
    expect(formatRange(at(10, 9), at(10, 14), at(10, 15))).toBe("Today 09:00 – 14:00");
    expect(formatRange(at(9, 22), at(10, 1), at(10, 15))).toBe("Yesterday 22:00 – Today 01:00");
    expect(formatRange(at(1, 8), at(1, 9), at(10, 15))).toBe("1 Mar 08:00 – 09:00");
  });
  it("reads the server's own time", () => {
    expect(queryMsOf("query;dur=4.2")).toBe(4.2);
    expect(queryMsOf('cache;dur=1, query;desc="x";dur=12')).toBe(12);
    expect(queryMsOf(null)).toBeNull();
  });
});
