// Everything derived from one flamegraph answer that several parts of the page need, made once.

import type { FlamegraphAnswer, FunctionInfo, Interval } from "../api/types.ts";
import { type Seconds, seconds, since } from "../units.ts";
import { type FunctionSums, type Occurrences, occurrencesOf, sumByFunction } from "./aggregate.ts";
import { nameOf, pathHashes } from "./frame-ref.ts";
import { originColumn } from "./origin.ts";
import { searchTexts } from "./search.ts";
import { buildTree, type Tree } from "./tree.ts";

export interface Profile {
  readonly answer: FlamegraphAnswer;
  readonly tree: Tree;
  /** `module:qualname` of every function. */
  readonly names: readonly string[];
  readonly origins: Uint8Array;
  readonly texts: readonly string[];
  readonly hashes: Uint32Array;
  readonly sums: FunctionSums;
  readonly occurrences: Occurrences;
  /** Time in which samples were collected: the interval without its gaps. */
  readonly covered: Seconds;
}

export function profileOf(answer: FlamegraphAnswer): Profile {
  const tree = buildTree(answer);
  return {
    answer,
    tree,
    names: answer.functions.map(nameOf),
    origins: originColumn(answer.functions),
    texts: searchTexts(answer.functions),
    hashes: pathHashes(tree),
    sums: sumByFunction(tree),
    occurrences: occurrencesOf(tree),
    covered: coveredTime([answer.from, answer.until], answer.gaps),
  };
}

/** Length of the interval without the gaps in it, which may touch or overlap. */
export function coveredTime(whole: Interval, gaps: readonly Interval[]): Seconds {
  const [from, until] = whole;
  let covered = since(from, until) as number;
  let reached: number = from;
  for (const [gapFrom, gapUntil] of [...gaps].sort((a, b) => a[0] - b[0])) {
    const left = Math.max(reached, gapFrom);
    const right = Math.min(until, gapUntil);
    if (right <= left) continue;
    covered -= right - left;
    reached = right;
  }
  return seconds(Math.max(covered, 0));
}

/** Index of the function, or -1. Identity is name and file; the line may move. */
export const findFunction = (profile: Profile, { name, file }: FunctionInfo) =>
  profile.tree.functions.findIndex((info) => info.name === name && info.file === file);
