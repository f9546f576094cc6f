// The measurements: apart from the specs, because a busy machine must not fail a build.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["**/bench.ts"], testTimeout: 300_000, hookTimeout: 60_000 },
});
