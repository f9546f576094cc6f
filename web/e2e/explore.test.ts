// What a reader does on the Explore page, against the fixture or a server that has watched a web
// application for half a minute. Nothing here knows a name from the fixture.

import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { POLICY } from "./fixture-server.ts";
import {
  brush,
  coloursDrawn,
  graphDrawn,
  param,
  type Stage,
  spoken,
  startStage,
  untilParam,
  visit,
} from "./setup.ts";

/** A fresh server has data of the last minute only. */
const MINUTES = process.env.PYROMETER_URL ? 1 : 15;
const SECONDS = MINUTES * 60;
const FROM = `now-${MINUTES}m`;
const PATH = `/explore?from=${FROM}&to=now`;
/** In the files of functions that stand in several places of any web application. */
const WORD = "encod";
const DOM_LIMIT = 1_500;
/** Moves of a held key; even, so that they end where they began. */
const MOVES = 120;

let stage: Stage;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.close());
beforeEach(async () => {
  ({ page, complaints } = await visit(stage, PATH));
  await graphDrawn(page);
});
afterEach(async () => {
  await page.close();
  expect(complaints).toEqual([]);
});

const domNodes = () => page.evaluate(() => document.querySelectorAll("*").length);
const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
const press = (key: string) => page.keyboard.press(key);

describe("the page", () => {
  it("draws timeline and graph under the strict policy", async () => {
    const answer = await page.request.get(stage.url);
    expect(answer.headers()["content-security-policy"]).toBe(POLICY);
    expect(await coloursDrawn(page)).toBeGreaterThan(3);
    expect(await page.locator(".timeline canvas").count()).toBe(1);
    expect(await page.locator(".legend-origins li").count()).toBeGreaterThan(0);
    expect(await domNodes()).toBeLessThanOrEqual(DOM_LIMIT);
  });
  it("is a page at / too, and leads to the workers and back", async () => {
    await page.goto(`${stage.url}/`);
    await graphDrawn(page);
    await page.getByRole("link", { name: "Workers" }).click();
    await page.waitForSelector(".workers-panel tbody tr");
    expect(await domNodes()).toBeLessThanOrEqual(DOM_LIMIT);
    await page.goBack();
    await graphDrawn(page);
  });
  it("shares a link without relative times", async () => {
    await page.getByRole("button", { name: "Share" }).click();
    await page.getByText("link copied").waitFor();
    const shared = new URL(await clipboard());
    expect(shared.searchParams.get("from")).toMatch(/^\d{10}/);
    expect(shared.searchParams.get("to")).toMatch(/^\d{10}/);
    expect(param(page, "from")).toBe(FROM);
  });
});

describe("the timeline", () => {
  it("selects by dragging, asks for that interval, and Back undoes it in one step", async () => {
    const asked = page.waitForRequest(
      (request) => request.url().includes("/flamegraph?") && /from=\d{10}/.test(request.url()),
    );
    await brush(page, 0.3, 0.7);
    await asked;
    await page.locator(".selected-span").waitFor();
    const [from, until] = (param(page, "sel") ?? "").split(",").map(Number);
    expect(until - from).toBeGreaterThan(SECONDS / 3);
    expect(until - from).toBeLessThan(SECONDS / 2.1);
    await page.goBack();
    await untilParam(page, "sel", (value) => value === null);
  });
  it("changes the selection by its handle and by keys, and clears it by double click", async () => {
    await brush(page, 0.3, 0.5);
    await untilParam(page, "sel", (value) => value !== null);
    const before = param(page, "sel")?.split(",") ?? [];
    await page.locator(".brush-handle").nth(1).focus();
    await press("ArrowRight");
    const after = param(page, "sel")?.split(",") ?? [];
    expect(after[0]).toBe(before[0]);
    expect(Number(after[1])).toBeGreaterThan(Number(before[1]));
    await page.locator(".u-over").dblclick({ position: { x: 40, y: 20 } });
    await untilParam(page, "sel", (value) => value === null);
  });
});

describe("search", () => {
  it("shows the matched share while typing and is one step back", async () => {
    await press("/");
    await page.keyboard.type("e");
    await page.keyboard.type(" ");
    await page.locator(".matched").waitFor();
    await untilParam(page, "s", (value) => value === "e ");
    await press("Enter");
    await untilParam(page, "at", (value) => value !== null);
    await page.goBack();
    await untilParam(page, "s", (value) => value === null);
  });
  it("goes to the next match", async () => {
    await press("/");
    await page.keyboard.type(WORD);
    await press("Enter");
    await page.locator(".flame").focus();
    await untilParam(page, "at", (value) => value !== null);
    const first = param(page, "at");
    await press("n");
    await untilParam(page, "at", (value) => value !== null && value !== first);
    await press("N");
    await untilParam(page, "at", (value) => value === first);
  });
});

describe("the table", () => {
  beforeEach(async () => {
    await press("2");
    await page.waitForSelector(".functions tbody th");
  });
  const column = async (index: number) => {
    const cells = await page
      .locator(`.functions tbody td:nth-child(${index}):not(.filler)`)
      .allInnerTexts();
    return cells.map((cell) => Number.parseFloat(cell.replace(/[^\d.]/g, "")));
  };

  it("sorts by a column, both ways, and says so", async () => {
    const total = page.getByRole("columnheader", { name: "Total" });
    expect(await total.getAttribute("aria-sort")).toBe("none");
    await total.getByRole("button").click();
    expect(await total.getAttribute("aria-sort")).toBe("descending");
    const down = await column(6);
    expect(down).toEqual([...down].sort((a, b) => b - a));
    await total.getByRole("button").click();
    expect(await total.getAttribute("aria-sort")).toBe("ascending");
    expect(param(page, "sort")).toBe("total");
  });
  it("holds only the rows in sight and is filtered by the search", async () => {
    expect(await domNodes()).toBeLessThanOrEqual(DOM_LIMIT);
    await press("/");
    await page.keyboard.type("no such function");
    await page.getByText(/^0 of/).waitFor();
  });
  it("shows the details of the function that is pressed", async () => {
    const name = await page.locator(".functions tbody th button").first().innerText();
    await page.locator(".functions tbody th button").first().click();
    expect((await page.locator(".details h2").innerText()).replaceAll("\u200b", "")).toBe(name);
  });
});

describe("filters", () => {
  it("adds a label with the value that costs most, and removes it", async () => {
    await page.getByTitle("Add a filter").click();
    const panel = page.getByRole("dialog", { name: "Add a filter" });
    await panel.locator(".item").first().click();
    await panel.locator(".item").first().click();
    await untilParam(page, "q", (value) => /^\{\w+="/.test(value ?? ""));
    await graphDrawn(page);
    await page.goBack();
    await untilParam(page, "q", (value) => value === null);
  });
  it("chooses a service and a measure", async () => {
    await page.getByTitle("Choose the service").click();
    await page.getByRole("dialog").locator(".item").nth(1).click();
    await untilParam(page, "q", (value) => /^\{service="/.test(value ?? ""));
    await page.getByTitle("Choose what is measured").click();
    await page.getByRole("dialog").getByText("Wall time").click();
    await untilParam(page, "m", (value) => value === "wall");
    await page.getByText("Threads busy or waiting").waitFor();
  });
});

describe("the graph", () => {
  it("tells about the frame under the pointer", async () => {
    await page.locator(".flame").hover({ position: { x: 60, y: 30 } });
    expect(await page.locator(".tip").innerText()).toMatch(/Total\s+[\d.]+/);
  });
  it("zooms by click and shows the details; the name can be copied", async () => {
    await page.locator(".flame").click({ position: { x: 60, y: 30 } });
    await untilParam(page, "f", (value) => /^[0-9a-f]{8}~/.test(value ?? ""));
    await page.locator(".details .figure").first().waitFor();
    await page.getByRole("button", { name: "Copy name" }).click();
    await page.getByText("name copied").waitFor();
    expect(await clipboard()).toBe((param(page, "f") ?? "").slice(9));
  });
  it("is walked by keys", async () => {
    await page.locator(".flame").focus();
    await press("ArrowDown");
    await press("ArrowDown");
    expect(await spoken(page)).toMatch(/depth 2$/);
    await press("ArrowUp");
    expect(await spoken(page)).toMatch(/depth 1$/);
    expect(param(page, "f")).toBeNull();
    await press("ArrowDown");
    await press("ArrowDown");
    await press("Enter");
    await untilParam(page, "f", (value) => value !== null);
    await press("0");
    await untilParam(page, "f", (value) => value === null);
    expect(await spoken(page)).toMatch(/depth 3$/);
  });
  it("keeps up when a key is held down, and writes the URL more seldom than it moves", async () => {
    await page.evaluate(() => {
      const write = history.replaceState.bind(history);
      let count = 0;
      history.replaceState = (...entry) => {
        count++;
        document.body.dataset.writes = String(count);
        write(...entry);
      };
    });
    await page.locator(".flame").focus();
    await press("ArrowDown");
    const began = Date.now();
    for (let i = 0; i < MOVES; i++) await press(i % 2 === 0 ? "ArrowDown" : "ArrowUp");
    const [name] = (await spoken(page)).split(", ");
    await untilParam(page, "at", (value) => value?.slice(9) === name);
    const writes = Number(await page.evaluate(() => document.body.dataset.writes));
    const seconds = (Date.now() - began) / 1000;
    // What Safari allows in 30 s, earned at that pace, and a start.
    expect(writes).toBeLessThan(25 + (seconds * 100) / 30);
    expect(await spoken(page)).toMatch(/depth 1$/);
  });
  it("comes back after a reload as it was", async () => {
    await brush(page, 0.2, 0.8);
    await page.locator(".flame").click({ position: { x: 60, y: 50 } });
    await press("/");
    await page.keyboard.type("run");
    await press("Enter");
    const url = page.url();
    const said = await page.locator(".details h2").innerText();
    await page.reload();
    await graphDrawn(page);
    expect(page.url()).toBe(url);
    expect(await page.locator(".details h2").innerText()).toBe(said);
    expect(await page.getByRole("searchbox").inputValue()).toBe("run");
    expect(await page.locator(".brush").isVisible()).toBe(true);
  });
});

describe("everywhere", () => {
  it("switches the theme by key and remembers it", async () => {
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
    expect(await theme()).toBe("dark");
    await press("t");
    expect(await theme()).toBe("light");
    await page.reload();
    expect(await theme()).toBe("light");
    await press("t");
  });
  it("lists the keys", async () => {
    await press("?");
    await page.getByRole("heading", { name: "Keys" }).waitFor();
    await press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
  });
  it("shifts the time by half the range", async () => {
    await press("[");
    const length = Number(param(page, "to")) - Number(param(page, "from"));
    expect(length).toBeCloseTo(SECONDS, 0);
    await page.goBack();
    expect(param(page, "from")).toBe(FROM);
  });
  it("follows the present, until the graph is touched", async () => {
    await press(".");
    expect(param(page, "live")).toBe("1");
    await page.waitForRequest((request) => request.url().includes("/flamegraph?"));
    await page.locator(".flame").click({ position: { x: 60, y: 30 } });
    expect(param(page, "live")).toBeNull();
  });
  it("understands a typed range", async () => {
    await page.getByTitle("Choose the time range").click();
    await page.getByLabel("Range", { exact: true }).fill("now-30m to now");
    await press("Enter");
    await untilParam(page, "from", (value) => value === "now-30m");
  });
});
