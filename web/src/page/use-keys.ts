// Keys that work anywhere on the page. A key typed into a field belongs to the field; a key that
// a control understands belongs to the control.

import { useEffect, useRef } from "preact/hooks";

/** Tells whether the key meant something. */
export type KeyHandler = (key: string, place: KeyPlace) => boolean;

/** Where the focus is: in the graph or nowhere, or on some control. */
export type KeyPlace = "graph" | "control";

export function useKeys(handler: KeyHandler): void {
  const latest = useRef(handler);
  latest.current = handler;
  useEffect(() => {
    const keyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target as HTMLElement;
      if (target.closest("input,textarea,select,dialog,.menu-panel")) return;
      const place = target === document.body || target.closest(".flame") ? "graph" : "control";
      if (latest.current(event.key, place)) event.preventDefault();
    };
    document.addEventListener("keydown", keyDown);
    return () => document.removeEventListener("keydown", keyDown);
  }, []);
}
