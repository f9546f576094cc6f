// Sums per function over the whole tree. A function that calls itself, directly or through
// others, is counted once per stack: its total is what would vanish if it took no time.

import { ROOT, type Tree } from "./tree.ts";

export interface FunctionSums {
  readonly self: Float64Array;
  readonly total: Float64Array;
}

/** Self and total of every function. One pass. */
export function sumByFunction(tree: Tree): FunctionSums {
  const count = tree.functions.length;
  const self = new Float64Array(count);
  const total = new Float64Array(count);
  const outermostUntil = new Int32Array(count);
  for (let node = 0; node < tree.size; node++) {
    const fn = tree.fn[node];
    self[fn] += tree.self[node];
    if (node < outermostUntil[fn]) continue;
    outermostUntil[fn] = tree.last[node];
    total[fn] += tree.total[node];
  }
  return { self, total };
}

export interface Related {
  readonly fn: number;
  readonly total: number;
}

export interface Relations {
  readonly self: number;
  readonly total: number;
  /** What the function calls, over all its occurrences, largest first. Not itself. */
  readonly callees: readonly Related[];
  /** Who calls it, by its outermost occurrences, largest first; their totals add up to `total`. */
  readonly callers: readonly Related[];
  /** The occurrence with the largest total. */
  readonly heaviest: number;
}

/** Nodes of every function: those of `fn` are `nodes[first[fn]]` to before `nodes[first[fn + 1]]`. */
export interface Occurrences {
  readonly first: Int32Array;
  readonly nodes: Int32Array;
}

/** Sorts the nodes by function, in pre-order within each. Two passes. */
export function occurrencesOf(tree: Tree): Occurrences {
  const first = new Int32Array(tree.functions.length + 1);
  for (let node = 0; node < tree.size; node++) first[tree.fn[node] + 1]++;
  for (let fn = 0; fn < tree.functions.length; fn++) first[fn + 1] += first[fn];
  const filled = first.slice();
  const nodes = new Int32Array(tree.size);
  for (let node = 0; node < tree.size; node++) nodes[filled[tree.fn[node]]++] = node;
  return { first, nodes };
}

export const nodesOf = ({ first, nodes }: Occurrences, fn: number) =>
  nodes.subarray(first[fn] ?? 0, first[fn + 1] ?? 0);

/** All occurrences of one function taken together. Null if it does not occur. */
export function relationsOf(tree: Tree, occurrences: Occurrences, fn: number): Relations | null {
  const own = nodesOf(occurrences, fn);
  if (own.length === 0) return null;
  const callers = new Map<number, number>();
  let self = 0;
  let total = 0;
  let heaviest = own[0];
  let outermostUntil = 0;
  for (const node of own) {
    self += tree.self[node];
    if (node < outermostUntil) continue;
    outermostUntil = tree.last[node];
    total += tree.total[node];
    if (tree.total[node] > tree.total[heaviest]) heaviest = node;
    if (node > ROOT) add(callers, tree.fn[tree.parent[node]], tree.total[node]);
  }
  return { self, total, callees: ranked(calleesOf(tree, own)), callers: ranked(callers), heaviest };
}

function calleesOf(tree: Tree, own: Int32Array): Map<number, number> {
  const children: number[] = [];
  for (const node of own) {
    for (let child = node + 1; child < tree.last[node]; child = tree.last[child]) {
      if (tree.fn[child] !== tree.fn[node]) children.push(child);
    }
  }
  const callees = new Map<number, number>();
  const outermostUntil = new Map<number, number>();
  // In pre-order, so that a callee that leads back here and is called again counts once.
  for (const child of Int32Array.from(children).sort()) {
    const callee = tree.fn[child];
    if (child < (outermostUntil.get(callee) ?? 0)) continue;
    outermostUntil.set(callee, tree.last[child]);
    add(callees, callee, tree.total[child]);
  }
  return callees;
}

function add(sums: Map<number, number>, key: number, amount: number): void {
  sums.set(key, (sums.get(key) ?? 0) + amount);
}

function ranked(totals: Map<number, number>): Related[] {
  return Array.from(totals, ([fn, total]) => ({ fn, total }))
    .filter(({ total }) => total > 0)
    .sort((a, b) => b.total - a.total || a.fn - b.fn);
}
