// Measures the page with a large graph in headless Chromium and prints the medians. Script and
// task times are Chromium's own counters, so waiting for the screen is not in them.

import type { CDPSession, Page } from "playwright-core";
import { expect, it } from "vitest";
import { groupDigits } from "../src/format.ts";
import { startBrowser } from "./browser.ts";
import { DEFAULT_MODE } from "./fixture-fleet.ts";
import { startFixtureServer } from "./fixture-server.ts";
import { graphDrawn } from "./setup.ts";

const RUNS = 5;
const SIZES = [20_000, 100_000];
/** After an action, until everything that follows from it is done. */
const SETTLED_MS = 400;
const NOW = 1_773_133_200;
const PATH = `/explore?from=${NOW - 3600}&to=${NOW}`;

interface Cost {
  readonly script: number;
  readonly task: number;
}

it.each(SIZES)("%i nodes", async (nodes) => {
  const server = await startFixtureServer();
  server.mode = { ...DEFAULT_MODE, nodes, now: () => NOW };
  const results = new Map<string, number[]>();
  const note = (name: string, ms: number) => results.set(name, [...(results.get(name) ?? []), ms]);
  for (let run = 0; run <= RUNS; run++) {
    const browser = await startBrowser();
    const page = await browser.context.newPage();
    const metrics = await page.context().newCDPSession(page);
    await metrics.send("Performance.enable");
    await page.addInitScript(markPainted);
    await page.goto(server.url + PATH);
    await graphDrawn(page);
    await page.waitForLoadState("networkidle");
    const first = await paintTimes(page);
    // The first run fills the fixture's cache and is not counted.
    if (run > 0) {
      note("page opened to graph painted, wall", first.painted);
      note("answer received to graph painted, wall", first.painted - first.answered);
      const moved = await costOf(metrics, page, async () => {
        for (let i = 0; i < 10; i++) await page.mouse.move(60 + i * 80, 420 + (i % 4) * 19);
      });
      note("hover, script for each move", moved.script / 10);
      const scrolled = await costOf(metrics, page, () => page.mouse.wheel(0, 120));
      note("scroll, script", scrolled.script);
      const scrollTop = await page.locator(".flame").evaluate((box) => box.scrollTop);
      expect(scrollTop).toBeGreaterThan(0);
      await page.locator(".flame").evaluate((box) => box.scrollTo(0, 0));
      expect(await page.locator(".status").innerText()).toContain(groupDigits(nodes));
      const zoomed = await costOf(metrics, page, () => page.mouse.click(60, 420));
      note("first zoom, script", zoomed.script);
      note("first zoom, all work of the tab", zoomed.task);
      await page.locator(".flame").focus();
      const out = await costOf(metrics, page, () => page.keyboard.press("0"));
      note("zoom out, script", out.script);
      const again = await costOf(metrics, page, () => page.mouse.click(60, 420));
      note("zoom again, script", again.script);
      note("zoom again, all work of the tab", again.task);
      await page.keyboard.press("/");
      const found = await costOf(metrics, page, () => page.keyboard.press("7"));
      note("search, script", found.script);
      note("search, all work of the tab", found.task);
      note("document nodes", await page.evaluate(() => document.querySelectorAll("*").length));
      await metrics.send("HeapProfiler.collectGarbage");
      // Without the columns of the tree: typed arrays lie outside this heap.
      note(
        "script heap after collection, MiB",
        (await counter(metrics, "JSHeapUsedSize")) / 2 ** 20,
      );
      note("graph on the wire, kB", first.bytes / 1000);
    }
    await browser.close();
  }
  await server.close();
  const lines = [...results].map(
    ([name, runs]) => `${median(runs).toFixed(1).padStart(9)}  ${name}`,
  );
  console.log(`\n${nodes} nodes, median of ${RUNS} (ms unless said)\n${lines.join("\n")}`);
  expect(results.size).toBeGreaterThan(0);
});

/** Notes, inside the page, when the graph is there and the frame with it was made. */
function markPainted(): void {
  const observer = new MutationObserver(() => {
    if (!document.querySelector(".legend-origins li")) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => performance.mark("painted")));
  });
  observer.observe(document, { subtree: true, childList: true });
}

const paintTimes = (page: Page) =>
  page.evaluate(() => {
    const resources = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
    const answer = resources.find(({ name }) => name.includes("/flamegraph?"));
    return {
      painted: performance.getEntriesByName("painted")[0].startTime,
      answered: answer?.responseEnd ?? 0,
      bytes: answer?.encodedBodySize ?? 0,
    };
  });

async function costOf(metrics: CDPSession, page: Page, act: () => Promise<void>): Promise<Cost> {
  const before = await costs(metrics);
  await act();
  // Waits outside the page: a question to the page would be counted as its own script.
  await page.waitForTimeout(SETTLED_MS);
  const after = await costs(metrics);
  return { script: after.script - before.script, task: after.task - before.task };
}

const costs = async (metrics: CDPSession): Promise<Cost> => ({
  script: 1000 * (await counter(metrics, "ScriptDuration")),
  task: 1000 * (await counter(metrics, "TaskDuration")),
});

async function counter(metrics: CDPSession, name: string): Promise<number> {
  const { metrics: list } = await metrics.send("Performance.getMetrics");
  return list.find((metric) => metric.name === name)?.value ?? Number.NaN;
}

const median = (numbers: readonly number[]) =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
