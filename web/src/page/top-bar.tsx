// The bar on top of every page: where the reader is, which time is shown, and sharing it.

import { commit, followLink } from "../state/router.ts";
import { toggleTheme, useTheme } from "../state/theme.ts";
import { type ExploreState, PAGES, type Page, writeUrl } from "../state/url-state.ts";
import { Link, Logo, Sun } from "../view/icons.tsx";
import { TimePicker } from "./time-picker.tsx";

const TITLES: Readonly<Record<Page, string>> = { explore: "Explore", workers: "Workers" };

interface Props {
  readonly state: ExploreState;
  readonly onLive: () => void;
  readonly onShare: () => void;
}

export function TopBar({ state, onLive, onShare }: Props) {
  const theme = useTheme();
  return (
    <header class="top">
      <a class="logo" href="/explore" onClick={(event) => followLink(event, { page: "explore" })}>
        <Logo />
        <span class="logo-text">pyrometer</span>
      </a>
      <nav aria-label="Pages">
        {PAGES.map((page) => (
          <a
            key={page}
            href={writeUrl({ ...state, page })}
            class={page === state.page ? "on" : undefined}
            aria-current={page === state.page ? "page" : undefined}
            onClick={(event) => followLink(event, { page })}
          >
            {TITLES[page]}
          </a>
        ))}
      </nav>
      <span class="sp" />
      {state.page === "explore" && (
        <>
          <TimePicker
            range={state.range}
            onRange={(range) => commit({ range, selection: null, live: false })}
          />
          <button
            type="button"
            class={state.live ? "btn ghost live on" : "btn ghost live"}
            aria-pressed={state.live}
            title="Follow the present in steps of 5 s ( . )"
            onClick={onLive}
          >
            <span class="live-dot" aria-hidden="true" />
            Live
          </button>
          <button
            type="button"
            class="btn"
            title="Copy a link with absolute times ( y )"
            onClick={onShare}
          >
            <Link />
            Share
          </button>
        </>
      )}
      <button
        type="button"
        class="btn ghost icon-only"
        aria-label={theme === "dark" ? "Light theme" : "Dark theme"}
        title="Theme ( t )"
        onClick={toggleTheme}
      >
        <Sun />
      </button>
    </header>
  );
}
