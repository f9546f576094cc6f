// The Explore page: timeline, graph or table, and the details of one function, for any interval
// and any filter. All of its state is in the URL; it only wires the parts together.

import { useRef } from "preact/hooks";
import type { Interval } from "../api/types.ts";
import { isEmpty } from "../profile/tree.ts";
import { rateName } from "../state/measure.ts";
import { commit, preview } from "../state/router.ts";
import type { ExploreState } from "../state/url-state.ts";
import { Details, Summary } from "../view/details.tsx";
import { keyTarget } from "../view/flame/flame-keys.ts";
import { FlameView } from "../view/flame/flame-view.tsx";
import { Legend } from "../view/legend.tsx";
import { TableView } from "../view/table-view.tsx";
import { Timeline } from "../view/timeline/timeline.tsx";
import { useExploreData } from "./explore-data.ts";
import { QueryBar } from "./query-bar.tsx";
import { Banners, Failures, NothingLeft, NoWorkers, Skeleton } from "./states.tsx";
import { StatusBar } from "./status-bar.tsx";
import { shifted } from "./time-picker.tsx";
import { ToolBar } from "./tool-bar.tsx";
import { useFrames } from "./use-frames.ts";
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

  const frames = useFrames(state, profile);
  const { focus, selected, selectedInfo, matches } = frames;
  useKeys((key, place) => {
    switch (key) {
      case "/":
        searchField.current?.focus();
        searchField.current?.select();
        return true;
      case "n":
        frames.stepMatch(1);
        return true;
      case "N":
        frames.stepMatch(-1);
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
        frames.onlyThis();
        return true;
    }
    const target =
      place === "graph" && tree && state.view === "flame"
        ? keyTarget(key, tree, focus, selected)
        : null;
    if (!target) return false;
    if (target.act === "select") frames.select(target.node);
    else if (target.act === "zoom") frames.zoomTo(target.node);
    else frames.zoomOutTo(target.node);
    return true;
  });

  const brush = {
    preview: (selection: Interval) => preview({ selection, live: false }),
    commit: (selection: Interval) => commit({ selection, live: false }),
    clear: () => commit({ selection: null }),
  };
  const asked = [
    { what: "the timeline", query: timeline },
    { what: "the flame graph", query: flame },
    { what: "the table", query: table },
    { what: "the list of workers", query: workers },
  ];
  const busy = asked.some(({ query }) => query.loading && query.stale);
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
            <Failures asked={asked} broken={data.profileError} />
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
              timeline.loading && <section class="panel timeline timeline-wait" />
            )}
            <ToolBar
              state={state}
              profile={profile}
              measure={measure}
              matches={matches}
              searchField={searchField}
              onStepMatch={frames.stepMatch}
            />
            {!profile && flame.loading && <Skeleton />}
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
                        onFocus={frames.zoomTo}
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
                        onSelect={frames.selectFunction}
                      />
                    )
                  )}
                </section>
                {selected !== null ? (
                  <Details
                    profile={profile}
                    node={selected}
                    rateName={rateName(measure)}
                    asked={{
                      query: state.query,
                      type: measure.id,
                      from: state.range.from,
                      until: state.range.to,
                    }}
                    tick={data.tick}
                    selection={state.selection}
                    onOnlyThis={frames.onlyThis}
                    onFunction={frames.selectFunction}
                    onNotice={onNotice}
                  />
                ) : (
                  <Summary
                    profile={profile}
                    rateName={rateName(measure)}
                    onFunction={frames.selectFunction}
                  />
                )}
              </div>
            )}
          </>
        )}
      </main>
      <StatusBar
        keys={STATUS_KEYS}
        nodes={empty ? null : (tree?.size ?? null)}
        queryMs={flame.queryMs}
        notice={notice}
        onKeys={onKeys}
      />
    </>
  );
}
