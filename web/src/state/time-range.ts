// Time ranges as the reader types and the URL keeps them: `now-6h`, unix seconds, ISO dates and
// `yesterday 14:00-15:00`. Relative times stay relative until somebody shares or shifts them.

import { since, type UnixSeconds, unixSeconds } from "../units.ts";

/** `now`, `now-15m`, or unix seconds in decimal. What the API takes as `from` and `until`. */
export type TimeText = string;

export interface TimeRange {
  readonly from: TimeText;
  readonly to: TimeText;
}

export interface Preset {
  readonly name: string;
  readonly from: TimeText;
}

export const PRESETS: readonly Preset[] = [
  { name: "15 minutes", from: "now-15m" },
  { name: "1 hour", from: "now-1h" },
  { name: "6 hours", from: "now-6h" },
  { name: "24 hours", from: "now-24h" },
  { name: "7 days", from: "now-7d" },
];

export const DEFAULT_RANGE: TimeRange = { from: "now-1h", to: "now" };

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
};
const RELATIVE = /^now(?:-(\d+)([smhdw]))?$/;
const CLOCK = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/;

/** The moment that `text` means at `now`; null if it means none. */
export function resolveTime(text: TimeText, now: UnixSeconds): UnixSeconds | null {
  const relative = RELATIVE.exec(text);
  if (relative) {
    const [, amount = "0", unit = "s"] = relative;
    return unixSeconds(now - Number(amount) * UNIT_SECONDS[unit]);
  }
  return /^\d+(\.\d+)?$/.test(text) ? unixSeconds(Number(text)) : null;
}

export const isRelative = (text: TimeText) => RELATIVE.test(text);

export const printTime = (time: UnixSeconds): TimeText => String(Math.round(time * 1000) / 1000);

/** The range moved by half its length, as absolute times. It does not run past `now`. */
export function shiftRange(
  from: UnixSeconds,
  until: UnixSeconds,
  direction: -1 | 1,
  now: UnixSeconds,
): TimeRange {
  const length = since(from, until);
  const shifted = Math.min(until + (direction * length) / 2, now);
  return { from: printTime(unixSeconds(shifted - length)), to: printTime(unixSeconds(shifted)) };
}

/** What the reader typed, in local time; null if it cannot be understood. */
export function parseTyped(typed: string, now: UnixSeconds): TimeRange | null {
  const text = typed.trim().toLowerCase();
  const span = /^(?:last\s+)?(\d+)\s*([smhdw])[a-z]*$/.exec(text);
  if (span) return { from: `now-${span[1]}${span[2]}`, to: "now" };
  const day = /^(today|yesterday)\b\s*/.exec(text);
  const midnight = startOfDay(now, day?.[1] === "yesterday" ? 1 : 0);
  const rest = day ? text.slice(day[0].length) : text;
  if (day && rest === "") {
    const end = unixSeconds(midnight + UNIT_SECONDS.d);
    return { from: printTime(midnight), to: end > now ? "now" : printTime(end) };
  }
  const ends = splitEnds(rest);
  if (!ends) return null;
  const from = endOf(ends[0], midnight);
  const to = endOf(ends[1], midnight);
  if (from === null || to === null) return null;
  const fromTime = resolveTime(from, now);
  const toTime = resolveTime(to, now);
  return fromTime !== null && toTime !== null && fromTime < toTime ? { from, to } : null;
}

function splitEnds(text: string): [string, string] | null {
  const spelled = text.split(/\s+(?:to|until|-|–|—)\s+|\s*[–—,]\s*/);
  if (spelled.length === 2) return [spelled[0], spelled[1]];
  const clocks = /^([\d:]+)\s*-\s*([\d:]+)$/.exec(text);
  if (clocks) return [clocks[1], clocks[2]];
  return spelled.length === 1 && text !== "" ? [text, "now"] : null;
}

function endOf(text: string, midnight: UnixSeconds): TimeText | null {
  if (RELATIVE.test(text) || /^\d{9,}(\.\d+)?$/.test(text)) return text;
  const clock = CLOCK.exec(text);
  if (clock) {
    const [, hours, minutes, secs = "0"] = clock;
    if (Number(hours) > 24 || Number(minutes) > 59 || Number(secs) > 59) return null;
    const date = new Date(midnight * 1000);
    date.setHours(Number(hours), Number(minutes), Number(secs));
    return printTime(unixSeconds(date.getTime() / 1000));
  }
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return null;
  // A date alone would be read as UTC; the reader means the local day.
  const parsed = Date.parse(
    text.length === 10 ? `${text}T00:00` : text.toUpperCase().replace(" ", "T"),
  );
  return Number.isNaN(parsed) ? null : printTime(unixSeconds(parsed / 1000));
}

function startOfDay(now: UnixSeconds, daysAgo: number): UnixSeconds {
  const date = new Date(now * 1000);
  date.setHours(0, 0, 0, 0);
  date.setDate(date.getDate() - daysAgo);
  return unixSeconds(date.getTime() / 1000);
}

/** A range as the reader could have typed it: `parseTyped` reads it back, to the second. */
export function printTyped({ from, to }: TimeRange): string {
  return `${typedEnd(from)} to ${typedEnd(to)}`;
}

function typedEnd(text: TimeText): string {
  if (isRelative(text) || !/^\d+(\.\d+)?$/.test(text)) return text;
  const date = new Date(Number(text) * 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const secs = date.getSeconds() === 0 ? "" : `:${two(date.getSeconds())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}${secs}`;
}
