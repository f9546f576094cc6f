// What the specs share: a server to look at, a browser, and small steps on the page.

import type { Page } from "playwright-core";
import { type Browser, complaintsOf, DESKTOP, type Screen, startBrowser } from "./browser.ts";
import { type FixtureServer, startFixtureServer } from "./fixture-server.ts";

export interface Stage {
  readonly browser: Browser;
  /** Null when a real server is looked at. */
  readonly fixture: FixtureServer | null;
  readonly url: string;
  close(): Promise<void>;
}

/** The server of `PYROMETER_URL`, or the fixture. */
export async function startStage(screen: Screen = DESKTOP): Promise<Stage> {
  const real = process.env.PYROMETER_URL?.replace(/\/$/, "");
  const fixture = real ? null : await startFixtureServer();
  const browser = await startBrowser(screen);
  return {
    browser,
    fixture,
    url: real ?? (fixture as FixtureServer).url,
    close: async () => {
      await browser.close();
      await fixture?.close();
    },
  };
}

export interface Visit {
  readonly page: Page;
  readonly complaints: string[];
}

export async function visit(stage: Stage, path: string): Promise<Visit> {
  const page = await stage.browser.context.newPage();
  const complaints = complaintsOf(page);
  await page.goto(stage.url + path);
  return { page, complaints };
}

export const param = (page: Page, name: string) => new URL(page.url()).searchParams.get(name);

/** Waits until the URL says so. */
export async function untilParam(page: Page, name: string, is: (value: string | null) => boolean) {
  await page.waitForURL((url) => is(url.searchParams.get(name)));
}

/** Number of different colours on the canvas of the frames: one means it is blank. */
export const coloursDrawn = (page: Page) =>
  page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>(".flame canvas");
    const ctx = canvas?.getContext("2d");
    if (!canvas || !ctx || canvas.width === 0) return 0;
    const { data } = ctx.getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set<number>();
    for (let i = 0; i < data.length; i += 4 * 7) {
      seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
    }
    return seen.size;
  });

/** Waits for the graph to be drawn. */
export async function graphDrawn(page: Page): Promise<void> {
  await page.waitForSelector(".flame");
  await page.waitForFunction(() => {
    const canvas = document.querySelector<HTMLCanvasElement>(".flame canvas");
    return (canvas?.width ?? 0) > 300;
  });
}

/** What a reader who hears the page is told about the selected frame. */
export const spoken = (page: Page) => page.locator(".view .spoken").innerText();

/** Drags across the timeline, in shares of its width. */
export async function brush(page: Page, from: number, until: number): Promise<void> {
  const area = await page.locator(".u-over").boundingBox();
  if (!area) throw new Error("no timeline");
  const y = area.y + area.height / 3;
  await page.mouse.move(area.x + area.width * from, y);
  await page.mouse.down();
  for (let i = 1; i <= 5; i++) {
    await page.mouse.move(area.x + area.width * (from + ((until - from) * i) / 5), y);
  }
  await page.mouse.up();
}
