// One filter being written: label, operator, value. The values come with their share of the cost
// under all the other filters.

import { useState } from "preact/hooks";
import type { LabelValuesAnswer, ProfileType } from "../api/types.ts";
import { useQuery } from "../api/use-query.ts";
import { formatShare } from "../format.ts";
import { type Matcher, OPERATORS, type Operator, printSelector } from "../state/selector.ts";
import type { ExploreState } from "../state/url-state.ts";
import { shareOf } from "../units.ts";
import { MenuItem } from "../view/menu.tsx";

/** Values listed; a longer list is narrowed by typing. */
const MOST_VALUES = 60;

const MEANINGS: Readonly<Record<Operator, string>> = {
  "=": "is",
  "!=": "is not",
  "=~": "matches the pattern",
  "!~": "does not match the pattern",
};

interface Props {
  readonly state: ExploreState;
  readonly measure: ProfileType;
  readonly labels: readonly string[];
  readonly others: readonly Matcher[];
  readonly initial: Matcher | null;
  readonly onDone: (matcher: Matcher) => void;
}

export function FilterPanel({ state, measure, labels, others, initial, onDone }: Props) {
  const [name, setName] = useState(initial?.name ?? "");
  if (name === "") {
    return (
      <>
        <p class="menu-title">Filter by label</p>
        {labels.length === 0 && <p class="dim help">no labels in this range</p>}
        {labels.map((label) => (
          <MenuItem key={label} onPick={() => setName(label)}>
            {label}
          </MenuItem>
        ))}
      </>
    );
  }
  return <ValuePanel {...{ state, measure, others, name, initial, onDone }} />;
}

function ValuePanel({
  state,
  measure,
  others,
  name,
  initial,
  onDone,
}: Omit<Props, "labels"> & { readonly name: string }) {
  const [op, setOp] = useState<Operator>(initial?.op ?? "=");
  const [typed, setTyped] = useState(initial?.value ?? "");
  const [touched, setTouched] = useState(false);
  const answer = useQuery<LabelValuesAnswer>(`labels/${encodeURIComponent(name)}/values`, {
    query: printSelector(others),
    type: measure.id,
    from: state.selection?.[0] ?? state.range.from,
    until: state.selection?.[1] ?? state.range.to,
  });
  const all = answer.data?.values ?? [];
  const whole = all.reduce((sum, { total }) => sum + total, 0);
  const narrow = touched && !op.endsWith("~") ? typed.toLowerCase() : "";
  const shown = all
    .filter(({ value }) => value.toLowerCase().includes(narrow))
    .slice(0, MOST_VALUES);
  const submit = (event: Event) => {
    event.preventDefault();
    if (typed !== "") onDone({ name, op, value: typed });
  };
  return (
    <>
      <form class="menu-form filter-form" onSubmit={submit}>
        <span class="mono">{name}</span>
        <div class="seg" role="group" aria-label="Operator">
          {OPERATORS.map((operator) => (
            <button
              type="button"
              key={operator}
              class={operator === op ? "mono on" : "mono"}
              aria-pressed={operator === op}
              title={MEANINGS[operator]}
              onClick={() => setOp(operator)}
            >
              {operator}
            </button>
          ))}
        </div>
        <input
          class="field mono"
          aria-label={`Value of ${name}`}
          placeholder={op.endsWith("~") ? "pattern, as in web-.*" : "value"}
          value={typed}
          onInput={(event) => {
            setTyped(event.currentTarget.value);
            setTouched(true);
          }}
        />
        <button type="submit" class="btn pri" disabled={typed === ""}>
          Apply
        </button>
      </form>
      {answer.error && <p class="help red">{answer.error.message}</p>}
      {shown.map(({ value, total }) => (
        <MenuItem
          key={value}
          on={value === initial?.value}
          onPick={() =>
            onDone({ name, op: op.endsWith("~") ? (op === "=~" ? "=" : "!=") : op, value })
          }
          aside={
            <>
              <span class="cost" aria-hidden="true">
                <span class="cost-bar" style={{ width: `${shareOf(total, whole) * 100}%` }} />
              </span>
              {formatShare(shareOf(total, whole))}
            </>
          }
        >
          {value === "" ? "(empty)" : value}
        </MenuItem>
      ))}
      {!answer.loading && all.length === 0 && !answer.error && (
        <p class="dim help">no values in this range</p>
      )}
    </>
  );
}
