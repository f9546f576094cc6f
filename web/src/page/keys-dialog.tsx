// All keys of the page, in a dialog that `?` opens.

import { useEffect, useRef } from "preact/hooks";

const KEYS: readonly { title: string; keys: readonly (readonly [string, string])[] }[] = [
  {
    title: "Graph",
    keys: [
      ["↑ ↓ ← →", "move between frames"],
      ["Enter", "zoom into the frame"],
      ["Esc", "zoom out"],
      ["0", "show the whole graph"],
      ["f", "only this function"],
    ],
  },
  {
    title: "Search",
    keys: [
      ["/", "search functions, modules and files"],
      ["n", "next match"],
      ["N", "match before"],
    ],
  },
  {
    title: "Time",
    keys: [
      ["[", "earlier by half the range"],
      ["]", "later by half the range"],
      [".", "live on and off"],
    ],
  },
  {
    title: "Page",
    keys: [
      ["1", "flame graph"],
      ["2", "table"],
      ["y", "copy the link"],
      ["t", "light or dark"],
      ["?", "this list"],
    ],
  },
];

export function KeysDialog({ onClose }: { readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      class="keys"
      ref={dialog}
      aria-labelledby="keys-title"
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <form method="dialog">
        <h2 id="keys-title">Keys</h2>
        <button type="submit" class="btn ghost">
          Close
        </button>
      </form>
      <div class="keys-groups">
        {KEYS.map(({ title, keys }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map(([key, meaning]) => (
                <div key={key}>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{meaning}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </dialog>
  );
}
