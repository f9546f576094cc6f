// What the page measures: profile types under the short names that the URL uses, and the words
// for their rate.

import type { ProfileType } from "../api/types.ts";

/** Known before the server has listed its types, so that the first query need not wait. */
const BUILT_IN: readonly ProfileType[] = [
  { id: "process_cpu:cpu:nanoseconds:cpu:nanoseconds", name: "CPU time", unit: "nanoseconds" },
  { id: "wall:wall:nanoseconds:wall:nanoseconds", name: "Wall time", unit: "nanoseconds" },
  { id: "wall:samples:count:wall:nanoseconds", name: "Samples", unit: "count" },
];

/** The sample type, which is the second part of a profile type: `cpu`, `wall`, `wait`, `samples`. */
export const measureKey = (id: string) => id.split(":")[1] ?? id;

export function findMeasure(types: readonly ProfileType[] | null, key: string): ProfileType {
  const all = types && types.length > 0 ? types : BUILT_IN;
  return all.find(({ id }) => id === key || measureKey(id) === key) ?? all[0];
}

/** What one unit of the rate is called: 2.4 cores, 12 threads, 100 /s. */
export function rateName({ id, unit }: ProfileType): string {
  if (unit !== "nanoseconds") return "/s";
  const key = measureKey(id);
  return key === "cpu" ? "cores" : key === "wait" ? "tasks" : "threads";
}

export function timelineTitle(type: ProfileType): string {
  if (type.unit !== "nanoseconds") return `${type.name} per second`;
  const key = measureKey(type.id);
  if (key === "wait") return "Tasks waiting";
  return key === "cpu" ? "CPU cores in use" : "Threads busy or waiting";
}
