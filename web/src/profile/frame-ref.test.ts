import { describe, expect, it } from "vitest";
import { findFrame, pathHashes, refOf } from "./frame-ref.ts";
import { drawnTree, nodeNamed } from "./test-tree.ts";

const BEFORE = drawnTree("all 0\n  /app/a.py:f 9\n    /app/a.py:g 2\n  /app/a.py:g 5");
const AFTER = drawnTree(
  "all 0\n  /app/a.py:new 1\n  /app/a.py:g 3\n  /app/a.py:f 1\n    /app/a.py:g 7",
);

describe("frame references", () => {
  const ref = (node: number) => refOf(BEFORE, pathHashes(BEFORE), node);

  it("tell the same function in two places apart", () => {
    expect(ref(2)).not.toBe(ref(3));
    expect(ref(2)).toMatch(/^[0-9a-f]{8}~a:g$/);
  });
  it("find the same path in another tree, wherever it lies", () => {
    expect(findFrame(AFTER, pathHashes(AFTER), ref(2))).toBe(4);
    expect(findFrame(AFTER, pathHashes(AFTER), ref(3))).toBe(2);
  });
  it("fall back to the largest frame of that name", () => {
    expect(findFrame(AFTER, pathHashes(AFTER), "00000000~a:g")).toBe(4);
    expect(findFrame(AFTER, pathHashes(AFTER), "~a:new")).toBe(nodeNamed(AFTER, "new"));
  });
  it.each(["", "~", "zzz", "00000000~gone:f", "~~~"])("find nothing for %j", (text) => {
    expect(findFrame(AFTER, pathHashes(AFTER), text)).toBeNull();
  });
});
