// The brush on the timeline: drag to select, drag a handle to change, double click to clear.
// Works on uPlot's overlay element; knows times only through the chart's own scale.

import type uPlot from "uplot";
import type { Interval } from "../../api/types.ts";
import { type Seconds, unixSeconds } from "../../units.ts";

/** A press that moves less than this is a click. In CSS pixels. */
const DRAG_FROM = 4;
/** Each preview asks the server: the band follows the pointer at once, the graph a little later. */
const PREVIEW_EVERY_MS = 120;

export interface BrushEvents {
  /** While dragging. */
  preview(interval: Interval): void;
  commit(interval: Interval): void;
  clear(): void;
}

export class Brush {
  readonly #chart: uPlot;
  readonly #events: BrushEvents;
  readonly #step: Seconds;
  readonly #band = element("brush");
  readonly #handles = [element("brush-handle"), element("brush-handle")] as const;
  #shown: Interval | null = null;

  constructor(chart: uPlot, step: Seconds, events: BrushEvents) {
    this.#chart = chart;
    this.#events = events;
    this.#step = step;
    chart.over.append(this.#band, ...this.#handles);
    chart.over.addEventListener("pointerdown", this.#press);
    chart.over.addEventListener("dblclick", () => events.clear());
    this.#handles.forEach((handle, end) => {
      handle.tabIndex = 0;
      handle.setAttribute("role", "slider");
      handle.setAttribute(
        "aria-label",
        end === 0 ? "Start of the selection" : "End of the selection",
      );
      handle.addEventListener("keydown", (event) => this.#nudge(event, end));
    });
    this.show(null);
  }

  show(interval: Interval | null): void {
    this.#shown = interval;
    for (const part of [this.#band, ...this.#handles]) part.hidden = interval === null;
    if (!interval) return;
    const [left, right] = interval.map((time) => this.#clamp(this.#chart.valToPos(time, "x")));
    this.#band.style.transform = `translateX(${left}px)`;
    this.#band.style.width = `${Math.max(1, right - left)}px`;
    [left, right].forEach((x, end) => {
      const handle = this.#handles[end];
      handle.style.transform = `translateX(${x}px)`;
      handle.setAttribute("aria-valuenow", String(Math.round(interval[end])));
      handle.setAttribute("aria-valuetext", new Date(interval[end] * 1000).toLocaleString());
    });
  }

  readonly #press = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    const { over } = this.#chart;
    const end = this.#handles.indexOf(event.target as HTMLElement);
    const fixed = end >= 0 && this.#shown ? this.#shown[1 - end] : null;
    const origin = this.#xOf(event);
    let dragged = false;
    let previewedAt = 0;
    const intervalAt = (moved: PointerEvent) =>
      this.#ordered(fixed ?? this.#timeAt(origin), this.#timeAt(this.#xOf(moved)));
    const move = (moved: PointerEvent) => {
      dragged ||= Math.abs(this.#xOf(moved) - origin) >= DRAG_FROM;
      if (!dragged) return;
      const interval = intervalAt(moved);
      this.show(interval);
      if (moved.timeStamp - previewedAt < PREVIEW_EVERY_MS) return;
      previewedAt = moved.timeStamp;
      this.#events.preview(interval);
    };
    const release = (moved: PointerEvent) => {
      over.removeEventListener("pointermove", move);
      over.removeEventListener("pointerup", release);
      over.removeEventListener("pointercancel", release);
      if (dragged) this.#events.commit(intervalAt(moved));
    };
    over.setPointerCapture(event.pointerId);
    over.addEventListener("pointermove", move);
    over.addEventListener("pointerup", release);
    over.addEventListener("pointercancel", release);
  };

  #nudge(event: KeyboardEvent, end: number): void {
    const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!direction || !this.#shown) return;
    event.preventDefault();
    event.stopPropagation();
    const moved = this.#shown[end] + direction * this.#step;
    this.#events.commit(this.#ordered(this.#shown[1 - end], moved));
  }

  #xOf(event: PointerEvent): number {
    return this.#clamp(event.clientX - this.#chart.over.getBoundingClientRect().left);
  }

  #timeAt(x: number): number {
    return Math.round(this.#chart.posToVal(x, "x"));
  }

  #clamp(x: number): number {
    return Math.max(0, Math.min(this.#chart.over.clientWidth, x));
  }

  /** Never empty: the shortest selection is a second. */
  #ordered(one: number, other: number): Interval {
    const from = Math.min(one, other);
    return [unixSeconds(from), unixSeconds(Math.max(one, other, from + 1))];
  }
}

function element(className: string): HTMLElement {
  const made = document.createElement("div");
  made.className = className;
  return made;
}
