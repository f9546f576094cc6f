// A button that opens a panel below it. Escape and a press outside close it; the focus goes into
// the panel and comes back to the button.

import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

interface MenuProps {
  readonly label: ComponentChildren;
  /** What the button is for, for those who hear the page. */
  readonly name: string;
  readonly look?: "button" | "chip" | "chip-accent" | "chip-dashed" | "quiet" | "icon";
  readonly align?: "left" | "right";
  /** A menu that is mounted open, as for a filter being added. */
  readonly children: (close: () => void) => ComponentChildren;
}

const LOOKS = {
  button: "btn",
  chip: "chip",
  "chip-accent": "chip chip-accent",
  "chip-dashed": "chip chip-dashed",
  quiet: "btn quiet",
  icon: "btn ghost icon-only",
};

const FOCUSABLE = "input,button:not([disabled]),a[href]";

export function Menu({ label, name, look = "button", align = "left", children }: MenuProps) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const close = useCallback(() => {
    setOpen(false);
    button.current?.focus();
  }, []);

  useEffect(() => {
    if (!open) return;
    panel.current?.querySelector<HTMLElement>(FOCUSABLE)?.focus();
    const outside = (event: Event) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
    };
  }, [open]);

  const keyDown = (event: KeyboardEvent) => {
    if (!open) return;
    if (event.key === "Escape") close();
    else if (event.key === "ArrowDown") step(panel.current, 1);
    else if (event.key === "ArrowUp") step(panel.current, -1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div class="menu" ref={box} onKeyDown={keyDown}>
      <button
        type="button"
        class={LOOKS[look]}
        ref={button}
        aria-label={look === "icon" ? name : undefined}
        title={name}
        aria-expanded={open}
        aria-haspopup="dialog"
        onClick={() => setOpen(!open)}
      >
        {label}
      </button>
      {open && (
        <div class={`menu-panel menu-${align}`} ref={panel} role="dialog" aria-label={name}>
          {children(close)}
        </div>
      )}
    </div>
  );
}

function step(panel: HTMLElement | null, direction: -1 | 1): void {
  const all = [...(panel?.querySelectorAll<HTMLElement>(FOCUSABLE) ?? [])];
  const at = all.indexOf(document.activeElement as HTMLElement);
  all[Math.max(0, Math.min(all.length - 1, at + direction))]?.focus();
}

interface ItemProps {
  readonly on?: boolean;
  readonly onPick: () => void;
  readonly children: ComponentChildren;
  /** Shown at the right, as an amount. */
  readonly aside?: ComponentChildren;
}

export const MenuItem = ({ on, onPick, children, aside }: ItemProps) => (
  <button type="button" class={on ? "item on" : "item"} aria-pressed={on} onClick={onPick}>
    <span class="item-text">{children}</span>
    {aside !== undefined && <span class="item-aside num">{aside}</span>}
  </button>
);
