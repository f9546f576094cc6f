// The bar at the foot: the keys that matter here, and what the last query cost.

import { groupDigits } from "../format.ts";

interface Props {
  readonly keys: readonly (readonly [string, string])[];
  readonly nodes: number | null;
  readonly queryMs: number | null;
  readonly notice: string;
  readonly onKeys: () => void;
}

export function StatusBar({ keys, nodes, queryMs, notice, onKeys }: Props) {
  const facts = [
    nodes !== null && `${groupDigits(nodes)} nodes`,
    queryMs !== null && `query ${queryMs < 10 ? queryMs.toFixed(1) : Math.round(queryMs)} ms`,
  ].filter((fact) => fact !== false);
  return (
    <footer class="status">
      {keys.map(([key, meaning]) => (
        <span key={key} class="status-key">
          <kbd>{key}</kbd>
          {meaning}
        </span>
      ))}
      <button type="button" class="status-key" onClick={onKeys}>
        <kbd>?</kbd>all keys
      </button>
      <span class="sp" />
      <span class="notice" aria-live="polite">
        {notice}
      </span>
      <span class="num">{facts.join(" · ")}</span>
    </footer>
  );
}
