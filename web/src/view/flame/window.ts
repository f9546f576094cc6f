// What part of the tree is on the screen, and which frame lies under a point. Pure geometry.
//
// The focus frame fills the width; its ancestors are drawn at full width above it. Runs of frames
// narrower than a pixel are skipped by binary search, so that a repaint costs pixels times
// visible rows, whatever the number of nodes.

import { lowerBound, ROOT, type Tree } from "../../profile/tree.ts";

export const ROW_HEIGHT = 19;
/** A frame narrower than this is part of a run. In CSS pixels. */
export const RUN_BELOW = 1;

export interface FlameWindow {
  readonly tree: Tree;
  readonly focus: number;
  readonly width: number;
  readonly height: number;
  readonly scrollTop: number;
}

export interface Box {
  readonly x: number;
  readonly width: number;
  readonly row: number;
}

const scaleOf = ({ tree, focus, width }: FlameWindow) =>
  tree.total[focus] > 0 ? width / tree.total[focus] : 0;

/** Rows that the tree below the focus needs. */
export function rowsBelow(tree: Tree, focus: number): number {
  let deepest = 0;
  for (let node = focus; node < tree.last[focus]; node++) {
    if (tree.depth[node] > deepest) deepest = tree.depth[node];
  }
  return deepest + 1;
}

/** Where a frame is drawn, in CSS pixels, before scrolling. */
export function boxOf(window: FlameWindow, node: number): Box {
  const { tree, focus, width } = window;
  const row = tree.depth[node];
  if (row < tree.depth[focus]) return { x: 0, width, row };
  const scale = scaleOf(window);
  return {
    x: (tree.start[node] - tree.start[focus]) * scale,
    width: tree.total[node] * scale,
    row,
  };
}

/** True for what can be seen at all: the subtree of the focus and the path to it. */
export const isShown = ({ tree, focus }: FlameWindow, node: number) =>
  (node >= focus && node < tree.last[focus]) ||
  (node < focus && tree.last[node] >= tree.last[focus]);

export interface Sink {
  frame(node: number, x: number, width: number, row: number): void;
  /** Frames of one pixel column or less, drawn as one; `node` is the first of them. */
  run(node: number, x: number, width: number, row: number): void;
}

/** Hands every visible frame to `sink`, row by row, left to right. */
export function forEachVisible(window: FlameWindow, sink: Sink): void {
  const { tree, focus, height, scrollTop, width } = window;
  const firstRow = Math.max(0, Math.floor(scrollTop / ROW_HEIGHT));
  const lastRow = Math.min(tree.rows.length, Math.ceil((scrollTop + height) / ROW_HEIGHT));
  const focusDepth = tree.depth[focus];
  for (let row = firstRow; row < Math.min(lastRow, focusDepth); row++) {
    sink.frame(ancestorAt(tree, focus, row), 0, width, row);
  }
  for (let row = Math.max(firstRow, focusDepth); row < lastRow; row++)
    visibleInRow(window, row, sink);
}

function visibleInRow(window: FlameWindow, row: number, sink: Sink): void {
  const { tree, focus } = window;
  const nodes = tree.rows[row];
  const scale = scaleOf(window);
  const left = tree.start[focus];
  const end = lowerBound(nodes, (node) => node >= tree.last[focus]);
  let at = lowerBound(nodes, (node) => node >= focus, 0, end);
  while (at < end) {
    const node = nodes[at];
    const x = (tree.start[node] - left) * scale;
    const width = tree.total[node] * scale;
    if (width >= RUN_BELOW) {
      sink.frame(node, x, width, row);
      at++;
      continue;
    }
    // Everything that ends within this pixel column is one mark.
    const column = left + (Math.floor(x) + 1) / scale;
    const next = lowerBound(
      nodes,
      (other) => tree.start[other] >= column || tree.total[other] * scale >= RUN_BELOW,
      at + 1,
      end,
    );
    const final = nodes[next - 1];
    sink.run(node, x, (tree.start[final] + tree.total[final] - left) * scale - x, row);
    at = next;
  }
}

function ancestorAt(tree: Tree, node: number, row: number): number {
  let at = node;
  while (tree.depth[at] > row) at = tree.parent[at];
  return at;
}

/** The frame under a point of the visible area, in CSS pixels; null beside all frames. */
export function frameAt(window: FlameWindow, x: number, y: number): number | null {
  const { tree, focus, width } = window;
  const row = Math.floor((y + window.scrollTop) / ROW_HEIGHT);
  if (row < 0 || row >= tree.rows.length || x < 0 || x >= width) return null;
  if (row <= tree.depth[focus]) return ancestorAt(tree, focus, row);
  const at = tree.start[focus] + x / scaleOf(window);
  const nodes = tree.rows[row];
  const found = nodes[lowerBound(nodes, (node) => tree.start[node] > at) - 1];
  if (found === undefined || found < focus || found >= tree.last[focus]) return null;
  return at < tree.start[found] + tree.total[found] ? found : null;
}

/** The nearest frame above the focus that is wider than it: where Esc leads. */
export function wayOut(tree: Tree, focus: number): number {
  let at = focus;
  while (at > ROOT && tree.total[at] <= tree.total[focus]) at = tree.parent[at];
  return at;
}
