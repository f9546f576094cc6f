// All that the Explore page asks of the server for one state of its URL.

import { useEffect, useMemo, useState } from "preact/hooks";
import type {
  FlamegraphAnswer,
  LabelsAnswer,
  ProfileType,
  ProfileTypesAnswer,
  ServicesAnswer,
  TableAnswer,
  TimelineAnswer,
  WorkersAnswer,
} from "../api/types.ts";
import { type Query, useQuery } from "../api/use-query.ts";
import { type Profile, profileOf } from "../profile/profile.ts";
import { findMeasure } from "../state/measure.ts";
import type { ExploreState } from "../state/url-state.ts";

const LIVE_STEP_MS = 5_000;
const WAITING_STEP_MS = 3_000;
const WORKERS_STEP_MS = 30_000;

export interface ExploreData {
  readonly measure: ProfileType;
  readonly measures: readonly ProfileType[];
  readonly services: Query<ServicesAnswer>;
  readonly labels: readonly string[];
  readonly timeline: Query<TimelineAnswer>;
  readonly flame: Query<FlamegraphAnswer>;
  readonly table: Query<TableAnswer>;
  readonly workers: Query<WorkersAnswer>;
  readonly profile: Profile | null;
  /** The server sent a graph that cannot be drawn. */
  readonly profileError: Error | null;
  readonly tick: number;
  readonly firstRun: boolean;
}

export function useExploreData(state: ExploreState): ExploreData {
  const [firstRun, setFirstRun] = useState(false);
  const tick = useTick(firstRun ? WAITING_STEP_MS : state.live ? LIVE_STEP_MS : null);
  const slowTick = useTick(WORKERS_STEP_MS);
  const types = useQuery<ProfileTypesAnswer>("profile_types", {}, firstRun ? tick : 0);
  const measures = types.data?.profile_types ?? [];
  const measure = findMeasure(measures, state.measure);
  const span = { from: state.range.from, until: state.range.to };
  const selected = state.selection ? { from: state.selection[0], until: state.selection[1] } : span;
  const what = { query: state.query, type: measure.id };
  const selectedTick = state.selection ? 0 : tick;

  const services = useQuery<ServicesAnswer>("services", span, tick);
  const labels = useQuery<LabelsAnswer>("labels", span, firstRun ? tick : 0);
  const timeline = useQuery<TimelineAnswer>(
    "timeline",
    { ...what, ...span, group_by: state.group },
    tick,
  );
  const flame = useQuery<FlamegraphAnswer>("flamegraph", { ...what, ...selected }, selectedTick);
  const table = useQuery<TableAnswer>(
    state.view === "table" ? "table" : null,
    { ...what, ...selected },
    selectedTick,
  );
  const workers = useQuery<WorkersAnswer>("workers", {}, tick + slowTick);

  const nobody =
    workers.data?.workers.length === 0 &&
    flame.data?.total === 0 &&
    timeline.data?.series.length === 0;
  useEffect(() => setFirstRun(nobody), [nobody]);

  const made = useMemo(() => makeProfile(flame.data), [flame.data]);
  return {
    measure,
    measures: measures.length > 0 ? measures : [measure],
    services,
    labels: labels.data?.labels ?? [],
    timeline,
    flame,
    table,
    workers,
    ...made,
    tick,
    firstRun: nobody,
  };
}

function makeProfile(
  answer: FlamegraphAnswer | null,
): Pick<ExploreData, "profile" | "profileError"> {
  if (!answer) return { profile: null, profileError: null };
  try {
    return { profile: profileOf(answer), profileError: null };
  } catch (error) {
    return { profile: null, profileError: error as Error };
  }
}

/** Counts up every `step` milliseconds while the page is seen; stands still when `step` is null. */
export function useTick(step: number | null): number {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    if (step === null) return;
    const timer = setInterval(() => {
      if (!document.hidden) setTick((n) => n + 1);
    }, step);
    return () => clearInterval(timer);
  }, [step]);
  return tick;
}
