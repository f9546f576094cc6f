// Between timeline and graph: which view, the search, the selected interval and the downloads.

import type { RefObject } from "preact";
import { queryString } from "../api/client.ts";
import type { ProfileType } from "../api/types.ts";
import { formatClock, formatDuration, formatShare } from "../format.ts";
import type { Profile } from "../profile/profile.ts";
import type { Matches } from "../profile/search.ts";
import { ROOT } from "../profile/tree.ts";
import { commit, preview } from "../state/router.ts";
import { type ExploreState, VIEWS, type View } from "../state/url-state.ts";
import { shareOf, since } from "../units.ts";
import { Cross, Download, Lens } from "../view/icons.tsx";
import { Menu } from "../view/menu.tsx";

const VIEW_NAMES: Readonly<Record<View, string>> = { flame: "Flame", table: "Table" };
const FORMATS: readonly (readonly [string, string])[] = [
  ["pprof", "pprof"],
  ["collapsed", "collapsed stacks"],
  ["json", "JSON"],
];

interface Props {
  readonly state: ExploreState;
  readonly profile: Profile | null;
  readonly measure: ProfileType;
  readonly matches: Matches | null;
  readonly searchField: RefObject<HTMLInputElement | null>;
  readonly onStepMatch: (direction: -1 | 1) => void;
}

export function ToolBar({ state, profile, measure, matches, searchField, onStepMatch }: Props) {
  const keyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      commit({ search: "" });
      searchField.current?.blur();
    } else if (event.key === "Enter") {
      commit({});
      onStepMatch(event.shiftKey ? -1 : 1);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="tools">
      <div class="seg" role="group" aria-label="View">
        {VIEWS.map((view) => (
          <button
            type="button"
            key={view}
            class={view === state.view ? "on" : undefined}
            aria-pressed={view === state.view}
            onClick={() => commit({ view })}
          >
            {VIEW_NAMES[view]}
          </button>
        ))}
      </div>
      <label class="input search">
        <Lens />
        <input
          ref={searchField}
          type="search"
          aria-label="Search functions, modules and files"
          placeholder="Search functions, modules…"
          value={state.search}
          spellcheck={false}
          onInput={(event) => preview({ search: event.currentTarget.value })}
          onBlur={() => commit({})}
          onKeyDown={keyDown}
        />
        {state.search === "" ? (
          <kbd>/</kbd>
        ) : (
          <button
            type="button"
            class="x"
            aria-label="Clear the search"
            onClick={() => commit({ search: "" })}
          >
            <Cross />
          </button>
        )}
      </label>
      {matches && profile && (
        <span class="dim num matched" aria-live="polite">
          {matches.outermost.length === 0 ? (
            "no match"
          ) : (
            <>
              <b class="acc">{formatShare(shareOf(matches.total, profile.tree.total[ROOT]))}</b>{" "}
              matched
            </>
          )}
        </span>
      )}
      <span class="sp" />
      {state.selection && (
        <span class="dim num selected-span">
          <b class="acc">
            {formatClock(state.selection[0], since(...state.selection) < 600)} –{" "}
            {formatClock(state.selection[1], since(...state.selection) < 600)}
          </b>
          &ensp;{formatDuration(since(...state.selection))} selected
          <button
            type="button"
            class="x"
            aria-label="Clear the selection"
            onClick={() => commit({ selection: null })}
          >
            <Cross />
          </button>
        </span>
      )}
      <Menu name="Download this profile" look="icon" align="right" label={<Download />}>
        {(close) =>
          FORMATS.map(([format, name]) => (
            <a
              key={format}
              class="item"
              download
              href={`/api/v1/export${queryString({
                query: state.query,
                type: measure.id,
                from: state.selection?.[0] ?? state.range.from,
                until: state.selection?.[1] ?? state.range.to,
                format,
              })}`}
              onClick={close}
            >
              {name}
            </a>
          ))
        }
      </Menu>
    </div>
  );
}
