// The timeline panel: a line for each group, its legend, and the brush. The legend shows averages
// over what is selected, or the values under the pointer.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import "uplot/dist/uPlot.min.css";
import type { Interval, ProfileType, TimelineAnswer } from "../../api/types.ts";
import { formatClock, formatRate } from "../../format.ts";
import { linesOf, meanWithin } from "../../profile/lines.ts";
import { timelineTitle } from "../../state/measure.ts";
import { useTheme } from "../../state/theme.ts";
import { seconds, unixSeconds } from "../../units.ts";
import { useSize } from "../flame/use-canvas.ts";
import { Chevron } from "../icons.tsx";
import { Menu, MenuItem } from "../menu.tsx";
import { SeriesSwatch } from "../swatch.tsx";
import { Brush, type BrushEvents } from "./brush.ts";
import { makeChart } from "./chart.ts";

interface Props {
  readonly answer: TimelineAnswer;
  readonly measure: ProfileType;
  readonly stale: boolean;
  readonly selection: Interval | null;
  readonly group: string;
  readonly labels: readonly string[];
  readonly onGroup: (label: string) => void;
  readonly brush: BrushEvents;
}

export function Timeline({
  answer,
  measure,
  stale,
  selection,
  group,
  labels,
  onGroup,
  brush,
}: Props) {
  const theme = useTheme();
  const host = useRef<HTMLDivElement>(null);
  const drawn = useRef<Brush | null>(null);
  const events = useRef(brush);
  events.current = brush;
  const width = useSize(host)?.width ?? 0;
  const [cursor, setCursor] = useState<number | null>(null);
  const lines = useMemo(() => linesOf(answer), [answer]);
  const shownSelection = useRef(selection);
  shownSelection.current = selection;

  // the colours change with the theme
  useEffect(() => {
    if (!host.current || width === 0) return;
    const chart = makeChart(host.current, answer, lines, {
      cursor: setCursor,
      drawn: () => drawn.current?.show(shownSelection.current),
    });
    drawn.current = new Brush(chart, seconds(answer.step), {
      preview: (interval) => events.current.preview(interval),
      commit: (interval) => events.current.commit(interval),
      clear: () => events.current.clear(),
    });
    const element = host.current;
    return () => {
      chart.destroy();
      element.replaceChildren();
      drawn.current = null;
    };
  }, [answer, lines, width, theme]);

  useEffect(() => drawn.current?.show(selection), [selection]);

  const whole: Interval = [answer.from, answer.until];
  const at = cursor !== null && cursor < lines.times.length ? cursor : null;
  return (
    <section class={stale ? "panel timeline stale" : "panel timeline"} aria-label="Timeline">
      <div class="ph">
        <h2>{timelineTitle(measure)}</h2>
        <Menu
          label={
            <>
              by {group} <Chevron />
            </>
          }
          name="Split the timeline by label"
          look="quiet"
        >
          {(close) =>
            [...new Set(["service", ...labels])].map((label) => (
              <MenuItem
                key={label}
                on={label === group}
                onPick={() => {
                  onGroup(label);
                  close();
                }}
              >
                {label}
              </MenuItem>
            ))
          }
        </Menu>
        <span class="sp" />
        {at !== null && (
          <span class="dim2 num legend-time">
            {formatClock(unixSeconds(lines.times[at]), answer.step < 60)}
          </span>
        )}
        <ul class="legend num" aria-label="Average by group">
          {lines.lines.map(({ label, rates }, i) => {
            const rate = at !== null ? rates[at] : meanWithin(lines, i, selection ?? whole);
            return (
              <li key={label}>
                <SeriesSwatch index={i} />
                {label} <b>{rate === null || rate === undefined ? "–" : formatRate(rate)}</b>
              </li>
            );
          })}
        </ul>
      </div>
      <div class="chart" ref={host} />
    </section>
  );
}
