// Sets up uPlot for the timeline: rates over time, gaps left open and hatched. Colours come from
// the style sheet, so a chart is made anew when the theme changes.

import uPlot from "uplot";
import type { Interval, TimelineAnswer } from "../../api/types.ts";
import type { Lines } from "../../profile/lines.ts";
import { SERIES_COLOURS } from "../swatch.tsx";

const HEIGHT = 134;
const AXIS_WIDTH = 44;
const HATCH_STEP = 7;
const TICKS_APART_X = 110;
const TICKS_APART_Y = 28;

export interface ChartEvents {
  /** The step under the pointer. */
  cursor(index: number | null): void;
  /** The chart was drawn: places in it have moved. */
  drawn(): void;
}

export function makeChart(
  host: HTMLElement,
  answer: TimelineAnswer,
  { times, lines }: Lines,
  on: ChartEvents,
): uPlot {
  const styles = getComputedStyle(host);
  const probe = document.createElement("span");
  host.append(probe);
  const colour = (name: string) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const font = `11px ${styles.fontFamily}`;
  const axis = { stroke: colour("fg3"), font, ticks: { show: false } };
  const options: uPlot.Options = {
    width: host.clientWidth,
    height: HEIGHT,
    pxAlign: false,
    padding: [6, 22, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false, setScale: false }, y: false, points: { size: 6 } },
    scales: {
      x: {
        time: true,
        range: () => [answer.from, Math.max(answer.until, answer.from + answer.step)],
      },
      y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] },
    },
    axes: [
      { ...axis, grid: { show: false }, space: TICKS_APART_X, size: 24, gap: 6, values: clocks },
      {
        ...axis,
        grid: { stroke: colour("line"), width: 1 },
        space: TICKS_APART_Y,
        size: AXIS_WIDTH,
        gap: 8,
      },
    ],
    series: [
      {},
      ...lines.map(({ label }, i) => ({
        label,
        stroke: colour(`c${Math.min(i, SERIES_COLOURS) + 1}`),
        width: i === 0 ? 1.9 : 1.3,
        alpha: i === 0 ? 1 : 0.85,
        spanGaps: false,
        points: { show: lines[i].rates.length < 3 },
      })),
    ],
    hooks: {
      drawAxes: [(chart: uPlot) => hatchGaps(chart, answer.gaps, colour("line2"), colour("hover"))],
      draw: [() => on.drawn()],
      setCursor: [(chart: uPlot) => on.cursor(chart.cursor.idx ?? null)],
    },
  };
  const data = [times, ...lines.map(({ rates }) => rates)] as unknown as uPlot.AlignedData;
  const chart = new uPlot(options, data, host);
  probe.hidden = true;
  return chart;
}

const two = (n: number) => String(n).padStart(2, "0");
const DAY = 86_400;

/** 24-hour clock; the day where a day begins. */
function clocks(_: uPlot, splits: number[], __: number, ___: number, apart: number): string[] {
  return splits.map((split) => {
    const date = new Date(split * 1000);
    const midnight = date.getHours() === 0 && date.getMinutes() === 0;
    if (apart >= DAY || midnight) return `${date.getDate()} ${date.toDateString().split(" ")[1]}`;
    const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
    return apart < 60 ? `${clock}:${two(date.getSeconds())}` : clock;
  });
}

function hatchGaps(chart: uPlot, gaps: readonly Interval[], line: string, fill: string): void {
  const { ctx, bbox } = chart;
  for (const [from, until] of gaps) {
    const left = Math.max(bbox.left, chart.valToPos(from, "x", true));
    const right = Math.min(bbox.left + bbox.width, chart.valToPos(until, "x", true));
    if (right - left < 0.5) continue;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, right - left, bbox.height);
    ctx.clip();
    ctx.fillStyle = fill;
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    ctx.strokeStyle = line;
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    for (let x = left - bbox.height; x < right; x += HATCH_STEP * devicePixelRatio) {
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x + bbox.height, bbox.top);
    }
    ctx.stroke();
    ctx.restore();
  }
}
