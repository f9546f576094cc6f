// The whole state of the page as its URL. Reading never fails: what is not understood is the
// default, so that an old or a mistyped link still opens.

import type { Interval } from "../api/types.ts";
import type { FrameRef } from "../profile/frame-ref.ts";
import { unixSeconds } from "../units.ts";
import { DEFAULT_RANGE, printTime, type TimeRange } from "./time-range.ts";

export const PAGES = ["explore", "workers"] as const;
export type Page = (typeof PAGES)[number];

export const VIEWS = ["flame", "table"] as const;
export type View = (typeof VIEWS)[number];

export const SORT_KEYS = ["function", "module", "file", "self", "total"] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface Sort {
  readonly key: SortKey;
  readonly descending: boolean;
}

export interface ExploreState {
  readonly page: Page;
  /** Selector as text: it may be one that only the server understands, or refuses. */
  readonly query: string;
  /** Short name of the profile type. */
  readonly measure: string;
  readonly range: TimeRange;
  /** Brushed interval. */
  readonly selection: Interval | null;
  readonly view: View;
  /** Frame that the flame view is zoomed to. */
  readonly focus: FrameRef | null;
  /** Frame that the details are about, where it is not the focus. */
  readonly at: FrameRef | null;
  readonly search: string;
  /** Label that the timeline is split by. */
  readonly group: string;
  readonly sort: Sort;
  readonly live: boolean;
}

export const DEFAULT_STATE: ExploreState = {
  page: "explore",
  query: "",
  measure: "cpu",
  range: DEFAULT_RANGE,
  selection: null,
  view: "flame",
  focus: null,
  at: null,
  search: "",
  group: "service",
  sort: { key: "self", descending: true },
  live: false,
};

export function readUrl(path: string, search: string): ExploreState {
  const params = new URLSearchParams(search);
  const text = (name: string, otherwise: string) => params.get(name) ?? otherwise;
  const page = path.replace(/^\/|\/$/g, "");
  return {
    page: oneOf(PAGES, page, DEFAULT_STATE.page),
    query: text("q", ""),
    measure: text("m", DEFAULT_STATE.measure),
    range: { from: text("from", DEFAULT_RANGE.from), to: text("to", DEFAULT_RANGE.to) },
    selection: readInterval(params.get("sel")),
    view: oneOf(VIEWS, params.get("view"), DEFAULT_STATE.view),
    focus: params.get("f") || null,
    at: params.get("at") || null,
    search: text("s", ""),
    group: text("group", DEFAULT_STATE.group),
    sort: readSort(params.get("sort")),
    live: params.get("live") === "1",
  };
}

/** Path and query of a state. What is the default is left out, except the range. */
export function writeUrl(state: ExploreState): string {
  const params = new URLSearchParams();
  const put = (name: string, value: string | null, otherwise: string) => {
    if (value !== null && value !== otherwise) params.set(name, value);
  };
  put("q", state.query, "");
  put("m", state.measure, DEFAULT_STATE.measure);
  params.set("from", state.range.from);
  params.set("to", state.range.to);
  put("sel", state.selection?.map(printTime).join(",") ?? null, "");
  put("view", state.view, DEFAULT_STATE.view);
  put("f", state.focus, "");
  put("at", state.at, "");
  put("s", state.search, "");
  put("group", state.group, DEFAULT_STATE.group);
  put("sort", writeSort(state.sort), writeSort(DEFAULT_STATE.sort));
  put("live", state.live ? "1" : "0", "0");
  return `/${state.page}?${params.toString().replaceAll("%2C", ",").replaceAll("%3A", ":")}`;
}

function readInterval(text: string | null): Interval | null {
  const ends = (text ?? "").split(",").map(Number);
  return ends.length === 2 && ends.every((n) => n > 0) && ends[0] < ends[1]
    ? [unixSeconds(ends[0]), unixSeconds(ends[1])]
    : null;
}

const writeSort = ({ key, descending }: Sort) => (descending ? "-" : "") + key;

function readSort(text: string | null): Sort {
  const descending = text?.startsWith("-") ?? false;
  const key = SORT_KEYS.find((name) => name === text?.replace("-", ""));
  return key ? { key, descending } : DEFAULT_STATE.sort;
}

function oneOf<T extends string>(all: readonly T[], text: string | null, otherwise: T): T {
  return all.find((one) => one === text) ?? otherwise;
}
