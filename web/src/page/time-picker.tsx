// Chooses the time range: arrows by half the range, presets, or what the reader types.

import { useState } from "preact/hooks";
import { formatRange } from "../format.ts";
import {
  isRelative,
  PRESETS,
  parseTyped,
  printTyped,
  resolveTime,
  shiftRange,
  type TimeRange,
} from "../state/time-range.ts";
import { type UnixSeconds, unixSeconds } from "../units.ts";
import { Back, Chevron, Clock, Forth } from "../view/icons.tsx";
import { Menu, MenuItem } from "../view/menu.tsx";

interface Props {
  readonly range: TimeRange;
  readonly onRange: (range: TimeRange) => void;
}

export const nowSeconds = (): UnixSeconds => unixSeconds(Date.now() / 1000);

/** The range half its length earlier or later; the same range if it cannot be understood. */
export function shifted(range: TimeRange, direction: -1 | 1): TimeRange {
  const now = nowSeconds();
  const from = resolveTime(range.from, now);
  const until = resolveTime(range.to, now);
  return from === null || until === null ? range : shiftRange(from, until, direction, now);
}

export function TimePicker({ range, onRange }: Props) {
  return (
    <div class="time-picker" role="group" aria-label="Time range">
      <button
        type="button"
        class="btn ghost icon-only"
        aria-label="Earlier by half the range"
        onClick={() => onRange(shifted(range, -1))}
      >
        <Back />
      </button>
      <Menu
        name="Choose the time range"
        align="right"
        label={
          <>
            <Clock />
            <span class="num">{rangeLabel(range)}</span>
            <Chevron />
          </>
        }
      >
        {(close) => (
          <RangePanel
            range={range}
            onRange={(next) => {
              onRange(next);
              close();
            }}
          />
        )}
      </Menu>
      <button
        type="button"
        class="btn ghost icon-only"
        aria-label="Later by half the range"
        onClick={() => onRange(shifted(range, 1))}
      >
        <Forth />
      </button>
    </div>
  );
}

function RangePanel({ range, onRange }: Props) {
  const [typed, setTyped] = useState(printTyped(range));
  const parsed = parseTyped(typed, nowSeconds());
  const submit = (event: Event) => {
    event.preventDefault();
    if (parsed) onRange(parsed);
  };
  return (
    <>
      <form class="menu-form range-form" onSubmit={submit}>
        <input
          class="field mono"
          aria-label="Range"
          aria-invalid={parsed === null}
          aria-describedby="range-help"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
          onFocus={(event) => event.currentTarget.select()}
        />
        <p id="range-help" class={parsed ? "dim2 help" : "help red"}>
          {parsed
            ? "now-3h · 09:00-14:30 · yesterday 14:00-15:00"
            : "write two times, as in 09:00-14:30 or now-3h to now-1h"}
        </p>
      </form>
      {PRESETS.map(({ name, from }) => (
        <MenuItem
          key={from}
          on={range.to === "now" && range.from === from}
          onPick={() => onRange({ from, to: "now" })}
        >
          Last {name}
        </MenuItem>
      ))}
    </>
  );
}

function rangeLabel(range: TimeRange): string {
  const preset = PRESETS.find(({ from }) => range.to === "now" && range.from === from);
  if (preset) return `Last ${preset.name}`;
  const now = nowSeconds();
  const from = resolveTime(range.from, now);
  const until = resolveTime(range.to, now);
  if (from === null || until === null) return "Choose a range";
  return isRelative(range.from) && range.to === "now"
    ? `${range.from} to now`
    : formatRange(from, until, now);
}
