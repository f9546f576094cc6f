// Asks the query API and tells three outcomes apart: an answer, a refusal by the server with its
// advice, and no server at all. It never retries; that is the caller's policy.

import type { ErrorAnswer } from "./types.ts";

const ROOT = "/api/v1/";

/** The server answered, and refused. `hint` says what the reader can do about it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string | null,
  ) {
    super(message);
  }
}

/** Nobody answered: the server is down, restarting or out of reach. */
export class ServerGone extends Error {
  override readonly name = "ServerGone";
}

export interface Answer<T> {
  readonly data: T;
  /** Time the server spent on the query in milliseconds, if it said so. */
  readonly queryMs: number | null;
}

export type Params = Readonly<Record<string, string | number | null | undefined>>;

export async function ask<T>(
  path: string,
  params: Params,
  signal: AbortSignal,
): Promise<Answer<T>> {
  const response = await fetchOrGone(ROOT + path + queryString(params), signal);
  if (!response.ok) throw await refusal(response);
  return {
    data: (await response.json()) as T,
    queryMs: queryMsOf(response.headers.get("server-timing")),
  };
}

export function queryString(params: Params): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && value !== "") pairs.set(name, String(value));
  }
  const text = pairs.toString();
  return text && `?${text}`;
}

async function fetchOrGone(url: string, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { signal, headers: { accept: "application/json" } });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ServerGone("the pyrometer server does not answer");
  }
}

async function refusal(response: Response): Promise<Error> {
  const body = (await response.json().catch(() => null)) as ErrorAnswer | null;
  const error = body?.error;
  // A proxy in front answers 502 to 504 without our body when the server is away.
  if (!error && response.status >= 502) return new ServerGone("the pyrometer server is away");
  return new ApiError(
    response.status,
    error?.code ?? "http",
    error?.message ?? `the server answered ${response.status}`,
    error?.hint ?? null,
  );
}

export function queryMsOf(serverTiming: string | null): number | null {
  const match = /(?:^|,)\s*query;(?:[^,]*;)?dur=([\d.]+)/.exec(serverTiming ?? "");
  return match ? Number(match[1]) : null;
}
