// How the web app is built: hashed files that the server embeds and serves under a strict
// content security policy. No source maps, no inlined scripts, no polyfills.
//
// `vite --mode fixture` serves the app with generated data and no server at all.

import { defineConfig } from "vite";
import { answerFixture } from "./e2e/fixture-api.ts";
import { DEFAULT_MODE } from "./e2e/fixture-fleet.ts";

const SERVER = process.env.PYROMETER_URL ?? "http://127.0.0.1:4500";

export default defineConfig(({ mode }) => ({
  base: "/",
  oxc: { jsx: { runtime: "automatic" as const, importSource: "preact" } },
  build: {
    outDir: "dist",
    target: "es2022",
    sourcemap: false,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    cssCodeSplit: false,
  },
  server: { proxy: mode === "fixture" ? {} : { "/api": SERVER } },
  plugins: [
    {
      name: "fixture-api",
      apply: "serve" as const,
      configureServer(server) {
        if (mode !== "fixture") return;
        server.middlewares.use((request, response, next) => {
          if (!request.url?.startsWith("/api/")) return next();
          const answer = answerFixture(new URL(request.url, "http://fixture"), DEFAULT_MODE);
          response.writeHead(answer.status, answer.headers).end(answer.body);
        });
      },
    },
  ],
}));
