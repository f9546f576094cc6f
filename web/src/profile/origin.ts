// Whose code a function is: the reader's own, a framework's, a library's, Python's own, native
// code, or a place where a thread only waits. Decided from file path and name alone.

import type { FunctionInfo } from "../api/types.ts";
import { moduleOf, placeOf } from "./module-name.ts";
import { FOLDED_NAME, ROOT, type Tree } from "./tree.ts";

export const ORIGINS = [
  "app",
  "framework",
  "library",
  "stdlib",
  "native",
  "waiting",
  "folded",
] as const;
export type Origin = (typeof ORIGINS)[number];

export const ORIGIN_NAMES: Readonly<Record<Origin, string>> = {
  app: "Your code",
  framework: "Framework",
  library: "Libraries",
  stdlib: "Stdlib",
  native: "Native",
  waiting: "Waiting",
  folded: "Small, folded",
};

/** Packages that call the reader's code, rather than being called by it. */
const FRAMEWORKS = new Set(
  `aiohttp asgiref billiard bottle celery channels daphne django dramatiq eventlet falcon fastapi
  flask gevent granian gunicorn huey hypercorn kombu litestar meinheld pyramid quart rest_framework
  rq sanic starlette tornado twisted uvicorn uvloop uwsgi waitress werkzeug`.split(/\s+/),
);

/** Standard functions in which a thread waits, as `module:qualname`. */
const WAITS = new Set([
  "_thread:lock.acquire",
  "concurrent.futures._base:wait",
  "concurrent.futures._base:Future.result",
  "queue:Queue.get",
  "queue:SimpleQueue.get",
  "select:epoll.poll",
  "select:poll",
  "select:select",
  "selectors:DefaultSelector.select",
  "selectors:EpollSelector.select",
  "selectors:KqueueSelector.select",
  "selectors:PollSelector.select",
  "selectors:SelectSelector.select",
  "socket:socket.accept",
  "subprocess:Popen.wait",
  "subprocess:Popen._wait",
  "threading:Condition.wait",
  "threading:Event.wait",
  "threading:Thread.join",
  "threading:Thread._wait_for_tstate_lock",
  "threading:wait",
  "time:sleep",
]);

/** Native functions in which a thread waits. */
const NATIVE_WAITS =
  /^(?:lock\.acquire|time\.sleep|sleep|select\.\w+(?:\.poll)?|epoll_wait|poll|futex\w*|nanosleep)$/;

export function originOf({ name, file }: FunctionInfo): Origin {
  if (file === "" && name === FOLDED_NAME) return "folded";
  switch (placeOf(file)) {
    case "native":
      return NATIVE_WAITS.test(name) ? "waiting" : "native";
    case "stdlib":
      return WAITS.has(`${moduleOf(file)}:${name}`) ? "waiting" : "stdlib";
    case "installed":
      return FRAMEWORKS.has(moduleOf(file).split(".", 1)[0]) ? "framework" : "library";
    case "application":
      return "app";
  }
}

/** Origin of every function of a tree as an index into `ORIGINS`. */
export function originColumn(functions: readonly FunctionInfo[]): Uint8Array {
  return Uint8Array.from(functions, (info) => ORIGINS.indexOf(originOf(info)));
}

export interface OriginShare {
  readonly origin: Origin;
  readonly self: number;
}

/** Self time by origin, in the order of the legend, without those that did not occur. */
export function selfByOrigin(tree: Tree, origins: Uint8Array): OriginShare[] {
  const sums = new Float64Array(ORIGINS.length);
  for (let node = ROOT + 1; node < tree.size; node++)
    sums[origins[tree.fn[node]]] += tree.self[node];
  return ORIGINS.map((origin, i) => ({ origin, self: sums[i] })).filter(({ self }) => self > 0);
}
