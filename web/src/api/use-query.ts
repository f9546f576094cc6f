// One query of a component: keeps the last answer while the next one is on its way, cancels what
// was superseded, and comes back by itself when the server was gone.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { type Answer, ask, type Params, queryString, ServerGone } from "./client.ts";

/** A wait shorter than this is not shown, so that fast answers do not flicker. */
const SHOW_WAIT_AFTER_MS = 150;
const RETRY_FIRST_MS = 1_000;
const RETRY_MOST_MS = 30_000;

export interface Query<T> {
  /** The last answer, perhaps of an earlier question: see `stale`. */
  readonly data: T | null;
  readonly queryMs: number | null;
  readonly error: Error | null;
  /** The answer is an earlier one: the new one takes its time, or did not come. */
  readonly stale: boolean;
  readonly loading: boolean;
  readonly retry: () => void;
}

interface State<T> {
  readonly answer: Answer<T> | null;
  readonly error: Error | null;
  readonly loading: boolean;
  readonly slow: boolean;
}

/** Asks again whenever path, parameters or `tick` change. A null path asks nothing. */
export function useQuery<T>(path: string | null, params: Params, tick = 0): Query<T> {
  const [state, setState] = useState<State<T>>({
    answer: null,
    error: null,
    loading: path !== null,
    slow: false,
  });
  const [attempt, setAttempt] = useState(0);
  const failures = useRef(0);
  const question = path === null ? null : path + queryString(params);
  const latest = useRef(params);
  latest.current = params;
  // A tick does not cancel a query that is still on its way: it might never be answered then.
  const heardTick = useRef(tick);
  if (!state.loading) heardTick.current = tick;
  const asked = heardTick.current;

  useEffect(() => {
    if (path === null || question === null) {
      setState({ answer: null, error: null, loading: false, slow: false });
      return;
    }
    const abort = new AbortController();
    let retryTimer: ReturnType<typeof setTimeout> | undefined;
    const slowTimer = setTimeout(
      () => setState((old) => ({ ...old, slow: old.loading })),
      SHOW_WAIT_AFTER_MS,
    );
    setState((old) => ({ ...old, loading: true }));
    ask<T>(path, latest.current, abort.signal)
      .then((answer) => {
        failures.current = 0;
        setState({ answer, error: null, loading: false, slow: false });
      })
      .catch((error: Error) => {
        if (abort.signal.aborted) return;
        setState((old) => ({ ...old, error, loading: false, slow: false }));
        if (!(error instanceof ServerGone)) return;
        const wait = Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** failures.current++);
        retryTimer = setTimeout(() => setAttempt((n) => n + 1), wait);
      })
      .finally(() => clearTimeout(slowTimer));
    return () => {
      abort.abort();
      clearTimeout(slowTimer);
      clearTimeout(retryTimer);
    };
  }, [path, question, asked, attempt]);

  const retry = useCallback(() => setAttempt((n) => n + 1), []);
  return {
    data: state.answer?.data ?? null,
    queryMs: state.answer?.queryMs ?? null,
    error: state.error,
    stale: (state.slow && state.loading) || (state.error !== null && state.answer !== null),
    loading: state.loading,
    retry,
  };
}
