// The real thing: the page against a `pyrometer serve` that watches the example shop under load.
// Checks what only that server has, and takes the pictures of the README.

import { mkdirSync } from "node:fs";
import { expect, it } from "vitest";
import { complaintsOf, DESKTOP, startBrowser } from "./browser.ts";
import { brush, graphDrawn, untilParam } from "./setup.ts";

const url = process.env.PYROMETER_URL;
const PICTURES = process.env.PYROMETER_PICTURES ?? "e2e/screens";

for (const theme of ["dark", "light"] as const) {
  it.runIf(url !== undefined)(
    `shows the shop's own hot spot, ${theme}`,
    async () => {
      const browser = await startBrowser({ ...DESKTOP, theme });
      try {
        const page = await browser.context.newPage();
        const complaints = complaintsOf(page);
        await page.goto(`${url}/explore?q=%7Bservice%3D%22shop%22%7D&from=now-2m&to=now`);
        await graphDrawn(page);
        await page.getByRole("button", { name: "Table", exact: true }).click();
        await page.getByPlaceholder(/Search/).fill("rates_by_country");
        const row = page.locator("tbody tr", { hasText: "rates_by_country" }).first();
        await row.waitFor();
        await row.click();
        await page.getByPlaceholder(/Search/).fill("");
        await page.getByRole("button", { name: "Flame", exact: true }).click();
        await graphDrawn(page);
        await page.locator("aside", { hasText: "rates_by_country" }).first().waitFor();
        mkdirSync(PICTURES, { recursive: true });
        await page.screenshot({ path: `${PICTURES}/explore-${theme}.png` });
        await page.goto(`${url}/workers`);
        await page.waitForSelector(".workers-panel tbody tr");
        expect(
          await page.locator(".workers-panel tbody tr", { hasText: "shop" }).count(),
        ).toBeGreaterThanOrEqual(4);
        await page.screenshot({ path: `${PICTURES}/workers-${theme}.png` });
        expect(complaints).toEqual([]);
      } finally {
        await browser.close();
      }
    },
    60_000,
  );
}

it.runIf(url !== undefined)(
  "draws what was brushed, and comes back after a reload",
  async () => {
    const browser = await startBrowser();
    try {
      const page = await browser.context.newPage();
      const complaints = complaintsOf(page);
      await page.goto(`${url}/explore?q=%7Bservice%3D%22shop%22%7D&from=now-1m&to=now`);
      await graphDrawn(page);
      const whole = await page.locator(".status").innerText();
      await brush(page, 0.4, 0.8);
      await untilParam(page, "sel", (value) => value !== null);
      await page.waitForFunction(
        (before) => document.querySelector<HTMLElement>(".status")?.innerText !== before,
        whole,
      );
      const link = page.url();
      await page.reload();
      await graphDrawn(page);
      expect(page.url()).toBe(link);
      expect(await page.locator(".brush").isVisible()).toBe(true);
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  },
  60_000,
);
