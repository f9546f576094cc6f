// Numbers and times as the page writes them. Thin spaces group digits; a unit is set off by a
// no-break space. Times are local; only the URL knows unix seconds.

import type { Rate, Seconds, Share, UnixSeconds } from "./units.ts";

const NBSP = "\u00a0";
const THIN = "\u2009";

/** `29.2 %`; a part that is there but small is `< 0.1 %`, never 0. */
export function formatShare(share: Share): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.05) return `<${THIN}0.1${NBSP}%`;
  return `${percent.toFixed(percent >= 99.95 ? 0 : 1)}${NBSP}%`;
}

/** Completeness: two decimals, and never rounded up to 100. */
export function formatCollected(share: Share): string {
  const percent = Math.floor(share * 10_000) / 100;
  return `${percent === 100 ? "100" : percent.toFixed(2)}${NBSP}%`;
}

export function formatRate(rate: Rate): string {
  if (rate === 0) return "0";
  if (rate >= 1000) return formatCount(rate);
  if (rate >= 100) return rate.toFixed(0);
  if (rate >= 0.995) return rate.toFixed(1);
  return rate >= 0.0005 ? rate.toPrecision(2) : `<${THIN}0.001`;
}

const STEPS: readonly [number, string][] = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e4, "k"],
];

/** `2.41 M`, `18.2 k`, `1 204`. */
export function formatCount(count: number): string {
  for (const [size, suffix] of STEPS) {
    if (count < size) continue;
    const scaled = size === 1e4 ? count / 1e3 : count / size;
    return `${scaled.toPrecision(3).replace(/\.?0+$/, (zeros) => (zeros.startsWith(".") ? "" : zeros))}${NBSP}${suffix}`;
  }
  return groupDigits(Math.round(count));
}

export const groupDigits = (count: number) => String(count).replace(/\B(?=(\d{3})+$)/g, THIN);

/** Amount of a profile type: nanoseconds as time, counts as counts. */
export function formatValue(amount: number, unit: string): string {
  return unit === "nanoseconds" ? formatDuration((amount / 1e9) as Seconds) : formatCount(amount);
}

/** `1 h 32 min`, `4.2 s`, `310 ms`. */
export function formatDuration(length: Seconds): string {
  const total = Math.abs(length);
  if (total < 0.0005) return `0${NBSP}s`;
  if (total < 1) return `${Math.round(total * 1000)}${NBSP}ms`;
  if (total < 60) return `${Number(total.toFixed(total < 10 ? 1 : 0))}${NBSP}s`;
  const minutes = Math.round(total / 60);
  if (minutes < 60) return twoParts(Math.floor(total / 60), "min", Math.floor(total % 60), "s");
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return twoParts(hours, "h", minutes % 60, "min");
  return twoParts(Math.floor(hours / 24), "d", hours % 24, "h");
}

function twoParts(first: number, firstUnit: string, second: number, secondUnit: string): string {
  const head = `${first}${NBSP}${firstUnit}`;
  return second === 0 ? head : `${head}${NBSP}${second}${NBSP}${secondUnit}`;
}

export function formatBytes(bytes: number): string {
  return bytes >= 1 << 20
    ? `${(bytes / (1 << 20)).toFixed(1)}${NBSP}MiB`
    : `${(bytes / 1024).toFixed(0)}${NBSP}KiB`;
}

const two = (n: number) => String(n).padStart(2, "0");

export function formatClock(time: UnixSeconds, withSeconds: boolean): string {
  const date = new Date(time * 1000);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return withSeconds ? `${clock}:${two(date.getSeconds())}` : clock;
}

const DAY_SECONDS = 86_400;
/** Below this length the seconds of a range are shown. */
const SECONDS_MATTER_BELOW = 600;

/** `Today 09:00 – 14:52`, `21 Nov 22:10 – 22 Nov 01:00`. */
export function formatRange(from: UnixSeconds, until: UnixSeconds, now: UnixSeconds): string {
  const withSeconds = until - from < SECONDS_MATTER_BELOW;
  const start = `${dayName(from, now)} ${formatClock(from, withSeconds)}`;
  const sameDay = dayName(from, now) === dayName(until, now);
  const end = formatClock(until, withSeconds);
  return `${start} – ${sameDay ? end : `${dayName(until, now)} ${end}`}`;
}

function dayName(time: UnixSeconds, now: UnixSeconds): string {
  const date = new Date(time * 1000).toDateString();
  if (date === new Date(now * 1000).toDateString()) return "Today";
  if (date === new Date((now - DAY_SECONDS) * 1000).toDateString()) return "Yesterday";
  const [, month, day, year] = date.split(" ");
  const sameYear = year === String(new Date(now * 1000).getFullYear());
  return sameYear ? `${Number(day)} ${month}` : `${Number(day)} ${month} ${year}`;
}

/** `14 s ago`. */
export const formatAgo = (time: UnixSeconds, now: UnixSeconds) =>
  `${formatDuration(Math.max(0, now - time) as Seconds)} ago`;
