// The small square of a colour: an origin's, or one of the timeline's.

import type { Origin } from "../profile/origin.ts";
import { ORIGIN_TOKENS } from "./flame/palette.ts";

export const Swatch = ({ origin }: { readonly origin: Origin }) => (
  <span class={`sw sw-${ORIGIN_TOKENS[origin]}`} aria-hidden="true" />
);

/** Colours of the timeline's series; the last is for all that did not get one. */
export const SERIES_COLOURS = 8;

export const SeriesSwatch = ({ index }: { readonly index: number }) => (
  <span class={`sw sw-c${Math.min(index, SERIES_COLOURS) + 1}`} aria-hidden="true" />
);
