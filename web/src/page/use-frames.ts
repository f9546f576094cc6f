// Which frames the page is about: the zoom, the selection and the matches of the search, found
// in the profile by what the URL says, and the steps that lead from one to another.

import { useMemo } from "preact/hooks";
import type { FunctionInfo } from "../api/types.ts";
import { relationsOf } from "../profile/aggregate.ts";
import { type FrameRef, findFrame, refOf, refOfFunction } from "../profile/frame-ref.ts";
import { findFunction, type Profile } from "../profile/profile.ts";
import { type Matches, nextMatch, search } from "../profile/search.ts";
import { functionOf, isInSubtree, ROOT } from "../profile/tree.ts";
import { commit, replace } from "../state/router.ts";
import type { ExploreState } from "../state/url-state.ts";

export interface Frames {
  readonly focus: number;
  /** Null when nothing is selected: the root counts as nothing. */
  readonly selected: number | null;
  readonly selectedInfo: FunctionInfo | null;
  readonly matches: Matches | null;
  zoomTo(node: number): void;
  /** Shows more and keeps what is selected. */
  zoomOutTo(node: number): void;
  select(node: number): void;
  /** Selects the heaviest frame of a function. */
  selectFunction(info: FunctionInfo): void;
  /** In the graph, zooms into the selection; in the table, searches for it. */
  onlyThis(): void;
  stepMatch(direction: -1 | 1): void;
}

export function useFrames(state: ExploreState, profile: Profile | null): Frames {
  // Known by the profile, which is what the memos below depend on.
  const found = (ref: FrameRef | null) => profile && findFrame(profile.tree, profile.hashes, ref);
  const selectedRef = state.at ?? state.focus;
  const focus = useMemo(() => found(state.focus) ?? ROOT, [profile, state.focus]);
  const selected = useMemo(() => found(selectedRef) || null, [profile, selectedRef]);
  const matches = useMemo(
    () => profile && search(profile.tree, profile.texts, state.search),
    [profile, state.search],
  );
  const refTo = (node: number) =>
    profile && node !== ROOT ? refOf(profile.tree, profile.hashes, node) : null;
  /** Zooms out where a frame would not be seen otherwise. */
  const inSight = (node: number) =>
    profile && node > focus && !isInSubtree(profile.tree, node, focus) ? { focus: null } : {};

  const zoomTo = (node: number) => commit({ focus: refTo(node), at: null, live: false });
  return {
    focus,
    selected,
    selectedInfo: profile && selected !== null ? functionOf(profile.tree, selected) : null,
    matches,
    zoomTo,
    zoomOutTo: (node) => commit({ focus: refTo(node), at: selectedRef, live: false }),
    select: (node) => replace({ at: refTo(node), live: false, ...inSight(node) }),
    selectFunction(info) {
      const fn = profile ? findFunction(profile, info) : -1;
      const heaviest =
        profile && fn >= 0
          ? relationsOf(profile.tree, profile.occurrences, fn)?.heaviest
          : undefined;
      if (heaviest === undefined) commit({ at: refOfFunction(info), live: false });
      else commit({ at: refTo(heaviest), live: false, ...inSight(heaviest) });
    },
    onlyThis() {
      if (!profile || selected === null) return;
      if (state.view === "table") commit({ search: profile.names[profile.tree.fn[selected]] });
      else zoomTo(selected);
    },
    stepMatch(direction) {
      const node = matches && nextMatch(matches, selected ?? ROOT, direction);
      if (node !== null) replace({ at: refTo(node), ...inSight(node) });
    },
  };
}
