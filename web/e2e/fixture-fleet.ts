// Fixture: the invented fleet behind the answers: services and their cost over time, labels, gaps
// and workers. All numbers are made up and the same in every run.

export type Fault = "none" | "no-workers" | "paused" | "flamegraph-error" | "silent-workers";

export interface Mode {
  readonly fault: Fault;
  /** Nodes of the flamegraph; 0 for the shop. */
  readonly nodes: number;
  /** The fixture's present, in unix seconds. */
  readonly now: () => number;
}

export const DEFAULT_MODE: Mode = { fault: "none", nodes: 0, now: () => Date.now() / 1000 };

export const SERVICES = [
  { name: "shop-web", cores: 61, wave: 3.2, phase: 0.9, workers: 240 },
  { name: "shop-api", cores: 31, wave: 4, phase: 1.1, workers: 96 },
  { name: "celery", cores: 19, wave: 2.4, phase: 2.3, workers: 60 },
  { name: "ws-gateway", cores: 9, wave: 1.1, phase: 4, workers: 16 },
];
export const LABELS: Readonly<Record<string, readonly [string, number][]>> = {
  service: [],
  env: [
    ["prod", 0.93],
    ["staging", 0.07],
  ],
  host: Array.from({ length: 18 }, (_, i): [string, number] => [
    `web-${String(i + 1).padStart(2, "0")}`,
    1 / 18,
  ]),
  region: [
    ["eu-1", 0.71],
    ["us-1", 0.29],
  ],
  version: [
    ["9c1f2e4", 0.68],
    ["a41d07b", 0.32],
  ],
};
/** Nothing was collected in the seconds [9000, 9360) of every six hours. */
const GAP = { every: 21_600, from: 9_000, until: 9_360 };
export const RATE_HZ = 100;

export function cores(service: (typeof SERVICES)[number], at: number): number {
  const minute = at / 60;
  const noise = Math.sin(minute * 12.9898 + service.phase * 78.233) * 0.012 * service.cores;
  return (
    service.cores +
    Math.sin(minute / 55 + service.phase) * service.wave +
    Math.sin(minute / 13 + service.phase * 3) * service.wave * 0.2 +
    noise
  );
}

export const isGap = (at: number) => at % GAP.every >= GAP.from && at % GAP.every < GAP.until;

export function gapsIn([from, until]: [number, number]): [number, number][] {
  const gaps: [number, number][] = [];
  for (let base = Math.floor(from / GAP.every) * GAP.every; base < until; base += GAP.every) {
    const left = Math.max(from, base + GAP.from);
    const right = Math.min(until, base + GAP.until);
    if (left < right) gaps.push([left, right]);
  }
  return gaps;
}

export function workers(mode: Mode): unknown {
  const now = mode.now();
  const paused = mode.fault === "paused";
  const collector = paused
    ? {
        state: "paused",
        reason: "the disk of the data directory is full (12 MiB left)",
        hint: "free space or lower --retention; collection resumes by itself",
      }
    : { state: "collecting", reason: null, hint: null };
  if (mode.fault === "no-workers") return { collector, collected: 1, workers: [] };
  const list = SERVICES.flatMap(({ name, workers: count }, s) =>
    Array.from({ length: count }, (_, i) => {
      const silent = mode.fault === "silent-workers" && s === 0 && i < 6;
      const broken = s === 1 && i === 0;
      return {
        id: `${name}-${i}`,
        target: `http://web-${String((i % 18) + 1).padStart(2, "0")}:9600`,
        state: broken ? "unreachable" : silent ? "silent" : "up",
        error: broken ? "connection refused (os error 111)" : silent ? "no window for 64 s" : null,
        hint: broken
          ? "is the worker running, and does it listen on that address?"
          : silent
            ? "the worker may be stopped or blocked in native code"
            : null,
        service: broken ? null : name,
        host: broken ? null : `web-${String((i % 18) + 1).padStart(2, "0")}`,
        pid: broken ? null : 4100 + s * 1000 + i,
        python: broken ? null : i % 5 ? "3.12.4" : "3.11.9",
        labels: broken ? null : { env: "prod", region: i % 3 ? "eu-1" : "us-1" },
        started: now - 86_400,
        last_window: broken ? null : now - (silent ? 64 : 2 + (i % 7)),
        rate_hz: broken ? null : RATE_HZ,
        windows: broken ? 0 : 8640 - i,
        missed_windows: silent ? 6 : i % 50 === 0 ? 1 : 0,
        samples: broken ? 0 : 5800 * (i + 40),
        agent_cpu_fraction: broken ? null : 0.004 + (i % 9) * 0.0004,
        agent_memory_bytes: broken ? null : 6_200_000 + i * 4096,
      };
    }),
  );
  return { collector, collected: mode.fault === "silent-workers" ? 0.971 : 0.99983, workers: list };
}
