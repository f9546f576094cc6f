// The colours of the canvas, read from the style sheet so that both themes have one source.

import { ORIGINS, type Origin } from "../../profile/origin.ts";

export interface Palette {
  /** Two shades for each origin, for even and odd rows. */
  readonly frames: readonly (readonly [string, string])[];
  readonly text: string;
  readonly quietText: string;
  readonly outline: string;
  readonly hover: string;
  readonly hatch: string;
  readonly root: string;
}

/** CSS classes and variables name an origin by this. */
export const ORIGIN_TOKENS: Readonly<Record<Origin, string>> = {
  app: "app",
  framework: "fw",
  library: "lib",
  stdlib: "std",
  native: "nat",
  waiting: "wait",
  folded: "fold",
};

/** Resolves the variables by way of a probe: a variable may itself be a `light-dark()`. */
export function readPalette(host: HTMLElement): Palette {
  const probe = document.createElement("span");
  host.append(probe);
  const color = (name: string) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const palette: Palette = {
    frames: ORIGINS.map((origin) => {
      const token = `f-${ORIGIN_TOKENS[origin]}`;
      return [color(token), color(`${token}2`)] as const;
    }),
    text: color("ftxt"),
    quietText: color("ftxt-quiet"),
    outline: color("fg"),
    hover: color("fg2"),
    hatch: color("hatch"),
    root: color("f-nat"),
  };
  probe.remove();
  return palette;
}
