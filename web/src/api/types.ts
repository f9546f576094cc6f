// The answers of the query API (`/api/v1`), as the server sends them. One file, types only, so
// that it can be replaced by one generated from the server's OpenAPI document.

import type { Share, UnixSeconds, Value } from "../units.ts";

export type Interval = readonly [from: UnixSeconds, until: UnixSeconds];

export interface ServicesAnswer {
  readonly services: readonly Service[];
}

export interface Service {
  readonly name: string;
  readonly workers: number;
  readonly cores: number;
  readonly samples: number;
}

export interface LabelsAnswer {
  readonly labels: readonly string[];
}

export interface LabelValuesAnswer {
  readonly values: readonly LabelValue[];
}

export interface LabelValue {
  readonly value: string;
  readonly total: Value;
}

export interface ProfileTypesAnswer {
  readonly profile_types: readonly ProfileType[];
}

export interface ProfileType {
  readonly id: string;
  readonly name: string;
  readonly unit: string;
}

/** A function is its qualified name, its file and its first line. */
export interface FunctionInfo {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

/** The calling-context tree as columns in pre-order; node 0 is the root, its parent is -1. */
export interface FlamegraphAnswer {
  readonly profile_type: string;
  readonly unit: string;
  readonly from: UnixSeconds;
  readonly until: UnixSeconds;
  readonly total: Value;
  readonly samples: number;
  readonly workers: number;
  readonly hosts: number;
  readonly gaps: readonly Interval[];
  readonly functions: readonly FunctionInfo[];
  readonly nodes: {
    readonly parent: readonly number[];
    readonly function: readonly number[];
    readonly self: readonly number[];
    readonly total: readonly number[];
  };
}

export interface TableAnswer {
  readonly unit: string;
  readonly from: UnixSeconds;
  readonly until: UnixSeconds;
  readonly total: Value;
  readonly samples: number;
  readonly functions: readonly TableFunction[];
}

export interface TableFunction extends FunctionInfo {
  readonly self: Value;
  readonly total: Value;
}

/** A value is the sum over the step that starts at `from + i * step`; null where nobody delivered. */
export interface TimelineAnswer {
  readonly unit: string;
  readonly from: UnixSeconds;
  readonly until: UnixSeconds;
  readonly step: number;
  readonly group_by: string;
  readonly series: readonly TimelineSeries[];
  readonly gaps: readonly Interval[];
}

export interface TimelineSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: readonly (number | null)[];
}

export interface FunctionTimelineAnswer {
  readonly from: UnixSeconds;
  readonly until: UnixSeconds;
  readonly step: number;
  readonly self: readonly (number | null)[];
  readonly total: readonly (number | null)[];
}

export interface WorkersAnswer {
  readonly collector: {
    readonly state: "collecting" | "paused";
    readonly reason: string | null;
    readonly hint: string | null;
  };
  readonly collected: Share;
  readonly workers: readonly Worker[];
}

export type WorkerState = "up" | "silent" | "unreachable" | "invalid" | "exited" | "pending";

export interface Worker {
  readonly id: string;
  readonly target: string;
  readonly state: WorkerState;
  readonly error: string | null;
  readonly hint: string | null;
  readonly service: string | null;
  readonly host: string | null;
  readonly pid: number | null;
  readonly python: string | null;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly started: UnixSeconds | null;
  readonly last_window: UnixSeconds | null;
  readonly rate_hz: number | null;
  readonly windows: number;
  readonly missed_windows: number;
  readonly samples: number;
  readonly agent_cpu_fraction: number | null;
  readonly agent_memory_bytes: number | null;
}

export interface ErrorAnswer {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly hint?: string | null;
  };
}
