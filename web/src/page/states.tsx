// What the page says when there is nothing to draw, or something went wrong: the reason, and what
// to do about it. Never a dead end.

import type { ComponentChildren } from "preact";
import { ApiError, ServerGone } from "../api/client.ts";
import type { WorkersAnswer } from "../api/types.ts";
import type { Query } from "../api/use-query.ts";
import { commit } from "../state/router.ts";
import { type Matcher, parseSelector, printSelector, withoutMatcher } from "../state/selector.ts";
import type { ExploreState } from "../state/url-state.ts";
import { copyText } from "../view/copy.ts";

const FIRST_STEPS: readonly { what: string; line: string }[] = [
  { what: "Start any Python program under pyrometer", line: "pyrometer run -- gunicorn app:wsgi" },
  { what: "or start it from your own code", line: "import pyrometer; pyrometer.start()" },
  { what: "and tell the server where the workers are", line: "pyrometer serve --target URL" },
];

export function NoWorkers({ onNotice }: { readonly onNotice: (text: string) => void }) {
  return (
    <section class="panel empty" aria-labelledby="empty-title">
      <h2 id="empty-title">No workers found yet</h2>
      <p class="dim">
        Start one with any of these lines. This page fills by itself when the first samples arrive.
      </p>
      <ol class="steps">
        {FIRST_STEPS.map(({ what, line }) => (
          <li key={line}>
            <span class="dim">{what}</span>
            <div class="code">
              <code class="mono">{line}</code>
              <button
                type="button"
                class="btn ghost"
                aria-label={`Copy ${line}`}
                onClick={async () =>
                  onNotice(
                    (await copyText(line)) ? "line copied" : "the browser did not let us copy",
                  )
                }
              >
                Copy
              </button>
            </div>
          </li>
        ))}
      </ol>
      <p class="dim2 waiting-line">
        <span class="live-dot" aria-hidden="true" /> looking for workers
      </p>
    </section>
  );
}

/** Workers are there, but nothing is left of their samples. */
export function NothingLeft({ state }: { readonly state: ExploreState }) {
  const matchers = parseSelector(state.query) ?? [];
  const without = (at: number) => commit({ query: printSelector(withoutMatcher(matchers, at)) });
  const reasons: ComponentChildren[] = matchers.map((matcher, at) => (
    <button type="button" class="btn" key={printSelector([matcher])} onClick={() => without(at)}>
      Remove <span class="mono">{matcherText(matcher)}</span>
    </button>
  ));
  if (state.selection) {
    reasons.push(
      <button type="button" class="btn" key="sel" onClick={() => commit({ selection: null })}>
        Clear the selected interval
      </button>,
    );
  }
  if (reasons.length === 0) {
    reasons.push(
      <button
        type="button"
        class="btn"
        key="range"
        onClick={() => commit({ range: { from: "now-24h", to: "now" } })}
      >
        Show the last 24 hours
      </button>,
    );
  }
  return (
    <section class="panel empty" aria-labelledby="nothing-title">
      <h2 id="nothing-title">No samples here</h2>
      <p class="dim">
        {matchers.length > 0
          ? `Nothing in this interval matches ${matchers.map(matcherText).join(" and ")}.`
          : "Nothing was collected in this interval."}
      </p>
      <div class="actions">{reasons}</div>
    </section>
  );
}

const matcherText = ({ name, op, value }: Matcher) => `${name} ${op} ${value}`;

interface FailedProps {
  readonly what: string;
  readonly error: Error;
  readonly onRetry: () => void;
}

export function Failed({ what, error, onRetry }: FailedProps) {
  return (
    <section class="panel failed" role="alert">
      <div>
        <h2>{`${what[0].toUpperCase()}${what.slice(1)} could not be loaded`}</h2>
        <p>{error.message}</p>
        {error instanceof ApiError && error.hint && <p class="dim">hint: {error.hint}</p>}
      </div>
      <span class="sp" />
      <button type="button" class="btn" onClick={onRetry}>
        Retry
      </button>
    </section>
  );
}

interface FailuresProps {
  readonly asked: readonly { readonly what: string; readonly query: Query<unknown> }[];
  /** An answer came, but cannot be drawn. */
  readonly broken: Error | null;
}

/** One panel for each reason, with all that it kept from loading. A lost server has its banner. */
export function Failures({ asked, broken }: FailuresProps) {
  const byReason = new Map<string, FailuresProps["asked"][number][]>();
  for (const one of asked) {
    const { error } = one.query;
    if (!error || error instanceof ServerGone) continue;
    byReason.set(error.message, [...(byReason.get(error.message) ?? []), one]);
  }
  return (
    <>
      {[...byReason.values()].map((failed) => (
        <Failed
          key={failed[0].what}
          what={failed.map(({ what }) => what).join(" and ")}
          error={failed[0].query.error as Error}
          onRetry={() => {
            for (const { query } of failed) query.retry();
          }}
        />
      ))}
      {broken && <Failed what="the flame graph" error={broken} onRetry={() => location.reload()} />}
    </>
  );
}

interface BannersProps {
  readonly errors: readonly (Error | null)[];
  readonly workers: WorkersAnswer | null;
  readonly onRetry: () => void;
}

/** Strips above the page: the server is gone, or the collector does not collect. */
export function Banners({ errors, workers, onRetry }: BannersProps) {
  const gone = errors.some((error) => error instanceof ServerGone);
  const collector = workers?.collector;
  return (
    <>
      {gone && (
        <div class="banner banner-bad" role="alert">
          <b>The server does not answer.</b> What you see is the last that it sent. Trying again by
          itself.
          <span class="sp" />
          <button type="button" class="btn" onClick={onRetry}>
            Try now
          </button>
        </div>
      )}
      {collector?.state === "paused" && (
        <div class="banner banner-bad" role="alert">
          <b>Collection is paused.</b> {collector.reason}
          {collector.hint && <span class="dim">hint: {collector.hint}</span>}
        </div>
      )}
    </>
  );
}

/** The frame of the page before the first answer. */
export const Skeleton = () => (
  <section class="panel skeleton" aria-label="Loading">
    {[100, 100, 96, 94, 88, 61, 47, 30].map((width, i) => (
      <div key={`${i}-${width}`} class="skeleton-row" style={{ width: `${width}%` }} />
    ))}
  </section>
);
