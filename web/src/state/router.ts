// The URL is the only store. A preview (dragging, typing) replaces the entry in the history; a
// commit pushes one, after putting the entry before the preview back: Back undoes whole steps.

import { useEffect, useState } from "preact/hooks";
import { type ExploreState, readUrl, writeUrl } from "./url-state.ts";

export type Patch = Partial<ExploreState>;

type Listener = (state: ExploreState) => void;

// Browsers ignore or refuse a page that writes its URL too often: Safari 100 times in 30 s. So a
// few writes may follow each other at once, and a key that is held down writes more slowly.
const WRITES_AT_ONCE = 20;
const WRITE_EARNED_MS = 400;

const listeners = new Set<Listener>();
let shown = readUrl(location.pathname, location.search);
let beforePreview: string | null = null;
let writeTimer: ReturnType<typeof setTimeout> | null = null;
let writesSpent = 0;
let spentAt = 0;

/** What the page shows. The address bar may be a moment behind. */
export const currentState = (): ExploreState => shown;

/** Shows a state that is not final yet. */
export function preview(patch: Patch): void {
  if (beforePreview === null) {
    writeNow();
    beforePreview = location.pathname + location.search;
  }
  replace(patch);
}

/** Changes the state without a step: what needs no undoing. */
export function replace(patch: Patch): void {
  shown = { ...shown, ...patch };
  const wait = (spent() - WRITES_AT_ONCE + 1) * WRITE_EARNED_MS;
  if (wait <= 0 && writeTimer === null) history.replaceState(null, "", written());
  else writeTimer ??= setTimeout(writeNow, wait);
  notify();
}

/** Makes a state a step that Back undoes. */
export function commit(patch: Patch): void {
  if (beforePreview === null) writeNow();
  else history.replaceState(null, "", beforePreview);
  forgetWrite();
  beforePreview = null;
  // Compared as written by us: a shorter link to the same state is not a step.
  const before = writeUrl(readUrl(location.pathname, location.search));
  shown = { ...shown, ...patch };
  if (writeUrl(shown) !== before) history.pushState(null, "", written());
  notify();
}

function written(): string {
  writesSpent = spent() + 1;
  return writeUrl(shown);
}

/** Writes made and not yet earned back. */
function spent(): number {
  const now = performance.now();
  writesSpent = Math.max(0, writesSpent - (now - spentAt) / WRITE_EARNED_MS);
  spentAt = now;
  return writesSpent;
}

/** Writes what waits to be written, if anything does. */
function writeNow(): void {
  if (writeTimer === null) return;
  forgetWrite();
  history.replaceState(null, "", written());
}

function forgetWrite(): void {
  if (writeTimer !== null) clearTimeout(writeTimer);
  writeTimer = null;
}

function notify(): void {
  for (const listener of listeners) listener(shown);
}

addEventListener("pagehide", writeNow);
addEventListener("popstate", () => {
  forgetWrite();
  beforePreview = null;
  shown = readUrl(location.pathname, location.search);
  notify();
});

export function useUrlState(): ExploreState {
  const [state, setState] = useState(currentState);
  useEffect(() => {
    listeners.add(setState);
    return () => {
      listeners.delete(setState);
    };
  }, []);
  return state;
}

/** For links: a plain click stays in the page, any other click is the browser's. */
export function followLink(event: MouseEvent, patch: Patch): void {
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
    return;
  event.preventDefault();
  commit(patch);
}
