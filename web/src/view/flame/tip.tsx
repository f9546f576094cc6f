// What is said of the frame under the pointer, and to those who hear the page.

import { useLayoutEffect, useRef } from "preact/hooks";
import { formatRate, formatShare, formatValue } from "../../format.ts";
import { shortPath } from "../../profile/module-name.ts";
import { ORIGIN_NAMES, ORIGINS } from "../../profile/origin.ts";
import type { Profile } from "../../profile/profile.ts";
import { functionOf, ROOT } from "../../profile/tree.ts";
import { rateOf, shareOf } from "../../units.ts";
import { Swatch } from "../swatch.tsx";

export interface TipPlace {
  readonly node: number;
  /** Pointer in the viewport. */
  readonly x: number;
  readonly y: number;
}

interface Props {
  readonly profile: Profile;
  readonly focus: number;
  readonly place: TipPlace;
  readonly rateName: string;
}

/** From the pointer, in CSS pixels. */
const OFFSET = 14;

export function FlameTip({ profile, focus, place, rateName }: Props) {
  const { tree, names, origins, answer, covered } = profile;
  const { node } = place;
  const info = functionOf(tree, node);
  const whole = tree.total[ROOT];
  const box = useRef<HTMLDivElement>(null);

  // Grows away from the nearer edges, so that its size need not be measured: that would make the
  // browser lay the page out in the middle of drawing it.
  useLayoutEffect(() => {
    const style = box.current?.style;
    if (!style) return;
    const atRight = place.x > innerWidth / 2;
    const atBottom = place.y > innerHeight / 2;
    style.left = atRight ? "auto" : `${place.x + OFFSET}px`;
    style.right = atRight ? `${innerWidth - place.x + OFFSET}px` : "auto";
    style.top = atBottom ? "auto" : `${place.y + OFFSET}px`;
    style.bottom = atBottom ? `${innerHeight - place.y + OFFSET}px` : "auto";
  }, [place]);

  const line = (label: string, amount: number) => (
    <tr>
      <th scope="row">{label}</th>
      <td class="r">{formatShare(shareOf(amount, whole))}</td>
      <td class="r dim">
        {formatRate(rateOf(amount, answer.unit, covered))} {rateName}
      </td>
      <td class="r dim">{formatValue(amount, answer.unit)}</td>
    </tr>
  );
  return (
    <div class="tip" ref={box} role="presentation">
      <div class="mono tip-name">{names[tree.fn[node]]}</div>
      <div class="dim tip-place">
        <Swatch origin={ORIGINS[origins[tree.fn[node]]]} />
        {node === ROOT
          ? "everything that was sampled"
          : ORIGIN_NAMES[ORIGINS[origins[tree.fn[node]]]]}
        {info.file !== "" && ` · ${shortPath(info.file)}:${info.line}`}
      </div>
      <table class="num">
        <tbody>
          {line("Total", tree.total[node])}
          {line("Self", tree.self[node])}
        </tbody>
      </table>
      {focus !== ROOT && (
        <div class="dim2 num">
          {formatShare(shareOf(tree.total[node], tree.total[focus]))} of the zoomed frame
        </div>
      )}
    </div>
  );
}

/** Name, share and depth in one sentence. */
export function describeFrame({ tree, names }: Profile, node: number): string {
  const total = formatShare(shareOf(tree.total[node], tree.total[ROOT]));
  const self = formatShare(shareOf(tree.self[node], tree.total[ROOT]));
  return `${names[tree.fn[node]]}, ${total} total, ${self} self, depth ${tree.depth[node]}`;
}
