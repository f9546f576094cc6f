// Draws a window of the tree on a 2D canvas. Frames are collected by colour first, so that the
// colour of the canvas changes a dozen times a repaint and not once a frame.

import { ORIGINS } from "../../profile/origin.ts";
import type { Profile } from "../../profile/profile.ts";
import { ROOT } from "../../profile/tree.ts";
import { fitLabel } from "./label.ts";
import type { Palette } from "./palette.ts";
import {
  boxOf,
  type FlameWindow,
  forEachVisible,
  isShown,
  ROW_HEIGHT,
  RUN_BELOW,
} from "./window.ts";

const GAP = 0.8;
const RADIUS = 2;
/** Corners of narrower frames would eat the frame. */
const ROUND_FROM = 6;
const TEXT_INDENT = 5;
const LABEL_FROM = 24;
const FONT_SIZE = 11;
/** Opacity of what does not match the search, and of ancestors outside the focus. */
const DIM = 0.26;
const ABOVE_FOCUS = 0.62;
const HATCH_STEP = 6;

const WAITING = ORIGINS.indexOf("waiting");
const FOLDED = ORIGINS.indexOf("folded");
const ROOT_COLOUR = ORIGINS.length;
/** Colours (two shades each, and the root) times three levels of opacity. */
const LEVELS = [1, DIM, ABOVE_FOCUS];

export interface Scene {
  readonly window: FlameWindow;
  readonly profile: Profile;
  readonly palette: Palette;
  readonly fontFamily: string;
  /** 1 for every function that the search found; null without a search. */
  readonly matches: Uint8Array | null;
}

const buckets: number[][] = Array.from(
  { length: (ORIGINS.length + 1) * 2 * LEVELS.length },
  () => [],
);
const labels: number[] = [];

/** Frames drawn, and marks that stand for several frames. */
export interface Painted {
  readonly frames: number;
  readonly runs: number;
}

export function paint(ctx: CanvasRenderingContext2D, scene: Scene): Painted {
  const { window, profile, matches } = scene;
  const { tree, origins } = profile;
  const focusDepth = tree.depth[window.focus];
  let frames = 0;
  let runs = 0;
  for (const bucket of buckets) bucket.length = 0;
  labels.length = 0;

  const put = (node: number, x: number, width: number, row: number) => {
    const level = matches && matches[tree.fn[node]] === 0 ? 1 : row < focusDepth ? 2 : 0;
    const colour = node === ROOT ? ROOT_COLOUR : origins[tree.fn[node]];
    buckets[(colour * 2 + (row & 1)) * LEVELS.length + level].push(node, x, width, row);
  };
  forEachVisible(window, {
    frame(node, x, width, row) {
      frames++;
      put(node, x, width, row);
      if (width >= LABEL_FROM) labels.push(node, x, width, row);
    },
    run(node, x, width, row) {
      runs++;
      put(node, x, Math.max(width, RUN_BELOW / 2), row);
    },
  });

  ctx.clearRect(0, 0, window.width, window.height);
  drawFrames(ctx, scene);
  drawLabels(ctx, scene, focusDepth);
  return { frames, runs };
}

function drawFrames(ctx: CanvasRenderingContext2D, { window, palette }: Scene): void {
  const height = ROW_HEIGHT - 1;
  buckets.forEach((bucket, index) => {
    if (bucket.length === 0) return;
    const level = index % LEVELS.length;
    const shade = Math.floor(index / LEVELS.length) & 1;
    const colour = Math.floor(index / LEVELS.length / 2);
    ctx.globalAlpha = LEVELS[level];
    ctx.fillStyle = colour === ROOT_COLOUR ? palette.root : palette.frames[colour][shade];
    ctx.beginPath();
    for (let i = 0; i < bucket.length; i += 4) {
      const x = bucket[i + 1];
      const y = bucket[i + 3] * ROW_HEIGHT - window.scrollTop;
      const width = Math.max(bucket[i + 2] - GAP, RUN_BELOW / 2);
      if (bucket[i + 2] >= ROUND_FROM) ctx.roundRect(x, y, width, height, RADIUS);
      else ctx.rect(x, y, width, height);
    }
    ctx.fill();
    if (colour === FOLDED) hatch(ctx, bucket, window, palette);
  });
  ctx.globalAlpha = 1;
}

function hatch(
  ctx: CanvasRenderingContext2D,
  bucket: number[],
  window: FlameWindow,
  palette: Palette,
): void {
  ctx.save();
  ctx.clip();
  ctx.strokeStyle = palette.hatch;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  for (let i = 0; i < bucket.length; i += 4) {
    const left = Math.max(0, bucket[i + 1]);
    const right = Math.min(window.width, bucket[i + 1] + bucket[i + 2]);
    const top = bucket[i + 3] * ROW_HEIGHT - window.scrollTop;
    const first = Math.floor(left / HATCH_STEP) * HATCH_STEP - ROW_HEIGHT;
    for (let x = first; x < right; x += HATCH_STEP) {
      ctx.moveTo(x, top + ROW_HEIGHT);
      ctx.lineTo(x + ROW_HEIGHT, top);
    }
  }
  ctx.stroke();
  ctx.restore();
}

function drawLabels(ctx: CanvasRenderingContext2D, scene: Scene, focusDepth: number): void {
  const { window, profile, palette, matches } = scene;
  const { tree, names, origins } = profile;
  ctx.font = `${FONT_SIZE}px ${scene.fontFamily}`;
  ctx.textBaseline = "alphabetic";
  const charWidth = ctx.measureText("m").width;
  for (let i = 0; i < labels.length; i += 4) {
    const fn = tree.fn[labels[i]];
    const x = Math.max(labels[i + 1], 0) + TEXT_INDENT;
    const room = labels[i + 2] - TEXT_INDENT - GAP - 3;
    const text = fitLabel(names[fn], Math.floor(room / charWidth));
    if (text === "") continue;
    const quiet = origins[fn] === WAITING || (matches !== null && matches[fn] === 0);
    ctx.fillStyle = quiet ? palette.quietText : palette.text;
    ctx.globalAlpha = labels[i + 3] < focusDepth ? 0.85 : 1;
    ctx.fillText(text, x, labels[i + 3] * ROW_HEIGHT - window.scrollTop + ROW_HEIGHT / 2 + 3.5);
  }
  ctx.globalAlpha = 1;
}

/** Outlines of the hovered and the selected frame, on a canvas of their own. */
export function paintMarks(
  ctx: CanvasRenderingContext2D,
  window: FlameWindow,
  palette: Palette,
  hovered: number | null,
  selected: number | null,
): void {
  ctx.clearRect(0, 0, window.width, window.height);
  if (hovered !== null && hovered !== selected) outline(ctx, window, hovered, palette.hover, 1.2);
  if (selected !== null) outline(ctx, window, selected, palette.outline, 1.6);
}

function outline(
  ctx: CanvasRenderingContext2D,
  window: FlameWindow,
  node: number,
  colour: string,
  line: number,
): void {
  if (!isShown(window, node)) return;
  const { x, width, row } = boxOf(window, node);
  const y = row * ROW_HEIGHT - window.scrollTop;
  if (y < -ROW_HEIGHT || y > window.height) return;
  ctx.strokeStyle = colour;
  ctx.lineWidth = line;
  ctx.beginPath();
  ctx.roundRect(x + 0.5, y - 0.3, Math.max(width - 1.8, 1), ROW_HEIGHT - 0.4, RADIUS + 1);
  ctx.stroke();
}
