// Fixture: answers the query API from generated data. Same question, same answer; all numbers are
// invented. Faults are asked for by name (`Mode`), so that every state of the page can be shown.

import { type Matcher, parseSelector } from "../src/state/selector.ts";
import {
  cores,
  gapsIn,
  isGap,
  LABELS,
  type Mode,
  RATE_HZ,
  SERVICES,
  workers,
} from "./fixture-fleet.ts";
import {
  FixtureFunctions,
  type FixtureNode,
  fixtureTree,
  largeFixtureTree,
} from "./fixture-tree.ts";

export interface FixtureAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

const MAX_POINTS = 2000;
const UNIT_SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

class Refused extends Error {}

export function answerFixture(url: URL, mode: Mode): FixtureAnswer {
  const path = url.pathname.replace("/api/v1/", "");
  try {
    const data = route(path, url.searchParams, mode);
    return reply(
      data === null ? 404 : 200,
      data ?? problem("not_found", `no such path: ${path}`, "see /api/v1/openapi.json"),
    );
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const [code, message, hint] = error.message.split("|");
    return reply(code === "store" ? 503 : 400, problem(code, message, hint));
  }
}

const problem = (code: string, message: string, hint: string) => ({
  error: { code, message, hint },
});

const reply = (status: number, data: unknown): FixtureAnswer => ({
  status,
  headers: { "content-type": "application/json", "server-timing": "query;dur=8.4" },
  body: JSON.stringify(data),
});

function route(path: string, params: URLSearchParams, mode: Mode): unknown {
  const interval = intervalOf(params, mode);
  const value = /^labels\/(\w+)\/values$/.exec(path);
  if (value) return labelValues(value[1], params, interval, mode);
  switch (path) {
    case "services":
      return {
        services:
          mode.fault === "no-workers"
            ? []
            : SERVICES.map(({ name, cores, workers }) => ({
                name,
                workers,
                cores,
                samples: cores * 360_000,
              })),
      };
    case "labels":
      return { labels: Object.keys(LABELS) };
    case "profile_types":
      return {
        profile_types: [
          {
            id: "process_cpu:cpu:nanoseconds:cpu:nanoseconds",
            name: "CPU time",
            unit: "nanoseconds",
          },
          { id: "wall:wall:nanoseconds:wall:nanoseconds", name: "Wall time", unit: "nanoseconds" },
          { id: "wall:samples:count:wall:nanoseconds", name: "Samples", unit: "count" },
        ],
      };
    case "flamegraph":
      return flamegraph(params, interval, mode);
    case "table":
      return table(params, interval, mode);
    case "timeline":
      return timeline(params, interval, mode);
    case "functions/timeline":
      return functionTimeline(params, interval, mode);
    case "workers":
      return workers(mode);
    default:
      return null;
  }
}

function time(text: string, mode: Mode): number {
  const relative = /^now(?:-(\d+)([smhdw]))?$/.exec(text);
  if (relative)
    return mode.now() - (relative[1] ? Number(relative[1]) * UNIT_SECONDS[relative[2]] : 0);
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new Refused(
    `bad_time|cannot read the time "${text.slice(0, 40)}"|write now-15m, unix seconds or RFC 3339`,
  );
}

function intervalOf(params: URLSearchParams, mode: Mode): [number, number] {
  return [time(params.get("from") ?? "now-1h", mode), time(params.get("until") ?? "now", mode)];
}

function matchersOf(params: URLSearchParams): Matcher[] {
  const matchers = parseSelector(params.get("query") ?? "");
  if (!matchers)
    throw new Refused(
      `bad_selector|cannot read the selector|write {service="shop",host=~"web-.*"}`,
    );
  return matchers;
}

function accepts(matchers: readonly Matcher[], label: string, value: string): boolean {
  return matchers.every(({ name, op, value: wanted }) => {
    if (name !== label) return true;
    const hit = op.endsWith("~") ? new RegExp(`^(?:${wanted})$`).test(value) : value === wanted;
    return op.startsWith("!") ? !hit : hit;
  });
}

/** Part of the cost that the matchers on labels other than the service let through. */
function share(matchers: readonly Matcher[]): number {
  return Object.entries(LABELS).reduce(
    (product, [label, values]) => {
      if (label === "service" || !matchers.some(({ name }) => name === label)) return product;
      return (
        product *
        values.reduce((sum, [value, part]) => sum + (accepts(matchers, label, value) ? part : 0), 0)
      );
    },
    matchers.every(({ name }) => name in LABELS) ? 1 : 0,
  );
}

function stepOf([from, until]: [number, number], params: URLSearchParams): number {
  const asked = Number(params.get("step") ?? 0);
  return Math.max(
    10,
    asked,
    Math.ceil((until - from) / MAX_POINTS / 10) * 10,
    asked ? 0 : Math.ceil((until - from) / 240 / 10) * 10,
  );
}

const isCount = (params: URLSearchParams) => (params.get("type") ?? "").includes(":count:");
const scaleOf = (params: URLSearchParams) =>
  isCount(params) ? RATE_HZ : (params.get("type") ?? "").startsWith("wall") ? 2.4e9 : 1e9;

function timeline(params: URLSearchParams, interval: [number, number], mode: Mode): unknown {
  const step = stepOf(interval, params);
  const from = Math.floor(interval[0] / step) * step;
  const groupBy = params.get("group_by") || "service";
  const matchers = matchersOf(params);
  const steps = Math.max(0, Math.ceil((interval[1] - from) / step));
  const groups: [string, (at: number) => number][] =
    groupBy === "service"
      ? SERVICES.filter(({ name }) => accepts(matchers, "service", name)).map((service) => [
          service.name,
          (at) => cores(service, at),
        ])
      : (LABELS[groupBy] ?? [])
          .filter(([value]) => accepts(matchers, groupBy, value))
          .map(([value, part]) => [
            value,
            (at) =>
              SERVICES.filter(({ name }) => accepts(matchers, "service", name)).reduce(
                (sum, service) => sum + cores(service, at),
                0,
              ) * part,
          ]);
  const rest =
    groupBy === "service"
      ? share(matchers)
      : share(matchers.filter(({ name }) => name !== groupBy));
  const series =
    rest === 0 || mode.fault === "no-workers"
      ? []
      : groups.map(([value, rate]) => ({
          labels: { [groupBy]: value },
          values: Array.from({ length: steps }, (_, i) => {
            const at = from + i * step;
            return isGap(at) ? null : Math.round(rate(at) * rest * step * scaleOf(params));
          }),
        }));
  return {
    profile_type: params.get("type"),
    unit: isCount(params) ? "count" : "nanoseconds",
    from,
    until: interval[1],
    step,
    group_by: groupBy,
    series,
    gaps: gapsIn(interval),
  };
}

interface Built {
  readonly functions: FixtureFunctions;
  readonly root: FixtureNode;
  readonly total: number;
}

function build(params: URLSearchParams, [from, until]: [number, number], mode: Mode): Built {
  const matchers = matchersOf(params);
  const functions = new FixtureFunctions();
  const chosen = SERVICES.filter(({ name }) => accepts(matchers, "service", name));
  const covered = until - from - gapsIn([from, until]).reduce((sum, [a, b]) => sum + b - a, 0);
  const middle = (from + until) / 2;
  const total =
    mode.fault === "no-workers"
      ? 0
      : chosen.reduce((sum, service) => sum + cores(service, middle), 0) *
        share(matchers) *
        covered *
        scaleOf(params);
  if (mode.nodes > 0) return { functions, root: largeFixtureTree(functions, mode.nodes), total };
  const root: FixtureNode = { fn: functions.id("n", "~:all"), weight: 0, children: [] };
  for (const service of chosen) {
    const tree = fixtureTree(functions, service.name);
    const scale = cores(service, middle) / 100;
    merge(
      root,
      tree,
      scale,
      (name) => (name.includes("FeedView") ? 1 + 0.12 * Math.sin(middle / 3000) : 1),
      functions,
    );
  }
  return { functions, root, total };
}

function merge(
  into: FixtureNode,
  from: FixtureNode,
  scale: number,
  change: (name: string) => number,
  functions: FixtureFunctions,
): void {
  into.weight += from.weight * scale;
  for (const child of from.children) {
    const factor = scale * change(functions.list[child.fn].name);
    let target = into.children.find(({ fn }) => fn === child.fn);
    if (!target) {
      target = { fn: child.fn, weight: 0, children: [] };
      into.children.push(target);
    }
    merge(target, child, Math.min(factor, scale), change, functions);
  }
}

interface Columns {
  parent: number[];
  function: number[];
  self: number[];
  total: number[];
}

function columnsOf({ root, total }: Built): Columns {
  const nodes: Columns = { parent: [], function: [], self: [], total: [] };
  const scale = root.weight > 0 ? total / root.weight : 0;
  const stack: [FixtureNode, number][] = [[root, -1]];
  for (let top = stack.pop(); top; top = stack.pop()) {
    const [node, parent] = top;
    const id = nodes.parent.length;
    const inner = node.children.reduce((sum, child) => sum + Math.round(child.weight * scale), 0);
    nodes.parent.push(parent);
    nodes.function.push(node.fn);
    nodes.total.push(Math.max(Math.round(node.weight * scale), inner));
    nodes.self.push(nodes.total[id] - inner);
    const ordered = [...node.children].sort((a, b) => a.weight - b.weight);
    for (const child of ordered) stack.push([child, id]);
  }
  return nodes;
}

function flamegraph(params: URLSearchParams, interval: [number, number], mode: Mode): unknown {
  if (mode.fault === "flamegraph-error") {
    throw new Refused(
      "store|the store cannot be read: disk full|free space on the data directory, then retry",
    );
  }
  const built = build(params, interval, mode);
  const workers = built.total > 0 ? 412 : 0;
  return {
    profile_type: params.get("type"),
    unit: isCount(params) ? "count" : "nanoseconds",
    from: interval[0],
    until: interval[1],
    total: Math.round(built.total),
    samples: Math.round((built.total / scaleOf(params)) * RATE_HZ),
    workers,
    hosts: workers ? 18 : 0,
    gaps: gapsIn(interval),
    functions: built.functions.list,
    nodes:
      built.total > 0 ? columnsOf(built) : { parent: [-1], function: [0], self: [0], total: [0] },
  };
}

function table(params: URLSearchParams, interval: [number, number], mode: Mode): unknown {
  const built = build(params, interval, mode);
  const nodes = columnsOf(built);
  const rows = built.functions.list.map((info) => ({ ...info, self: 0, total: 0 }));
  nodes.function.forEach((fn, node) => {
    rows[fn].self += nodes.self[node];
    for (let at = nodes.parent[node]; ; at = nodes.parent[at]) {
      if (at < 0) rows[fn].total += nodes.total[node];
      if (at < 0 || nodes.function[at] === fn) break;
    }
  });
  return {
    unit: isCount(params) ? "count" : "nanoseconds",
    from: interval[0],
    until: interval[1],
    total: Math.round(built.total),
    samples: 0,
    functions: rows
      .filter(({ name, total }) => name !== "all" && total > 0)
      .sort((a, b) => b.self - a.self),
  };
}

function functionTimeline(
  params: URLSearchParams,
  interval: [number, number],
  mode: Mode,
): unknown {
  const step = stepOf(interval, params);
  const from = Math.floor(interval[0] / step) * step;
  const wanted = params.get("function") ?? "";
  const built = build(params, interval, mode);
  const nodes = columnsOf(built);
  const fn = built.functions.list.findIndex(
    ({ name, file }) => name === wanted && file === (params.get("file") ?? ""),
  );
  const total =
    Math.max(0, ...nodes.total.filter((_, node) => nodes.function[node] === fn)) /
    (interval[1] - interval[0]);
  const values = Array.from({ length: Math.ceil((interval[1] - from) / step) }, (_, i) => {
    const at = from + i * step;
    return isGap(at)
      ? null
      : total * step * (1 + 0.08 * Math.sin(at / 700 + wanted.length) + (i / 240) * 0.1);
  });
  return { from, until: interval[1], step, total: values, self: values.map((v) => v && v * 0.1) };
}

function labelValues(
  name: string,
  params: URLSearchParams,
  interval: [number, number],
  mode: Mode,
): unknown {
  const total = build(params, interval, mode).total;
  const all = SERVICES.reduce((sum, service) => sum + service.cores, 0);
  const values =
    name === "service"
      ? SERVICES.map((s): [string, number] => [s.name, s.cores / all])
      : (LABELS[name] ?? []);
  return { values: values.map(([value, part]) => ({ value, total: Math.round(total * part) })) };
}
