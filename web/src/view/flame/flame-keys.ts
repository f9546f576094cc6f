// What a key means in the flame view: which frame it leads to, and what is done with it.

import { firstChild, isInSubtree, neighbour, ROOT, type Tree } from "../../profile/tree.ts";
import { wayOut } from "./window.ts";

export interface KeyTarget {
  readonly node: number;
  /** Select it, zoom into it, or zoom out to it and keep what is selected. */
  readonly act: "select" | "zoom" | "out";
}

/** Null for a key without a meaning here. At an edge the frame stays the same. */
export function keyTarget(
  key: string,
  tree: Tree,
  focus: number,
  selected: number | null,
): KeyTarget | null {
  const at = selected ?? focus;
  const to = (node: number): KeyTarget => ({ node: node < 0 ? at : node, act: "select" });
  switch (key) {
    case "ArrowUp":
      return to(tree.parent[at]);
    case "ArrowDown":
      return to(firstChild(tree, at));
    case "ArrowLeft":
      return to(within(neighbour(tree, at, -1)));
    case "ArrowRight":
      return to(within(neighbour(tree, at, 1)));
    case "Home":
      return to(focus);
    case "Enter":
      return { node: at, act: "zoom" };
    case "Escape":
      return { node: wayOut(tree, focus), act: "out" };
    case "0":
      return { node: ROOT, act: "out" };
    default:
      return null;
  }

  function within(node: number): number {
    return node >= 0 && isInSubtree(tree, node, focus) ? node : -1;
  }
}
