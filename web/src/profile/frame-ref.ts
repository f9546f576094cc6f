// Names a frame so that the name survives another interval, another filter and a reload: a hash
// of the whole path of functions, and the function's own name to fall back to.

import type { FunctionInfo } from "../api/types.ts";
import { displayName, moduleOf } from "./module-name.ts";
import { functionOf, ROOT, type Tree } from "./tree.ts";

/** `1a2b3c4d~module:qualname`. */
export type FrameRef = string;

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Hash of the path of every node. The line is left out: it moves with every release. */
export function pathHashes(tree: Tree): Uint32Array {
  const own = Uint32Array.from(tree.functions, functionHash);
  const hashes = new Uint32Array(tree.size);
  for (let node = 0; node < tree.size; node++) {
    const above = node === ROOT ? FNV_OFFSET : hashes[tree.parent[node]];
    hashes[node] = Math.imul(above ^ own[tree.fn[node]], FNV_PRIME);
  }
  return hashes;
}

function functionHash({ name, file }: FunctionInfo): number {
  let hash = FNV_OFFSET;
  for (const text of [name, "\n", file]) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  }
  return hash >>> 0;
}

export const nameOf = ({ name, file }: FunctionInfo) => displayName(name, moduleOf(file));

export function refOf(tree: Tree, hashes: Uint32Array, node: number): FrameRef {
  return `${hashes[node].toString(16).padStart(8, "0")}~${nameOf(functionOf(tree, node))}`;
}

/** Reference to a function without a place in the tree. */
export const refOfFunction = (info: FunctionInfo): FrameRef => `~${nameOf(info)}`;

export const nameInRef = (ref: FrameRef) => ref.slice(ref.indexOf("~") + 1);

/** The node with that path; else the largest one with that name; else null. */
export function findFrame(tree: Tree, hashes: Uint32Array, ref: FrameRef | null): number | null {
  if (ref === null || tree.size === 0) return null;
  const tilde = ref.indexOf("~");
  const hash = tilde > 0 ? Number.parseInt(ref.slice(0, tilde), 16) : Number.NaN;
  const exact = Number.isNaN(hash) ? -1 : hashes.indexOf(hash);
  if (exact >= 0) return exact;
  const name = nameInRef(ref);
  const wanted = new Set<number>();
  tree.functions.forEach((info, fn) => {
    if (nameOf(info) === name) wanted.add(fn);
  });
  if (wanted.size === 0) return null;
  let best = -1;
  for (let node = 0; node < tree.size; node++) {
    if (wanted.has(tree.fn[node]) && (best < 0 || tree.total[node] > tree.total[best])) best = node;
  }
  return best < 0 ? null : best;
}
