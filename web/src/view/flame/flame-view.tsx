// The flame view: a scrolling box with two canvases that stay in sight, one for the frames and
// one for the outlines. It draws and reports what the reader does; it holds no state of its own
// but the frame under the pointer; keys are the page's (see `flame-keys`). The table is its equivalent for those who do not see it.

import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Profile } from "../../profile/profile.ts";
import { useTheme } from "../../state/theme.ts";
import { paint, paintMarks } from "./paint.ts";
import { readPalette } from "./palette.ts";
import { describeFrame, FlameTip, type TipPlace } from "./tip.tsx";
import { contextOf, useSize } from "./use-canvas.ts";
import { type FlameWindow, frameAt, ROW_HEIGHT, rowsBelow } from "./window.ts";

interface Props {
  readonly profile: Profile;
  readonly focus: number;
  readonly selected: number | null;
  readonly matches: Uint8Array | null;
  readonly rateName: string;
  readonly onFocus: (node: number) => void;
}

export function FlameView({ profile, focus, selected, matches, rateName, onFocus }: Props) {
  const { tree } = profile;
  const theme = useTheme();
  const box = useRef<HTMLDivElement>(null);
  const frames = useRef<HTMLCanvasElement>(null);
  const marks = useRef<HTMLCanvasElement>(null);
  const size = useSize(box);
  const [scrollTop, setScrollTop] = useState(0);
  const [tip, setTip] = useState<TipPlace | null>(null);
  const rows = useMemo(() => rowsBelow(tree, focus), [tree, focus]);
  // the colours change with the theme
  const look = useMemo(
    () =>
      box.current && size
        ? {
            palette: readPalette(box.current),
            fontFamily: getComputedStyle(box.current).fontFamily,
          }
        : null,
    [theme, size],
  );
  const window: FlameWindow | null = useMemo(
    () => size && { tree, focus, scrollTop, ...size },
    [tree, focus, scrollTop, size],
  );
  const hovered = tip && tip.node < tree.size ? tip.node : null;

  useLayoutEffect(() => {
    if (!window || !look || !frames.current) return;
    paint(contextOf(frames.current, window), { window, profile, matches, ...look });
  }, [window, look, profile, matches]);

  useLayoutEffect(() => {
    if (!window || !look || !marks.current) return;
    paintMarks(contextOf(marks.current, window), window, look.palette, hovered, selected);
  }, [window, look, hovered, selected]);

  useEffect(() => {
    if (selected !== null) keepInSight(box.current, tree.depth[selected]);
  }, [tree, selected]);

  const nodeUnder = useCallback(
    (event: MouseEvent) => {
      if (!window || !box.current) return null;
      const area = box.current.getBoundingClientRect();
      return frameAt(window, event.clientX - area.left, event.clientY - area.top);
    },
    [window],
  );
  const move = (event: PointerEvent) => {
    const node = event.pointerType === "touch" ? null : nodeUnder(event);
    setTip(node === null ? null : { node, x: event.clientX, y: event.clientY });
  };
  const click = (event: MouseEvent) => {
    const node = nodeUnder(event);
    if (node !== null) onFocus(node);
  };
  return (
    <>
      <div
        class="flame"
        ref={box}
        tabIndex={0}
        role="application"
        aria-roledescription="flame graph"
        aria-label="Flame graph. Arrow keys move, Enter zooms, Escape zooms out."
        onScroll={(event) => setScrollTop(event.currentTarget.scrollTop)}
        onPointerMove={move}
        onPointerLeave={() => setTip(null)}
        onClick={click}
      >
        <div class="flame-rows" style={{ height: `${rows * ROW_HEIGHT + 1}px` }}>
          <div class="flame-sticky">
            <canvas ref={frames} aria-hidden="true" />
            <canvas ref={marks} aria-hidden="true" />
          </div>
        </div>
      </div>
      <p class="spoken" aria-live="polite">
        {selected !== null && describeFrame(profile, selected)}
      </p>
      {tip && hovered !== null && (
        <FlameTip profile={profile} focus={focus} place={tip} rateName={rateName} />
      )}
    </>
  );
}

function keepInSight(box: HTMLElement | null, row: number): void {
  if (!box) return;
  const top = row * ROW_HEIGHT;
  if (top < box.scrollTop) box.scrollTop = Math.max(0, top - ROW_HEIGHT);
  const bottom = top + 2 * ROW_HEIGHT;
  if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight;
}
