// What the colours of the graph mean, with each origin's share of self time.

import { useMemo } from "preact/hooks";
import { formatShare } from "../format.ts";
import { ORIGIN_NAMES, selfByOrigin } from "../profile/origin.ts";
import type { Profile } from "../profile/profile.ts";
import { ROOT } from "../profile/tree.ts";
import { shareOf } from "../units.ts";
import { Swatch } from "./swatch.tsx";

export function Legend({ profile }: { readonly profile: Profile }) {
  const { tree, origins } = profile;
  const shares = useMemo(() => selfByOrigin(tree, origins), [tree, origins]);
  return (
    <ul class="legend legend-origins num" aria-label="Self time by origin of the code">
      {shares.map(({ origin, self }) => (
        <li key={origin}>
          <Swatch origin={origin} />
          {ORIGIN_NAMES[origin]}{" "}
          <span class="dim2">{formatShare(shareOf(self, tree.total[ROOT]))}</span>
        </li>
      ))}
    </ul>
  );
}
