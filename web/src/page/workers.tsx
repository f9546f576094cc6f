// The Workers page: every Python process that the collector knows, the troubled ones first, with
// what is wrong and what to do about it.

import { useState } from "preact/hooks";
import { ServerGone } from "../api/client.ts";
import type { Worker, WorkerState, WorkersAnswer } from "../api/types.ts";
import { useQuery } from "../api/use-query.ts";
import { formatAgo, formatBytes, formatCollected, formatShare, groupDigits } from "../format.ts";
import type { Share } from "../units.ts";
import { useTick } from "./explore-data.ts";
import { Banners, Failed, NoWorkers } from "./states.tsx";
import { StatusBar } from "./status-bar.tsx";
import { nowSeconds } from "./time-picker.tsx";

const STEP_MS = 5_000;
/** Rows in the document until the reader asks for all; the troubled workers come first. */
const FIRST_ROWS = 90;
/** What the sampler may cost a worker before it is marked. */
const OVERHEAD_WORRY = 0.02;

/** Worst first. */
const ORDER: readonly WorkerState[] = [
  "invalid",
  "unreachable",
  "silent",
  "pending",
  "up",
  "exited",
];

interface Props {
  readonly notice: string;
  readonly onNotice: (text: string) => void;
  readonly onKeys: () => void;
}

export function WorkersPage({ notice, onNotice, onKeys }: Props) {
  const tick = useTick(STEP_MS);
  const { data, error, retry, queryMs } = useQuery<WorkersAnswer>("workers", {}, tick);
  const [all, setAll] = useState(false);
  const workers = data ? [...data.workers].sort(byTrouble) : [];
  const shown = all ? workers : workers.slice(0, FIRST_ROWS);
  return (
    <>
      <Banners errors={[error]} workers={data} onRetry={retry} />
      <main class="workers">
        {error && !data && !(error instanceof ServerGone) && (
          <Failed what="the list of workers" error={error} onRetry={retry} />
        )}
        {data && workers.length === 0 && <NoWorkers onNotice={onNotice} />}
        {data && workers.length > 0 && (
          <section class="panel workers-panel">
            <div class="ph">
              <h1>Workers</h1>
              <span class="dim num">
                {ORDER.map(
                  (state) =>
                    [state, workers.filter((worker) => worker.state === state).length] as const,
                )
                  .filter(([, count]) => count > 0)
                  .map(([state, count]) => `${groupDigits(count)} ${state}`)
                  .join(" · ")}
              </span>
              <span class="sp" />
              <span class={data.collected < 0.99 ? "amber num" : "green num"}>
                {formatCollected(data.collected)} collected
              </span>
            </div>
            <div class="table-box" tabIndex={0}>
              <table class="num">
                <thead>
                  <tr>
                    {["State", "Service", "Host", "Pid", "Python"].map((title) => (
                      <th scope="col" key={title}>
                        {title}
                      </th>
                    ))}
                    {[
                      "Sampler overhead",
                      "Memory",
                      "Samples",
                      "Windows",
                      "Missed",
                      "Last window",
                    ].map((title) => (
                      <th scope="col" class="r" key={title}>
                        {title}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {shown.map((worker) => (
                    <WorkerRow key={worker.id} worker={worker} />
                  ))}
                </tbody>
              </table>
              {workers.length > shown.length && (
                <p class="table-count">
                  <button type="button" class="btn" onClick={() => setAll(true)}>
                    Show all {groupDigits(workers.length)}
                  </button>
                </p>
              )}
            </div>
          </section>
        )}
      </main>
      <StatusBar keys={[]} nodes={null} queryMs={queryMs} notice={notice} onKeys={onKeys} />
    </>
  );
}

function WorkerRow({ worker }: { readonly worker: Worker }) {
  const overhead = worker.agent_cpu_fraction;
  return (
    <tr>
      <td class="worker-state">
        <span class={`state state-${worker.state}`}>{worker.state}</span>
        {worker.error && (
          <div class="worker-error">
            {worker.error}
            {worker.hint && <div class="dim">hint: {worker.hint}</div>}
          </div>
        )}
      </td>
      <td>{worker.service ?? <span class="dim mono">{worker.target}</span>}</td>
      <td>{worker.host ?? "–"}</td>
      <td class="mono">{worker.pid ?? "–"}</td>
      <td>{worker.python ?? "–"}</td>
      <td class={overhead !== null && overhead > OVERHEAD_WORRY ? "r amber" : "r"}>
        {overhead === null ? "–" : formatShare(overhead as Share)}
      </td>
      <td class="r dim">
        {worker.agent_memory_bytes === null ? "–" : formatBytes(worker.agent_memory_bytes)}
      </td>
      <td class="r">{groupDigits(worker.samples)}</td>
      <td class="r">{groupDigits(worker.windows)}</td>
      <td class={worker.missed_windows > 0 ? "r amber" : "r dim"}>
        {groupDigits(worker.missed_windows)}
      </td>
      <td class="r">
        {worker.last_window === null ? "never" : formatAgo(worker.last_window, nowSeconds())}
      </td>
    </tr>
  );
}

function byTrouble(a: Worker, b: Worker): number {
  const state = ORDER.indexOf(a.state) - ORDER.indexOf(b.state);
  if (state !== 0) return state;
  if (a.missed_windows !== b.missed_windows) return b.missed_windows - a.missed_windows;
  return a.id < b.id ? -1 : 1;
}
