// What the page says when there is nothing, when something fails and when it comes back; and that
// names from the profiled programs stay text. The fixture plays the server.

import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type Browser, complaintsOf, startBrowser } from "./browser.ts";
import { DEFAULT_MODE, type Fault } from "./fixture-fleet.ts";
import { type FixtureServer, startFixtureServer } from "./fixture-server.ts";
import { graphDrawn, param, untilParam } from "./setup.ts";

let browser: Browser;
let server: FixtureServer;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());
beforeEach(async () => {
  server = await startFixtureServer();
  page = await browser.context.newPage();
  complaints = complaintsOf(page);
});
afterEach(async () => {
  await page.close();
  await server.close();
  const own = complaints.filter((text) => !text.startsWith("Failed to load resource"));
  expect(own).toEqual([]);
});

const fault = (name: Fault) => {
  server.mode = { ...DEFAULT_MODE, fault: name };
};
const open = (path = "/explore?from=now-1h&to=now") => page.goto(server.url + path);

it("turns the first run into the page by itself", async () => {
  fault("no-workers");
  await open();
  await page.getByText("No workers found yet").waitFor();
  await page.getByRole("button", { name: "Copy pyrometer run -- gunicorn app:wsgi" }).click();
  await page.getByText("line copied").waitFor();
  fault("none");
  await graphDrawn(page);
  expect(await page.getByText("No workers found yet").count()).toBe(0);
});

it("says which filter left nothing and removes it", async () => {
  await open("/explore?from=now-1h&to=now&q=%7Benv%3D%22nowhere%22%7D");
  await page.getByText("Nothing in this interval matches env = nowhere.").waitFor();
  await page.getByRole("button", { name: "Remove env = nowhere", exact: true }).nth(1).click();
  await graphDrawn(page);
  expect(param(page, "q")).toBeNull();
});

it("says what failed with the server's hint, and retries", async () => {
  fault("flamegraph-error");
  await open();
  await page.getByText("The flame graph could not be loaded").waitFor();
  await page.getByText("hint: free space on the data directory, then retry").waitFor();
  expect(await page.locator(".timeline canvas").count()).toBe(1);
  fault("none");
  await page.getByRole("button", { name: "Retry" }).click();
  await graphDrawn(page);
  expect(await page.locator(".failed").count()).toBe(0);
});

it("hands a query it cannot read to the server and shows the advice", async () => {
  await open("/explore?from=now-1h&to=now&q=shop");
  await page.getByText(/hint: write \{service="shop"/).waitFor();
  await page.getByRole("button", { name: "Remove the query" }).click();
  await graphDrawn(page);
});

it("keeps what it has when the server goes, and goes on when it is back", async () => {
  await open();
  await graphDrawn(page);
  const port = Number(new URL(server.url).port);
  await server.close();
  await page.keyboard.press("[");
  await page.getByText("The server does not answer.").waitFor();
  expect(await page.locator(".flame").count()).toBe(1);
  server = await startFixtureServer(port);
  await page.getByText("The server does not answer.").waitFor({ state: "detached" });
});

it("is loud about a collector that does not collect", async () => {
  fault("paused");
  await open();
  await page.getByText("Collection is paused.").waitFor();
  await page.getByText(/hint: free space or lower --retention/).waitFor();
});

it("marks incomplete data and leads to the silent workers", async () => {
  fault("silent-workers");
  await open();
  await page.locator(".completeness .amber").click();
  await page.getByText("no window for 64 s").first().waitFor();
  expect(await page.locator(".workers-panel tbody tr").first().innerText()).toContain(
    "unreachable",
  );
});

it("keeps the graph, dimmed, while the next is slow, and cancels what is superseded", async () => {
  await open();
  await graphDrawn(page);
  const cancelled: string[] = [];
  page.on("requestfailed", (request) => cancelled.push(request.url()));
  server.delay = 600;
  await page.keyboard.press("[");
  await page.locator(".work.stale").waitFor();
  expect(await page.locator(".progress.on").count()).toBe(1);
  await page.keyboard.press("[");
  await page.locator(".work:not(.stale)").waitFor();
  expect(cancelled.some((url) => url.includes("/flamegraph?"))).toBe(true);
});

it("shows no wait for an answer that is fast", async () => {
  await open();
  await graphDrawn(page);
  const flickers = page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        let seen = 0;
        const observer = new MutationObserver(() => {
          seen += document.querySelectorAll(".stale, .progress.on").length;
        });
        observer.observe(document.body, { subtree: true, attributes: true, childList: true });
        addEventListener("fixture-done", () => resolve(seen));
      }),
  );
  const answered = page.waitForResponse((response) => response.url().includes("/flamegraph?"));
  await page.keyboard.press("[");
  await answered;
  await page.evaluate(() => dispatchEvent(new Event("fixture-done")));
  expect(await flickers).toBe(0);
});

it("treats names from the profiled program as text", async () => {
  const hostile = `<img src=x onerror="document.title='owned'">`;
  await page.route("**/api/v1/flamegraph?*", async (route) => {
    const answer = await route.fetch();
    const body = await answer.json();
    for (const info of body.functions) info.name = `${hostile}${info.name}`;
    await route.fulfill({ response: answer, json: body });
  });
  await page.route("**/api/v1/labels?*", (route) => route.fulfill({ json: { labels: [hostile] } }));
  await open();
  await graphDrawn(page);
  await page.locator(".flame").click({ position: { x: 60, y: 50 } });
  await untilParam(page, "f", (value) => value !== null);
  await page.locator(".flame").hover({ position: { x: 60, y: 70 } });
  expect(await page.locator(".details h2").innerText()).toContain("<img src=x");
  expect(await page.locator("img").count()).toBe(0);
  expect(await page.title()).toBe("Explore – pyrometer");
});
