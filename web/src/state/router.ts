// The URL is the only store. A preview (dragging, typing) replaces the entry in the history; a
// commit pushes one, after putting the entry before the preview back: Back undoes whole steps.

import { useEffect, useState } from "preact/hooks";
import { type ExploreState, readUrl, writeUrl } from "./url-state.ts";

export type Patch = Partial<ExploreState>;

type Listener = (state: ExploreState) => void;

const listeners = new Set<Listener>();
let beforePreview: string | null = null;

export const currentState = (): ExploreState => readUrl(location.pathname, location.search);

/** Shows a state that is not final yet. */
export function preview(patch: Patch): void {
  beforePreview ??= location.pathname + location.search;
  replace(patch);
}

/** Makes a state a step that Back undoes. */
export function commit(patch: Patch): void {
  const next = writeUrl({ ...currentState(), ...patch });
  if (beforePreview !== null) history.replaceState(null, "", beforePreview);
  beforePreview = null;
  // Compared as written by us: a shorter link to the same state is not a step.
  if (next !== writeUrl(currentState())) history.pushState(null, "", next);
  notify();
}

/** Changes the state without a step: what the reader did not ask for. */
export function replace(patch: Patch): void {
  history.replaceState(null, "", writeUrl({ ...currentState(), ...patch }));
  notify();
}

function notify(): void {
  const state = currentState();
  for (const listener of listeners) listener(state);
}

addEventListener("popstate", () => {
  beforePreview = null;
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
