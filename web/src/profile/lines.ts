// The timeline's answer as lines to draw: rates instead of sums, the costliest groups first, the
// many small ones taken together. A missing value stays missing: it is a gap, not a zero.

import type { Interval, TimelineAnswer } from "../api/types.ts";
import { type Rate, rateOf, seconds } from "../units.ts";

/** Lines drawn one by one; the rest is added up as one more. */
export const MOST_LINES = 8;
export const OTHER = "other";

export interface Line {
  readonly label: string;
  readonly rates: readonly (Rate | null)[];
}

export interface Lines {
  /** Start of each step in unix seconds. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
}

export function linesOf(answer: TimelineAnswer): Lines {
  const { step, series, group_by: groupBy } = answer;
  const count = Math.max(0, ...series.map(({ values }) => values.length));
  const rated = series
    .map(({ labels, values }) => ({
      label: labels[groupBy] || `no ${groupBy}`,
      values,
      sum: values.reduce<number>((sum, amount) => sum + (amount ?? 0), 0),
    }))
    .sort((a, b) => b.sum - a.sum);
  const shown = rated.slice(0, MOST_LINES);
  const rest = rated.slice(MOST_LINES);
  if (rest.length > 0) {
    shown.push({ label: `${rest.length} ${OTHER}`, values: added(rest, count), sum: 0 });
  }
  return {
    times: Array.from({ length: count }, (_, i) => answer.from + i * step),
    lines: shown.map(({ label, values }) => ({
      label,
      rates: values.map((amount) =>
        amount === null ? null : rateOf(amount, answer.unit, seconds(step)),
      ),
    })),
  };
}

function added(rest: readonly { values: readonly (number | null)[] }[], count: number) {
  return Array.from({ length: count }, (_, i) => {
    const present = rest.map(({ values }) => values[i] ?? null).filter((amount) => amount !== null);
    return present.length === 0 ? null : present.reduce((sum, amount) => sum + amount, 0);
  });
}

/** Average of a line over an interval, without its gaps; null where there is nothing else. */
export function meanWithin(
  { times, lines }: Lines,
  line: number,
  [from, until]: Interval,
): Rate | null {
  let sum = 0;
  let count = 0;
  lines[line].rates.forEach((rate, i) => {
    if (rate === null || times[i] < from || times[i] >= until) return;
    sum += rate;
    count++;
  });
  return count === 0 ? null : ((sum / count) as Rate);
}
