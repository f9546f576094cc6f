// The calling-context tree as typed-array columns, laid out for drawing. Pure: it knows neither
// the page nor the canvas. Everything else in this folder is a linear pass over these columns.
//
// Order of nodes is pre-order, so a subtree is the half-open range [node, last[node]). x runs in
// units of the profile's value, from 0 to the root's total; it is not time.

import type { FlamegraphAnswer, FunctionInfo } from "../api/types.ts";

export interface Tree {
  readonly size: number;
  readonly functions: readonly FunctionInfo[];
  /** Parent node, -1 for the root. */
  readonly parent: Int32Array;
  /** Index into `functions`. */
  readonly fn: Int32Array;
  readonly self: Float64Array;
  readonly total: Float64Array;
  /** Left edge in value units. */
  readonly start: Float64Array;
  /** The root has depth 0. */
  readonly depth: Int32Array;
  /** One past the last node of the subtree. */
  readonly last: Int32Array;
  /** Nodes of each depth, sorted by `start`. */
  readonly rows: readonly Int32Array[];
}

export const ROOT = 0;

/** Name the server gives to the node that holds what pruning folded away. */
export const FOLDED_NAME = "(other)";

export class TreeFormatError extends Error {
  override readonly name = "TreeFormatError";
}

type Columns = Pick<FlamegraphAnswer, "functions" | "nodes">;

/** Lays out an answer. Cost: two passes over the nodes. */
export function buildTree({ functions, nodes }: Columns): Tree {
  const size = nodes.parent.length;
  if (nodes.function.length !== size || nodes.self.length !== size || nodes.total.length !== size) {
    throw new TreeFormatError("the columns of the flamegraph differ in length");
  }
  const parent = Int32Array.from(nodes.parent);
  const fn = Int32Array.from(nodes.function);
  const self = Float64Array.from(nodes.self);
  const total = Float64Array.from(nodes.total);
  const start = new Float64Array(size);
  const depth = new Int32Array(size);
  const last = new Int32Array(size);
  const nextChildStart = new Float64Array(size);
  const rowLengths: number[] = [];

  for (let node = 0; node < size; node++) {
    const above = parent[node];
    const isRoot = node === ROOT;
    if (isRoot ? above !== -1 : above < 0 || above >= node) {
      throw new TreeFormatError(`node ${node} of the flamegraph is not in pre-order`);
    }
    if (fn[node] < 0 || fn[node] >= functions.length) {
      throw new TreeFormatError(`node ${node} of the flamegraph names an unknown function`);
    }
    if (!isRoot) {
      start[node] = nextChildStart[above];
      nextChildStart[above] += total[node];
      depth[node] = depth[above] + 1;
    }
    nextChildStart[node] = start[node];
    rowLengths[depth[node]] = (rowLengths[depth[node]] ?? 0) + 1;
  }
  for (let node = size - 1; node >= 0; node--) {
    if (last[node] === 0) last[node] = node + 1;
    if (node > ROOT && last[node] > last[parent[node]]) last[parent[node]] = last[node];
  }
  return {
    size,
    functions,
    parent,
    fn,
    self,
    total,
    start,
    depth,
    last,
    rows: rowsOf(depth, rowLengths),
  };
}

function rowsOf(depth: Int32Array, lengths: readonly number[]): Int32Array[] {
  const rows = lengths.map((length) => new Int32Array(length));
  const filled = new Int32Array(lengths.length);
  depth.forEach((row, node) => {
    rows[row][filled[row]++] = node;
  });
  return rows;
}

export const isEmpty = (tree: Tree) => tree.size === 0 || tree.total[ROOT] <= 0;

export const functionOf = (tree: Tree, node: number): FunctionInfo => tree.functions[tree.fn[node]];

export const isInSubtree = (tree: Tree, node: number, top: number) =>
  node >= top && node < tree.last[top];

/** Nodes from the root down to `node`, both included. */
export function stackOf(tree: Tree, node: number): number[] {
  const stack: number[] = [];
  for (let at = node; at >= 0; at = tree.parent[at]) stack.push(at);
  return stack.reverse();
}

/** The child with the largest total: children are sorted so by the server. -1 if there is none. */
export const firstChild = (tree: Tree, node: number) =>
  node + 1 < tree.last[node] ? node + 1 : -1;

/** Neighbour in the same row, across parents. -1 at the edge. */
export function neighbour(tree: Tree, node: number, direction: -1 | 1): number {
  const row = tree.rows[tree.depth[node]];
  return row[lowerBound(row, (other) => other >= node) + direction] ?? -1;
}

/** First index whose entry satisfies `reached`, which must be false, then true, along the row. */
export function lowerBound(
  row: Int32Array,
  reached: (node: number) => boolean,
  from = 0,
  until = row.length,
): number {
  let low = from;
  let high = until;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (reached(row[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}
