// Fixture: serves the built app under the server's strict policy, with generated answers behind
// it. Faults and sizes are switched while it runs, so that a page can be seen to recover.

import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { answerFixture, type FixtureAnswer } from "./fixture-api.ts";
import { DEFAULT_MODE, type Mode } from "./fixture-fleet.ts";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));

export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

export interface FixtureServer {
  readonly url: string;
  mode: Mode;
  /** Milliseconds that each answer of the API is held back. */
  delay: number;
  readonly requests: string[];
  close(): Promise<void>;
}

export async function startFixtureServer(port = 0): Promise<FixtureServer> {
  const cache = new Map<string, FixtureAnswer>();
  const state = { mode: DEFAULT_MODE, delay: 0, requests: [] as string[] };
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://fixture");
    if (!url.pathname.startsWith("/api/")) {
      const file = staticFile(url.pathname);
      response.writeHead(200, {
        "content-type": TYPES[extname(file)] ?? "application/octet-stream",
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
      });
      response.end(readFileSync(file));
      return;
    }
    state.requests.push(url.pathname + url.search);
    const { mode } = state;
    // A large tree takes the fixture long to make; it is not what is being measured.
    const key = mode.nodes > 0 ? `${mode.nodes}${request.url}` : "";
    const answer = cache.get(key) ?? answerFixture(url, mode);
    if (key) cache.set(key, answer);
    setTimeout(() => {
      response.writeHead(answer.status, { ...answer.headers, "content-encoding": "gzip" });
      response.end(gzipSync(answer.body, { level: 1 }));
    }, state.delay);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const { port: bound } = server.address() as AddressInfo;
  return Object.assign(state, {
    url: `http://127.0.0.1:${bound}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

/** Every path that is no file is a page of the app. */
function staticFile(path: string): string {
  const file = join(DIST, normalize(path).replace(/^(\.\.[/\\])+/, ""));
  return extname(file) !== "" && existsSync(file) ? file : join(DIST, "index.html");
}
