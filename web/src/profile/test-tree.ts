// For tests: a calling-context tree drawn as text, one frame a line, nested by indentation, with
// its self value: `a.py:f 3`. A frame without a file has no colon.

import type { FlamegraphAnswer, FunctionInfo } from "../api/types.ts";
import { unixSeconds, value } from "../units.ts";
import { buildTree, type Tree } from "./tree.ts";

export function drawnAnswer(drawing: string): FlamegraphAnswer {
  const functions: FunctionInfo[] = [];
  const nodes = {
    parent: [] as number[],
    function: [] as number[],
    self: [] as number[],
    total: [] as number[],
  };
  const path: number[] = [];
  for (const line of drawing.split("\n")) {
    const parsed = /^( *)(?:([^: ]+):)?(\S+) (\d+)$/.exec(line);
    if (!parsed) continue;
    const [, indent, file = "", name, self] = parsed;
    const node = nodes.parent.length;
    path.length = indent.length / 2;
    nodes.parent.push(path[path.length - 1] ?? -1);
    nodes.function.push(indexOf(functions, name, file));
    nodes.self.push(Number(self));
    nodes.total.push(0);
    path.push(node);
    for (const above of path) nodes.total[above] += Number(self);
  }
  return {
    profile_type: "process_cpu:cpu:nanoseconds:cpu:nanoseconds",
    unit: "nanoseconds",
    from: unixSeconds(1000),
    until: unixSeconds(1100),
    total: value(nodes.total[0] ?? 0),
    samples: 0,
    workers: 1,
    hosts: 1,
    gaps: [],
    functions,
    nodes,
  };
}

export const drawnTree = (drawing: string): Tree => buildTree(drawnAnswer(drawing));

function indexOf(functions: FunctionInfo[], name: string, file: string): number {
  const known = functions.findIndex((info) => info.name === name && info.file === file);
  return known >= 0 ? known : functions.push({ name, file, line: 1 }) - 1;
}

/** First node of that function name. */
export function nodeNamed(tree: Tree, name: string): number {
  return tree.fn.findIndex((fn) => tree.functions[fn].name === name);
}

export const functionNamed = (tree: Tree, name: string) =>
  tree.functions.findIndex((info) => info.name === name);
