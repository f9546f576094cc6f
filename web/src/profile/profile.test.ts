import { describe, expect, it } from "vitest";
import { seconds, unixSeconds } from "../units.ts";
import { linesOf, MOST_LINES, meanWithin } from "./lines.ts";
import { coveredTime } from "./profile.ts";

const at = (from: number, until: number) => [unixSeconds(from), unixSeconds(until)] as const;

describe("coveredTime", () => {
  it("is the interval without gaps, however they overlap or stick out", () => {
    const gaps = [at(90, 110), at(20, 30), at(25, 40), at(150, 300), at(300, 400)];
    expect(coveredTime(at(100, 200), gaps)).toBe(seconds(100 - 10 - 50));
  });
  it("is never negative", () => {
    expect(coveredTime(at(0, 10), [at(-5, 50), at(0, 10)])).toBe(0);
  });
});

describe("linesOf", () => {
  const answer = (series: (number | null)[][]) => ({
    unit: "nanoseconds",
    from: unixSeconds(100),
    until: unixSeconds(130),
    step: 10,
    group_by: "service",
    gaps: [],
    series: series.map((values, i) => ({ labels: { service: `s${i}` }, values })),
  });

  it("makes rates of sums and keeps what is missing", () => {
    const { times, lines } = linesOf(answer([[20e9, null, 10e9]]));
    expect(times).toEqual([100, 110, 120]);
    expect(lines[0].rates).toEqual([2, null, 1]);
  });
  it("sorts by cost and adds up the small ones", () => {
    const many = Array.from({ length: MOST_LINES + 3 }, (_, i) => [(i + 1) * 10e9, null]);
    const { lines } = linesOf(answer(many));
    expect(lines).toHaveLength(MOST_LINES + 1);
    expect(lines[0].label).toBe(`s${MOST_LINES + 2}`);
    expect(lines[MOST_LINES]).toEqual({ label: "3 other", rates: [1 + 2 + 3, null] });
  });
  it("averages over what is there", () => {
    const lines = linesOf(answer([[20e9, null, 10e9]]));
    expect(meanWithin(lines, 0, at(100, 130))).toBe(1.5);
    expect(meanWithin(lines, 0, at(110, 120))).toBeNull();
  });
});
