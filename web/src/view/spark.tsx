// A small line without axes: how a function's rate went over the range.

interface Props {
  readonly values: readonly (number | null)[];
  /** Part of the width that is selected, as two shares from the left. */
  readonly marked: readonly [number, number] | null;
  readonly label: string;
}

const WIDTH = 292;
const HEIGHT = 44;
/** Room above the highest point. */
const HEADROOM = 1.15;

export function Spark({ values, marked, label }: Props) {
  const most = Math.max(...values.map((v) => v ?? 0)) * HEADROOM || 1;
  const x = (i: number) => (values.length < 2 ? 0 : (i / (values.length - 1)) * WIDTH);
  const runs = runsOf(values);
  const line = runs
    .map((run) => `M${run.map((i) => `${x(i).toFixed(1)} ${y(values[i])}`).join("L")}`)
    .join("");
  const area = runs
    .map((run) => {
      const top = run.map((i) => `${x(i).toFixed(1)} ${y(values[i])}`).join("L");
      return `M${x(run[0]).toFixed(1)} ${HEIGHT}L${top}L${x(run[run.length - 1]).toFixed(1)} ${HEIGHT}Z`;
    })
    .join("");
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {marked && (
        <rect
          class="spark-mark"
          x={marked[0] * WIDTH}
          width={Math.max(1, (marked[1] - marked[0]) * WIDTH)}
          y="0"
          height={HEIGHT}
        />
      )}
      <path class="spark-area" d={area} />
      <path class="spark-line" d={line} />
    </svg>
  );

  function y(amount: number | null): string {
    return (HEIGHT - ((amount ?? 0) / most) * HEIGHT).toFixed(1);
  }
}

/** Indices of values that follow each other without a gap. */
function runsOf(values: readonly (number | null)[]): number[][] {
  const runs: number[][] = [];
  values.forEach((amount, i) => {
    if (amount === null) return;
    const open = runs[runs.length - 1];
    if (open && open[open.length - 1] === i - 1) open.push(i);
    else runs.push([i]);
  });
  return runs;
}
