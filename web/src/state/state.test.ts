import { describe, expect, it } from "vitest";
import { unixSeconds } from "../units.ts";
import { findMeasure, rateName } from "./measure.ts";
import { parseSelector, printSelector, serviceOf, withService } from "./selector.ts";
import { parseTyped, printTyped, resolveTime, shiftRange } from "./time-range.ts";
import { DEFAULT_STATE, type ExploreState, readUrl, writeUrl } from "./url-state.ts";

describe("selector", () => {
  it.each([
    "",
    '{service="shop"}',
    '{service="shop",host=~"web-.*",version!="1"}',
    '{a="quote \\" backslash \\\\ line\\nend",b!~"}{,="}',
    '{path="<img src=x onerror=alert(1)>"}',
  ])("survives reading and writing: %s", (text) => {
    const matchers = parseSelector(text);
    expect(matchers && printSelector(matchers)).toBe(text);
  });
  it("forgives spaces and a comma at the end", () => {
    expect(parseSelector(' { a = "1" , b=~"2", } ')).toEqual([
      { name: "a", op: "=", value: "1" },
      { name: "b", op: "=~", value: "2" },
    ]);
  });
  it.each(["shop", '{a="1"', "{a=1}", '{a="1" b="2"}', '{="x"}', '{a=="x"}'])(
    "refuses %s",
    (text) => {
      expect(parseSelector(text)).toBeNull();
    },
  );
  it("changes the service and nothing else", () => {
    const matchers = parseSelector('{env="prod",service="a"}') ?? [];
    expect(serviceOf(matchers)).toBe("a");
    expect(printSelector(withService(matchers, "b"))).toBe('{service="b",env="prod"}');
    expect(printSelector(withService(matchers, null))).toBe('{env="prod"}');
  });
});

describe("the URL", () => {
  const full: ExploreState = {
    page: "explore",
    query: '{service="shop web",env=~"a|b"}',
    measure: "wall",
    range: { from: "now-6h", to: "1773133200.5" },
    selection: [unixSeconds(1_773_130_000), unixSeconds(1_773_131_000.25)],
    view: "table",
    focus: "1a2b3c4d~shop.views:Feed.get",
    at: "~a:<lambda>",
    search: "feed & co",
    group: "version",
    sort: { key: "total", descending: false },
    live: true,
  };
  const read = (url: string) => {
    const parsed = new URL(url, "http://host");
    return readUrl(parsed.pathname, parsed.search);
  };

  it("holds the whole state", () => {
    expect(read(writeUrl(full))).toEqual(full);
  });
  it("leaves out what is the default", () => {
    expect(writeUrl(DEFAULT_STATE)).toBe("/explore?from=now-1h&to=now");
    expect(read("/")).toEqual(DEFAULT_STATE);
  });
  it("opens a mistyped link", () => {
    const state = read("/nowhere?view=x&sel=9,2&sort=-nope&f=&from=");
    expect(state).toEqual({ ...DEFAULT_STATE, range: { from: "", to: "now" } });
  });
});

describe("time ranges", () => {
  const now = unixSeconds(new Date(2026, 2, 10, 15, 0, 0).getTime() / 1000);
  const clock = (day: number, hours: number, minutes = 0) =>
    String(new Date(2026, 2, day, hours, minutes).getTime() / 1000);

  it.each([
    ["now-6h", "now-6h", "now"],
    ["last 2 days", "now-2d", "now"],
    ["now-3h to now-1h", "now-3h", "now-1h"],
    ["09:00-14:30", clock(10, 9), clock(10, 14, 30)],
    ["09:00 – 14:30", clock(10, 9), clock(10, 14, 30)],
    ["yesterday 14:00-15:00", clock(9, 14), clock(9, 15)],
    ["yesterday", clock(9, 0), clock(10, 0)],
    ["today", clock(10, 0), "now"],
    ["2026-03-01 08:00 to 2026-03-02", clock(1, 8), clock(2, 0)],
    ["1773000000", "1773000000", "now"],
    ["1773000000-1773000100", "1773000000", "1773000100"],
    ["14:30-09:00", null, null],
    ["25:99", null, null],
    ["<script>", null, null],
    ["", null, null],
  ])("reads %j", (typed, from, to) => {
    expect(parseTyped(typed, now)).toEqual(from === null ? null : { from, to });
  });
  it.each([
    { from: "now-6h", to: "now" },
    { from: clock(1, 8), to: clock(2, 0) },
    { from: String(Number(clock(1, 8)) + 7), to: "now" },
  ])("writes a range so that it can be read back: $from", (range) => {
    expect(parseTyped(printTyped(range), now)).toEqual(range);
  });
  it("resolves relative and absolute times", () => {
    expect(resolveTime("now-2w", now)).toBe(now - 14 * 86_400);
    expect(resolveTime("12.5", now)).toBe(12.5);
    expect(resolveTime("later", now)).toBeNull();
  });
  it("shifts by half the range and not into the future", () => {
    const [from, until] = [unixSeconds(now - 400), unixSeconds(now - 200)];
    expect(shiftRange(from, until, -1, now)).toEqual({
      from: String(now - 500),
      to: String(now - 300),
    });
    expect(shiftRange(from, now, 1, now)).toEqual({ from: String(now - 400), to: String(now) });
  });
});

describe("measures", () => {
  it("are found by short name or id, or are the first", () => {
    expect(findMeasure(null, "wall").unit).toBe("nanoseconds");
    expect(rateName(findMeasure(null, "cpu"))).toBe("cores");
    expect(rateName(findMeasure(null, "samples"))).toBe("/s");
    const own = { id: "a:b:c:d:e", name: "B", unit: "c" };
    expect(findMeasure([own], "b")).toBe(own);
    expect(findMeasure([own], "gone")).toBe(own);
  });
});
