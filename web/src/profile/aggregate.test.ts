import { describe, expect, it } from "vitest";
import { occurrencesOf, relationsOf, sumByFunction } from "./aggregate.ts";
import { drawnTree, functionNamed } from "./test-tree.ts";
import type { Tree } from "./tree.ts";

const related = (tree: Tree, fn: number) => relationsOf(tree, occurrencesOf(tree), fn);

const RECURSIVE = `
all 0
  main 1
    walk 2
      walk 3
        leaf 4
      leaf 5
    other 1
      walk 6
`;

describe("sumByFunction", () => {
  it("counts a recursive function once per stack", () => {
    const tree = drawnTree(RECURSIVE);
    const { self, total } = sumByFunction(tree);
    const walk = functionNamed(tree, "walk");
    expect(self[walk]).toBe(2 + 3 + 6);
    expect(total[walk]).toBe(2 + 3 + 4 + 5 + 6);
  });
  it("adds the self values of all functions up to the root's total", () => {
    const tree = drawnTree(RECURSIVE);
    const { self } = sumByFunction(tree);
    expect(self.reduce((sum, amount) => sum + amount)).toBe(tree.total[0]);
  });
  it("counts mutual recursion once for each function", () => {
    const tree = drawnTree("all 0\n  ping 1\n    pong 1\n      ping 1\n        pong 1");
    const { total } = sumByFunction(tree);
    expect(total[functionNamed(tree, "ping")]).toBe(4);
    expect(total[functionNamed(tree, "pong")]).toBe(3);
  });
});

describe("relationsOf", () => {
  const tree = drawnTree(RECURSIVE);
  const named = (list: readonly { fn: number; total: number }[]) =>
    list.map(({ fn, total }) => `${tree.functions[fn].name} ${total}`);
  const walk = related(tree, functionNamed(tree, "walk"));

  it("gathers callees over all occurrences, without itself", () => {
    expect(named(walk?.callees ?? [])).toEqual(["leaf 9"]);
    expect(walk?.self).toBe(11);
  });
  it("gathers callers so that they add up to the total", () => {
    expect(named(walk?.callers ?? [])).toEqual(["main 14", "other 6"]);
    expect(walk?.total).toBe(20);
  });
  it("finds the heaviest occurrence", () => {
    expect(walk && tree.total[walk.heaviest]).toBe(14);
  });
  it("counts a callee that calls back once", () => {
    const back = drawnTree("all 0\n  f 1\n    g 1\n      f 1\n        g 5");
    const relations = related(back, functionNamed(back, "f"));
    expect(relations?.callees.map(({ total }) => total)).toEqual([7]);
  });
  it("counts a callee beside a nested occurrence", () => {
    const nested = drawnTree("all 0\n  f 0\n    h 0\n      f 0\n        g 2\n    g 3");
    const relations = related(nested, functionNamed(nested, "f"));
    expect(relations?.callees.map(({ total }) => total)).toEqual([5, 2]);
  });
  it("is null for a function that does not occur", () => {
    expect(related(tree, 99)).toBeNull();
  });
});
