// The Explore page: timeline, graph or table, and the details of one function, for any interval
// and any filter. All of its state is in the URL; it only wires the parts together.

import { useMemo, useRef } from "preact/hooks";
import type { FunctionInfo, FunctionTimelineAnswer, Interval } from "../api/types.ts";
import { useQuery } from "../api/use-query.ts";
import { relationsOf } from "../profile/aggregate.ts";
import { findFrame, refOf, refOfFunction } from "../profile/frame-ref.ts";
import { findFunction } from "../profile/profile.ts";
import { nextMatch, search } from "../profile/search.ts";
import { functionOf, isEmpty, isInSubtree, ROOT } from "../profile/tree.ts";
import { rateName } from "../state/measure.ts";
import { commit, preview, replace } from "../state/router.ts";
import type { ExploreState } from "../state/url-state.ts";
import { type Share, shareOf } from "../units.ts";
import { Details, Summary } from "../view/details.tsx";
import { keyTarget } from "../view/flame/flame-keys.ts";
import { FlameView } from "../view/flame/flame-view.tsx";
import { Legend } from "../view/legend.tsx";
import { TableView } from "../view/table-view.tsx";
import { Timeline } from "../view/timeline/timeline.tsx";
import { useExploreData } from "./explore-data.ts";
import { QueryBar } from "./query-bar.tsx";
import { Banners, Failed, NothingLeft, NoWorkers, Skeleton } from "./states.tsx";
import { StatusBar } from "./status-bar.tsx";
import { shifted } from "./time-picker.tsx";
import { ToolBar } from "./tool-bar.tsx";
import { useKeys } from "./use-keys.ts";

const STATUS_KEYS = [
  ["↑↓←→", "move"],
  ["Enter", "zoom"],
  ["Esc", "out"],
  ["0", "whole"],
  ["/", "search"],
] as const;

interface Props {
  readonly state: ExploreState;
  readonly notice: string;
  readonly onNotice: (text: string) => void;
  readonly onKeys: () => void;
}

export function ExplorePage({ state, notice, onNotice, onKeys }: Props) {
  const data = useExploreData(state);
  const { measure, timeline, flame, table, workers, profile } = data;
  const searchField = useRef<HTMLInputElement>(null);
  const tree = profile?.tree ?? null;

  const focus = useMemo(
    () => (profile ? (findFrame(profile.tree, profile.hashes, state.focus) ?? ROOT) : ROOT),
    [profile, state.focus],
  );
  const selectedRef = state.at ?? state.focus;
  const selected = useMemo(
    () => (profile ? findFrame(profile.tree, profile.hashes, selectedRef) : null),
    [profile, selectedRef],
  );
  const matches = useMemo(
    () => (profile ? search(profile.tree, profile.texts, state.search) : null),
    [profile, state.search],
  );
  const selectedInfo =
    tree && selected !== null && selected !== ROOT ? functionOf(tree, selected) : null;
  const history = useQuery<FunctionTimelineAnswer>(
    selectedInfo ? "functions/timeline" : null,
    {
      query: state.query,
      type: measure.id,
      from: state.range.from,
      until: state.range.to,
      function: selectedInfo?.name,
      file: selectedInfo?.file,
    },
    data.tick,
  );

  const refTo = (node: number) =>
    profile && node !== ROOT ? refOf(profile.tree, profile.hashes, node) : null;
  const zoomTo = (node: number) => commit({ focus: refTo(node), at: null, live: false });
  const zoomOutTo = (node: number) => commit({ focus: refTo(node), at: selectedRef, live: false });
  const select = (node: number) => {
    const outside = tree && !isInSubtree(tree, node, focus) && node > focus;
    replace({ at: refTo(node), live: false, ...(outside ? { focus: null } : {}) });
  };
  const selectFunction = (info: FunctionInfo) => {
    const fn = profile ? findFunction(profile, info) : -1;
    const heaviest = profile && fn >= 0 ? (relationsOf(profile.tree, fn)?.heaviest ?? null) : null;
    const outside = tree && heaviest !== null && !isInSubtree(tree, heaviest, focus);
    const at = heaviest === null ? refOfFunction(info) : refTo(heaviest);
    commit({ at, ...(outside ? { focus: null } : {}), live: false });
  };
  const onlyThis = () => {
    if (selected === null || !profile) return;
    if (state.view === "table") commit({ search: profile.names[profile.tree.fn[selected]] });
    else zoomTo(selected);
  };
  const stepMatch = (direction: -1 | 1) => {
    const node = matches && nextMatch(matches, selected ?? ROOT, direction);
    if (tree && node !== null) {
      replace({ at: refTo(node), ...(isInSubtree(tree, node, focus) ? {} : { focus: null }) });
    }
  };

  useKeys((key, place) => {
    switch (key) {
      case "/":
        searchField.current?.focus();
        searchField.current?.select();
        return true;
      case "n":
        stepMatch(1);
        return true;
      case "N":
        stepMatch(-1);
        return true;
      case "[":
      case "]":
        commit({ range: shifted(state.range, key === "[" ? -1 : 1), selection: null, live: false });
        return true;
      case "1":
      case "2":
        commit({ view: key === "1" ? "flame" : "table" });
        return true;
      case "f":
        onlyThis();
        return true;
    }
    const target =
      place === "graph" && tree && state.view === "flame"
        ? keyTarget(key, tree, focus, selected)
        : null;
    if (!target) return false;
    if (target.act === "select") select(target.node);
    else if (target.act === "zoom") zoomTo(target.node);
    else zoomOutTo(target.node);
    return true;
  });

  const brush = {
    preview: (selection: Interval) => preview({ selection, live: false }),
    commit: (selection: Interval) => commit({ selection, live: false }),
    clear: () => commit({ selection: null }),
  };
  const viewError =
    state.view === "table" ? (table.error ?? flame.error) : (flame.error ?? data.profileError);
  const busy = flame.stale || timeline.stale || table.stale;
  const empty = profile !== null && isEmpty(profile.tree);
  const retryAll = () => {
    for (const query of [timeline, flame, workers]) query.retry();
  };

  return (
    <>
      <QueryBar
        state={state}
        measure={measure}
        measures={data.measures}
        services={data.services.data}
        labels={data.labels}
        flame={flame.data}
        workers={workers.data}
      />
      <div
        class={busy ? "progress on" : "progress"}
        role="progressbar"
        aria-label="Loading"
        aria-hidden={!busy}
      />
      <Banners
        errors={[timeline.error, flame.error, workers.error]}
        workers={workers.data}
        onRetry={retryAll}
      />
      <main class="explore">
        {data.firstRun ? (
          <NoWorkers onNotice={onNotice} />
        ) : (
          <>
            {timeline.error && !timeline.data && (
              <Failed what="The timeline" error={timeline.error} onRetry={timeline.retry} />
            )}
            {timeline.data ? (
              <Timeline
                answer={timeline.data}
                measure={measure}
                stale={timeline.stale}
                selection={state.selection}
                group={state.group}
                labels={data.labels}
                onGroup={(group) => commit({ group })}
                brush={brush}
              />
            ) : (
              !timeline.error && <section class="panel timeline timeline-wait" />
            )}
            <ToolBar
              state={state}
              profile={profile}
              measure={measure}
              matches={matches}
              searchField={searchField}
              onStepMatch={stepMatch}
            />
            {viewError && (
              <Failed
                what={state.view === "table" ? "The table" : "The flame graph"}
                error={viewError}
                onRetry={state.view === "table" ? table.retry : flame.retry}
              />
            )}
            {!profile && !viewError && <Skeleton />}
            {empty && <NothingLeft state={state} />}
            {profile && !empty && (
              <div class={flame.stale || table.stale ? "work stale" : "work"}>
                <section
                  class="panel view"
                  aria-label={state.view === "table" ? "Table" : "Flame graph"}
                >
                  {state.view === "flame" ? (
                    <>
                      <FlameView
                        profile={profile}
                        focus={focus}
                        selected={selected}
                        matches={matches?.functions ?? null}
                        rateName={rateName(measure)}
                        onFocus={zoomTo}
                      />
                      <Legend profile={profile} />
                    </>
                  ) : (
                    table.data && (
                      <TableView
                        answer={table.data}
                        covered={profile.covered}
                        rateName={rateName(measure)}
                        search={state.search}
                        sort={state.sort}
                        selected={selectedInfo}
                        onSort={(sort) => commit({ sort })}
                        onSelect={selectFunction}
                      />
                    )
                  )}
                </section>
                {selected !== null && selected !== ROOT ? (
                  <Details
                    profile={profile}
                    node={selected}
                    rateName={rateName(measure)}
                    history={history.data}
                    marked={markedPart(state.selection, history.data)}
                    onOnlyThis={onlyThis}
                    onFunction={selectFunction}
                    onNotice={onNotice}
                  />
                ) : (
                  <Summary
                    profile={profile}
                    rateName={rateName(measure)}
                    onFunction={selectFunction}
                  />
                )}
              </div>
            )}
          </>
        )}
      </main>
      <StatusBar
        keys={STATUS_KEYS}
        nodes={tree?.size ?? null}
        queryMs={flame.queryMs}
        notice={notice}
        onKeys={onKeys}
      />
    </>
  );
}

/** Where the selection lies in a history, as shares of its width. */
function markedPart(
  selection: Interval | null,
  history: FunctionTimelineAnswer | null,
): [Share, Share] | null {
  if (!selection || !history) return null;
  const length = history.until - history.from;
  const part = (time: number) =>
    Math.max(0, Math.min(1, shareOf(time - history.from, length))) as Share;
  return [part(selection[0]), part(selection[1])];
}
