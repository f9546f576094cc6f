// The query: service, measure and label filters, with what each value costs beside it, so that
// the reader filters by cost and not by guess. At the right, how complete the data is.

import type { FlamegraphAnswer, ProfileType, ServicesAnswer, WorkersAnswer } from "../api/types.ts";
import { formatCollected, formatCount, formatRate, groupDigits } from "../format.ts";
import { measureKey } from "../state/measure.ts";
import { commit, followLink } from "../state/router.ts";
import {
  type Matcher,
  parseSelector,
  printSelector,
  SERVICE,
  serviceOf,
  withMatcher,
  withoutMatcher,
  withService,
} from "../state/selector.ts";
import type { ExploreState } from "../state/url-state.ts";
import type { Rate } from "../units.ts";
import { Chevron, Cross, Plus } from "../view/icons.tsx";
import { Menu, MenuItem } from "../view/menu.tsx";
import { FilterPanel } from "./filter-panel.tsx";

/** Below this share of collected windows the reader must know before drawing conclusions. */
const WORRY_BELOW = 0.99;

interface Props {
  readonly state: ExploreState;
  readonly measure: ProfileType;
  readonly measures: readonly ProfileType[];
  readonly services: ServicesAnswer | null;
  readonly labels: readonly string[];
  readonly flame: FlamegraphAnswer | null;
  readonly workers: WorkersAnswer | null;
}

export function QueryBar({ state, measure, measures, services, labels, flame, workers }: Props) {
  const matchers = parseSelector(state.query);
  const service = matchers && serviceOf(matchers);
  const setQuery = (next: readonly Matcher[]) =>
    commit({ query: printSelector(next), live: false });
  return (
    <div class="query" role="group" aria-label="Query">
      {matchers && (
        <Menu
          name="Choose the service"
          look="chip-accent"
          label={
            <>
              <span class="k">service</span>
              <span class="v">{service ?? "all"}</span>
              <Chevron />
            </>
          }
        >
          {(close) => {
            const pick = (name: string | null) => {
              setQuery(withService(matchers, name));
              close();
            };
            return (
              <>
                <MenuItem on={service === null} onPick={() => pick(null)}>
                  all services
                </MenuItem>
                {services?.services.map(({ name, cores, workers: count }) => (
                  <MenuItem
                    key={name}
                    on={name === service}
                    onPick={() => pick(name)}
                    aside={`${formatRate(cores as Rate)} cores · ${groupDigits(count)} workers`}
                  >
                    {name}
                  </MenuItem>
                ))}
              </>
            );
          }}
        </Menu>
      )}
      <Menu
        name="Choose what is measured"
        look="chip"
        label={
          <>
            <span class="k">show</span>
            <span class="v v-plain">{measure.name}</span>
            <Chevron />
          </>
        }
      >
        {(close) =>
          measures.map((type) => (
            <MenuItem
              key={type.id}
              on={type.id === measure.id}
              onPick={() => {
                commit({ measure: measureKey(type.id), live: false });
                close();
              }}
            >
              {type.name}
            </MenuItem>
          ))
        }
      </Menu>
      <span class="rule" />
      {matchers ? (
        <Filters
          state={state}
          measure={measure}
          matchers={matchers}
          labels={labels}
          onChange={setQuery}
        />
      ) : (
        <span class="chip chip-bad">
          <span class="v">{state.query}</span>
          <button
            type="button"
            class="x"
            aria-label="Remove the query"
            onClick={() => setQuery([])}
          >
            <Cross />
          </button>
        </span>
      )}
      <span class="sp" />
      <Completeness flame={flame} workers={workers} state={state} />
    </div>
  );
}

interface FiltersProps {
  readonly state: ExploreState;
  readonly measure: ProfileType;
  readonly matchers: readonly Matcher[];
  readonly labels: readonly string[];
  readonly onChange: (matchers: readonly Matcher[]) => void;
}

function Filters({ state, measure, matchers, labels, onChange }: FiltersProps) {
  return (
    <>
      {matchers.map((matcher, at) =>
        matcher.name === SERVICE && matcher.op === "=" ? null : (
          <span class="chip-pair" key={`${at}${matcher.name}`}>
            <Menu
              name={`Change the filter on ${matcher.name}`}
              look="chip"
              label={
                <>
                  <span class="k">
                    {matcher.name} {matcher.op}
                  </span>
                  <span class="v">{matcher.value}</span>
                </>
              }
            >
              {(close) => (
                <FilterPanel
                  state={state}
                  measure={measure}
                  labels={labels}
                  others={withoutMatcher(matchers, at)}
                  initial={matcher}
                  onDone={(next) => {
                    onChange(withMatcher(matchers, at, next));
                    close();
                  }}
                />
              )}
            </Menu>
            <button
              type="button"
              class="x"
              aria-label={`Remove ${matcher.name} ${matcher.op} ${matcher.value}`}
              onClick={() => onChange(withoutMatcher(matchers, at))}
            >
              <Cross />
            </button>
          </span>
        ),
      )}
      <Menu
        name="Add a filter"
        look="chip-dashed"
        label={
          <>
            <Plus />
            filter
          </>
        }
      >
        {(close) => (
          <FilterPanel
            state={state}
            measure={measure}
            labels={labels}
            others={matchers}
            initial={null}
            onDone={(next) => {
              onChange(withMatcher(matchers, null, next));
              close();
            }}
          />
        )}
      </Menu>
    </>
  );
}

function Completeness({ flame, workers, state }: Pick<Props, "flame" | "workers" | "state">) {
  if (!flame || !workers || workers.workers.length === 0) return null;
  const worry = workers.collected < WORRY_BELOW;
  return (
    <span class="dim num completeness">
      <b>{formatCount(flame.samples)}</b> samples&ensp;·&ensp;<b>{groupDigits(flame.workers)}</b>{" "}
      {flame.workers === 1 ? "worker" : "workers"} on {groupDigits(flame.hosts)}{" "}
      {flame.hosts === 1 ? "host" : "hosts"}&ensp;·&ensp;
      <a
        href="/workers"
        class={worry ? "amber" : "green"}
        title={
          worry
            ? "Some windows are missing: see which workers are silent"
            : "Share of windows that were collected"
        }
        onClick={(event) => followLink(event, { ...state, page: "workers" })}
      >
        {formatCollected(workers.collected)} collected
      </a>
    </span>
  );
}
