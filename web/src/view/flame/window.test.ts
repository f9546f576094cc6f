import { describe, expect, it } from "vitest";
import { drawnTree, nodeNamed } from "../../profile/test-tree.ts";
import type { Tree } from "../../profile/tree.ts";
import { fitLabel } from "./label.ts";
import {
  boxOf,
  type FlameWindow,
  forEachVisible,
  frameAt,
  isShown,
  ROW_HEIGHT,
  rowsBelow,
  wayOut,
} from "./window.ts";

const TREE = drawnTree(`
all 0
  main 10
    load 40
      read 40
    save 10
  idle 100
`);

const windowOn = (tree: Tree, focus = 0, width = 200): FlameWindow => ({
  tree,
  focus,
  width,
  height: 10 * ROW_HEIGHT,
  scrollTop: 0,
});

function drawn(window: FlameWindow): string[] {
  const seen: string[] = [];
  const say = (mark: string) => (node: number, x: number, width: number, row: number) => {
    const { name } = window.tree.functions[window.tree.fn[node]];
    seen.push(`${row}${mark}${name} ${Math.round(x)}+${Math.round(width)}`);
  };
  forEachVisible(window, { frame: say(" "), run: say("~") });
  return seen;
}

describe("forEachVisible", () => {
  it("draws every frame of the whole tree", () => {
    expect(drawn(windowOn(TREE))).toEqual([
      "0 all 0+200",
      "1 main 0+100",
      "1 idle 100+100",
      "2 load 0+80",
      "2 save 80+10",
      "3 read 0+40",
    ]);
  });
  it("draws ancestors across and only the subtree of the focus", () => {
    expect(drawn(windowOn(TREE, nodeNamed(TREE, "load")))).toEqual([
      "0 all 0+200",
      "1 main 0+200",
      "2 load 0+200",
      "3 read 0+100",
    ]);
  });
  it("leaves out rows that are scrolled away", () => {
    const scrolled = { ...windowOn(TREE), height: ROW_HEIGHT, scrollTop: 2 * ROW_HEIGHT };
    expect(drawn(scrolled)).toEqual(["2 load 0+80", "2 save 80+10"]);
  });
  it("merges what is narrower than a pixel, and only that", () => {
    const children = Array.from({ length: 1000 }, (_, i) => `  f${i} ${i === 500 ? 1000 : 1}`);
    const wide = drawnTree(`all 0\n${children.join("\n")}`);
    const marks = drawn(windowOn(wide, 0, 20)).slice(1);
    expect(marks.length).toBeLessThanOrEqual(20 + 1);
    expect(marks.filter((mark) => mark.startsWith("1 "))).toEqual(["1 f500 5+10"]);
  });
});

describe("frameAt", () => {
  it("finds the frame that is drawn there", () => {
    const window = windowOn(TREE);
    for (const name of ["all", "main", "load", "save", "idle"]) {
      const node = nodeNamed(TREE, name);
      const { x, width, row } = boxOf(window, node);
      expect(frameAt(window, x + width / 2, (row + 0.5) * ROW_HEIGHT)).toBe(node);
    }
  });
  it("finds nothing beside and below the frames", () => {
    expect(frameAt(windowOn(TREE), 95, 2.5 * ROW_HEIGHT)).toBeNull();
    expect(frameAt(windowOn(TREE), 150, 3.5 * ROW_HEIGHT)).toBeNull();
    expect(frameAt(windowOn(TREE), 10, 50 * ROW_HEIGHT)).toBeNull();
    expect(frameAt(windowOn(TREE, nodeNamed(TREE, "load")), 150, 3.5 * ROW_HEIGHT)).toBeNull();
  });
  it("finds ancestors above the focus", () => {
    const window = windowOn(TREE, nodeNamed(TREE, "load"));
    expect(frameAt(window, 190, 1.5 * ROW_HEIGHT)).toBe(nodeNamed(TREE, "main"));
  });
});

describe("around the focus", () => {
  it("leads out to the next wider frame", () => {
    const chain = drawnTree("all 0\n  a 5\n    b 0\n      c 0\n        d 7");
    expect(wayOut(chain, 4)).toBe(1);
    expect(wayOut(chain, 0)).toBe(0);
  });
  it("knows what can be seen and how deep it is", () => {
    const load = nodeNamed(TREE, "load");
    expect(isShown(windowOn(TREE, load), nodeNamed(TREE, "main"))).toBe(true);
    expect(isShown(windowOn(TREE, load), nodeNamed(TREE, "idle"))).toBe(false);
    expect(isShown(windowOn(TREE, load), nodeNamed(TREE, "save"))).toBe(false);
    expect(rowsBelow(TREE, nodeNamed(TREE, "idle"))).toBe(2);
  });
});

describe("fitLabel", () => {
  it.each([
    [40, "shop.views:Feed.get"],
    [10, "Feed.get"],
    [5, "get"],
    [2, ""],
  ])("in %i characters", (room, label) => {
    expect(fitLabel("shop.views:Feed.get", room)).toBe(label);
  });
  it("ends in an ellipsis when nothing fits", () => {
    expect(fitLabel("a:B.recalculate", 7)).toBe("recalc…");
    expect(fitLabel("a:B.recalculate", 4)).toBe("");
  });
});
