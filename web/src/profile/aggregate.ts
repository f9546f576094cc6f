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
  const outermost = new OutermostOnly(count);
  for (let node = 0; node < tree.size; node++) {
    const fn = tree.fn[node];
    self[fn] += tree.self[node];
    if (outermost.enter(fn, node, tree)) total[fn] += tree.total[node];
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

/** All occurrences of one function taken together. One pass. Null if it does not occur. */
export function relationsOf(tree: Tree, fn: number): Relations | null {
  const callees = new Float64Array(tree.functions.length);
  const callers = new Float64Array(tree.functions.length);
  const ownOutermost = new OutermostOnly(tree.functions.length);
  const edgeOutermost = new OutermostOnly(tree.functions.length);
  let self = 0;
  let total = 0;
  let heaviest = -1;
  for (let node = 0; node < tree.size; node++) {
    const parent = tree.parent[node];
    const own = tree.fn[node];
    if (own === fn) {
      self += tree.self[node];
      if (!ownOutermost.enter(fn, node, tree)) continue;
      total += tree.total[node];
      if (heaviest < 0 || tree.total[node] > tree.total[heaviest]) heaviest = node;
      if (parent >= ROOT) callers[tree.fn[parent]] += tree.total[node];
    } else if (parent >= ROOT && tree.fn[parent] === fn) {
      if (edgeOutermost.enter(own, node, tree)) callees[own] += tree.total[node];
    }
  }
  return heaviest < 0
    ? null
    : { self, total, callees: ranked(callees), callers: ranked(callers), heaviest };
}

function ranked(totals: Float64Array): Related[] {
  const found: Related[] = [];
  totals.forEach((total, fn) => {
    if (total > 0) found.push({ fn, total });
  });
  return found.sort((a, b) => b.total - a.total || a.fn - b.fn);
}

/** Tells, in a pre-order walk, whether a key is met under none of its own kind. */
class OutermostOnly {
  readonly #until: Int32Array;

  constructor(keys: number) {
    this.#until = new Int32Array(keys);
  }

  enter(key: number, node: number, tree: Tree): boolean {
    if (node < this.#until[key]) return false;
    this.#until[key] = tree.last[node];
    return true;
  }
}
