// Fails when the built scripts and styles grow past what the page may weigh on the wire.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const DIST = new URL("../dist/", import.meta.url).pathname;
/** Bytes of gzip that all scripts and styles together may take. */
const LIMIT = 80 * 1024;

let sum = 0;
for (const entry of readdirSync(DIST, { recursive: true, withFileTypes: true })) {
  if (!/\.(js|css)\.gz$/.test(entry.name)) continue;
  const bytes = statSync(join(entry.parentPath, entry.name)).size;
  sum += bytes;
  console.log(`${(bytes / 1024).toFixed(1).padStart(7)} kB  ${entry.name}`);
}
console.log(`${(sum / 1024).toFixed(1).padStart(7)} kB  in all, limit ${LIMIT / 1024} kB`);
if (sum === 0) throw new Error("nothing built: run `npm run build` first");
if (sum > LIMIT) process.exit(1);
