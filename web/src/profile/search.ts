// Finds functions by text. Words are parts of name, module or file, upper and lower case alike;
// all words must occur. The text is the reader's and is never taken as a pattern.

import type { FunctionInfo } from "../api/types.ts";
import { displayName, moduleOf } from "./module-name.ts";
import { ROOT, type Tree } from "./tree.ts";

export interface Matches {
  /** 1 for every function that matches. */
  readonly functions: Uint8Array;
  /** Matching nodes that stand under no other matching node, largest total first. */
  readonly outermost: Int32Array;
  /** Value under matching nodes, counted once. */
  readonly total: number;
}

/** What a function is searched in, prepared once for a profile. */
export function searchTexts(functions: readonly FunctionInfo[]): string[] {
  return functions.map(({ name, file }) =>
    `${displayName(name, moduleOf(file))} ${file}`.toLowerCase(),
  );
}

export const wordsOf = (text: string) =>
  text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");

export const matchesWords = (text: string, words: readonly string[]) =>
  words.every((word) => text.includes(word));

/** Null when there is nothing to search for. Cost: one pass over functions and nodes. */
export function search(tree: Tree, texts: readonly string[], text: string): Matches | null {
  const words = wordsOf(text);
  if (words.length === 0) return null;
  const functions = Uint8Array.from(texts, (candidate) => (matchesWords(candidate, words) ? 1 : 0));
  const outermost: number[] = [];
  let total = 0;
  for (let node = ROOT + 1; node < tree.size; ) {
    if (functions[tree.fn[node]] === 0) {
      node++;
      continue;
    }
    outermost.push(node);
    total += tree.total[node];
    node = tree.last[node];
  }
  outermost.sort((a, b) => tree.total[b] - tree.total[a] || a - b);
  return { functions, outermost: Int32Array.from(outermost), total };
}

/** The match after `node` in the order of `outermost`, or before it; wraps around. */
export function nextMatch(matches: Matches, node: number, direction: -1 | 1): number | null {
  const count = matches.outermost.length;
  if (count === 0) return null;
  const at = matches.outermost.indexOf(node);
  if (at < 0) return matches.outermost[direction > 0 ? 0 : count - 1];
  return matches.outermost[(at + direction + count) % count];
}
