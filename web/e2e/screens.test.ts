// Writes pictures of the page in its states to e2e/screens/, to be looked at by people. It fails
// only when a page complains.

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Browser, complaintsOf, DESKTOP, startBrowser } from "./browser.ts";
import { DEFAULT_MODE, type Fault } from "./fixture-fleet.ts";
import { type FixtureServer, startFixtureServer } from "./fixture-server.ts";

const SCREENS = fileURLToPath(new URL("./screens/", import.meta.url));
/** 2026-03-10 09:00 UTC: the fixture's present in all pictures. */
const NOW = 1_773_133_200;
const RANGE = `from=${NOW - 21_120}&to=${NOW}`;
const QUERY = "q=%7Bservice%3D%22shop-web%22%2Cenv%3D%22prod%22%7D";
const BRUSHED = `${RANGE}&sel=${NOW - 6_000},${NOW - 900}`;
const FRAME = "f=~rest_framework.serializers:ModelSerializer.to_representation";

let server: FixtureServer;

beforeAll(async () => {
  mkdirSync(SCREENS, { recursive: true });
  server = await startFixtureServer();
});
afterAll(() => server.close());

interface Picture {
  readonly name: string;
  readonly path: string;
  readonly fault?: Fault;
  readonly width?: number;
  readonly shows: string;
  /** What the reader does before the picture is taken. */
  readonly act?: (page: Page) => Promise<void>;
}

const EXPLORE = `/explore?${BRUSHED}`;

const PICTURES: readonly Picture[] = [
  {
    name: "menu-filter",
    path: EXPLORE,
    shows: ".flame",
    act: async (page) => {
      await page.getByTitle("Add a filter").click();
      await page.getByRole("dialog").getByText("version").click();
      await page.locator(".cost-bar").first().waitFor();
    },
  },
  {
    name: "menu-time",
    path: EXPLORE,
    shows: ".flame",
    act: (page) => page.getByTitle("Choose the time range").click(),
  },
  {
    name: "tip",
    path: EXPLORE,
    shows: ".flame",
    act: (page) => page.locator(".flame").hover({ position: { x: 200, y: 255 } }),
  },
  { name: "keys", path: EXPLORE, shows: ".flame", act: (page) => page.keyboard.press("?") },
  { name: "explore", path: `/explore?${BRUSHED}&at=${FRAME.slice(2)}`, shows: ".flame" },
  {
    name: "service",
    path: `/explore?${QUERY}&${BRUSHED}&at=${FRAME.slice(2)}`,
    shows: ".details .spark-line",
  },
  { name: "whole", path: `/explore?${RANGE}`, shows: ".flame" },
  { name: "zoomed", path: `/explore?${QUERY}&${RANGE}&${FRAME}&s=price`, shows: ".flame" },
  {
    name: "table",
    path: `/explore?${QUERY}&${BRUSHED}&view=table&s=django&at=~django.db.models.query:QuerySet.get`,
    shows: ".functions tbody tr",
  },
  {
    name: "narrow",
    path: `/explore?${QUERY}&${BRUSHED}&at=${FRAME.slice(2)}`,
    shows: ".flame",
    width: 1024,
  },
  { name: "phone", path: `/explore?${QUERY}&${BRUSHED}`, shows: ".flame", width: 700 },
  { name: "workers", path: "/workers", fault: "silent-workers", shows: ".workers-panel" },
  { name: "first-run", path: `/explore?${RANGE}`, fault: "no-workers", shows: ".steps" },
  { name: "nothing", path: `/explore?${RANGE}&q=%7Benv%3D%22nowhere%22%7D`, shows: ".empty" },
  { name: "error", path: `/explore?${RANGE}`, fault: "flamegraph-error", shows: ".failed" },
  { name: "paused", path: `/explore?${RANGE}`, fault: "paused", shows: ".banner" },
];

describe.each(["dark", "light"] as const)("pictures, %s", (theme) => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser({ ...DESKTOP, theme });
  });
  afterAll(() => browser.close());

  it.each(PICTURES)(
    "$name",
    async ({ name, path, fault = "none", width = DESKTOP.width, shows, act }) => {
      server.mode = { ...DEFAULT_MODE, fault, now: () => NOW };
      const page = await browser.context.newPage();
      const complaints = complaintsOf(page);
      await page.clock.setFixedTime(NOW * 1000);
      await page.setViewportSize({ width, height: DESKTOP.height });
      await page.goto(server.url + path);
      await page.waitForSelector(shows);
      await page.waitForLoadState("networkidle");
      await act?.(page);
      await page.screenshot({ path: `${SCREENS}${name}-${theme}.png` });
      await page.close();
      expect(
        complaints.filter((text) => !(fault === "flamegraph-error" && text.includes("503"))),
      ).toEqual([]);
    },
  );
});
