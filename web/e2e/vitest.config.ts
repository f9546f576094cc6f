// The end-to-end specs: one browser at a time, since they share two cores with the server.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { fileParallelism: false, testTimeout: 15_000, hookTimeout: 30_000 },
});
