// The frame around the pages: top bar, the keys that work everywhere, and short notices.

import { useCallback, useEffect, useState } from "preact/hooks";
import { ExplorePage } from "./page/explore.tsx";
import { KeysDialog } from "./page/keys-dialog.tsx";
import { nowSeconds } from "./page/time-picker.tsx";
import { TopBar } from "./page/top-bar.tsx";
import { useKeys } from "./page/use-keys.ts";
import { WorkersPage } from "./page/workers.tsx";
import { commit, useUrlState } from "./state/router.ts";
import { toggleTheme } from "./state/theme.ts";
import { printTime, resolveTime, type TimeText } from "./state/time-range.ts";
import { type ExploreState, writeUrl } from "./state/url-state.ts";
import { copyText } from "./view/copy.ts";

const NOTICE_MS = 2_500;

export function App() {
  const state = useUrlState();
  const [keysOpen, setKeysOpen] = useState(false);
  const [notice, setNotice] = useState("");

  useEffect(() => {
    if (notice === "") return;
    const timer = setTimeout(() => setNotice(""), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [notice]);
  useEffect(() => {
    document.title = state.page === "workers" ? "Workers – pyrometer" : "Explore – pyrometer";
  }, [state.page]);

  const share = async () =>
    setNotice(
      (await copyText(absoluteLink(state))) ? "link copied" : "the browser did not let us copy",
    );
  const live = () =>
    commit({ live: !state.live, selection: null, range: { ...state.range, to: "now" } });
  const openKeys = useCallback(() => setKeysOpen(true), []);

  useKeys((key) => {
    switch (key) {
      case "t":
        toggleTheme();
        return true;
      case "?":
        setKeysOpen(true);
        return true;
      case "y":
        share();
        return true;
      case ".":
        live();
        return true;
      default:
        return false;
    }
  });

  return (
    <>
      <TopBar state={state} onLive={live} onShare={share} />
      {state.page === "workers" ? (
        <WorkersPage notice={notice} onNotice={setNotice} onKeys={openKeys} />
      ) : (
        <ExplorePage state={state} notice={notice} onNotice={setNotice} onKeys={openKeys} />
      )}
      {keysOpen && <KeysDialog onClose={() => setKeysOpen(false)} />}
    </>
  );
}

/** A link that shows the same tomorrow: no time in it is relative to now. */
function absoluteLink(state: ExploreState): string {
  const now = nowSeconds();
  const absolute = (text: TimeText) => {
    const time = resolveTime(text, now);
    return time === null ? text : printTime(time);
  };
  const range = { from: absolute(state.range.from), to: absolute(state.range.to) };
  return location.origin + writeUrl({ ...state, range, live: false });
}
