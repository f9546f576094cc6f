import { describe, expect, it } from "vitest";
import { drawnAnswer, drawnTree, nodeNamed } from "./test-tree.ts";
import { buildTree, firstChild, isEmpty, neighbour, stackOf, TreeFormatError } from "./tree.ts";

const DRAWING = `
all 0
  main 1
    load 4
    save 2
  idle 3
    save 1
`;

describe("buildTree", () => {
  const tree = drawnTree(DRAWING);
  const at = (name: string) => nodeNamed(tree, name);

  it("lays children side by side from the left edge of their parent", () => {
    expect([...tree.start]).toEqual([0, 0, 0, 4, 7, 7]);
    expect([...tree.total]).toEqual([11, 7, 4, 2, 4, 1]);
  });
  it("knows depth and the end of each subtree", () => {
    expect([...tree.depth]).toEqual([0, 1, 2, 2, 1, 2]);
    expect([...tree.last]).toEqual([6, 4, 3, 4, 6, 6]);
  });
  it("lists each row from left to right", () => {
    expect(tree.rows.map((row) => [...row])).toEqual([[0], [1, 4], [2, 3, 5]]);
  });
  it("moves to children and across parents", () => {
    expect(firstChild(tree, at("main"))).toBe(at("load"));
    expect(firstChild(tree, at("load"))).toBe(-1);
    expect(neighbour(tree, at("save"), 1)).toBe(5);
    expect(neighbour(tree, at("load"), -1)).toBe(-1);
  });
  it("gives the stack root first", () => {
    expect(stackOf(tree, 5)).toEqual([0, 4, 5]);
  });
});

describe("what a server should not send", () => {
  const answer = drawnAnswer(DRAWING);
  const withNodes = (change: object) => ({ ...answer, nodes: { ...answer.nodes, ...change } });

  it.each([
    ["columns of different length", { self: [1] }],
    ["a parent after its child", { parent: [-1, 0, 5, 1, 0, 4] }],
    ["a second root", { parent: [-1, -1, 1, 1, 0, 4] }],
    ["an unknown function", { function: [0, 1, 2, 99, 4, 3] }],
  ])("refuses %s", (_, change) => {
    expect(() => buildTree(withNodes(change))).toThrow(TreeFormatError);
  });
  it("takes an answer without nodes as empty", () => {
    const none = { functions: [], nodes: { parent: [], function: [], self: [], total: [] } };
    expect(isEmpty(buildTree(none))).toBe(true);
  });
});
