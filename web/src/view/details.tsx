// The panel about one function: what it costs over all its occurrences, how that went over time,
// what it calls and who calls it.

import { useMemo } from "preact/hooks";
import type { Params } from "../api/client.ts";
import type { FunctionInfo, FunctionTimelineAnswer, Interval } from "../api/types.ts";
import { useQuery } from "../api/use-query.ts";
import { formatRate, formatShare } from "../format.ts";
import { type Related, relationsOf } from "../profile/aggregate.ts";
import { moduleOf, shortPath } from "../profile/module-name.ts";
import { ORIGIN_NAMES, ORIGINS } from "../profile/origin.ts";
import type { Profile } from "../profile/profile.ts";
import { functionOf, ROOT, stackOf } from "../profile/tree.ts";
import { rateOf, type Share, shareOf } from "../units.ts";
import { copyText } from "./copy.ts";
import { Spark } from "./spark.tsx";
import { Swatch } from "./swatch.tsx";

/** Callees and callers shown one by one. */
const MOST_ROWS = 6;

interface Props {
  readonly profile: Profile;
  readonly node: number;
  readonly rateName: string;
  /** What is asked for the history of a function: query, type and range. */
  readonly asked: Params;
  readonly tick: number;
  readonly selection: Interval | null;
  readonly onOnlyThis: () => void;
  readonly onFunction: (info: FunctionInfo) => void;
  readonly onNotice: (text: string) => void;
}

export function Details(props: Props) {
  const { profile, node, rateName, asked, tick, selection, onOnlyThis, onFunction, onNotice } =
    props;
  const { tree, origins, occurrences, answer, covered } = profile;
  const fn = tree.fn[node];
  const info = functionOf(tree, node);
  const relations = useMemo(() => relationsOf(tree, occurrences, fn), [tree, occurrences, fn]);
  const history = useQuery<FunctionTimelineAnswer>(
    "functions/timeline",
    { ...asked, function: info.name, file: info.file },
    tick,
  ).data;
  const whole = tree.total[ROOT];
  const module = moduleOf(info.file);
  if (!relations) return null;

  const copy = async (text: string, what: string) =>
    onNotice((await copyText(text)) ? `${what} copied` : "the browser did not let us copy");
  const figure = (title: string, amount: number) => (
    <div>
      <h3>{title}</h3>
      <div class="figure">{formatShare(shareOf(amount, whole))}</div>
      <div class="dim">
        {formatRate(rateOf(amount, answer.unit, covered))} {rateName}
      </div>
    </div>
  );
  return (
    <aside class="panel details" aria-label="Selected function">
      <div>
        <h2 class="mono details-name">{breakable(info.name)}</h2>
        <div class="dim details-place">
          <span class="mono" title={info.file}>
            {module || "native code"}
          </span>
          <span class="tag">
            <Swatch origin={ORIGINS[origins[fn]]} />
            {ORIGIN_NAMES[ORIGINS[origins[fn]]]}
          </span>
        </div>
        {info.file !== "" && (
          <div class="dim2 details-file">
            {shortPath(info.file)}:{info.line}
          </div>
        )}
      </div>
      <div class="figures num">
        {figure("Total", relations.total)}
        {figure("Self", relations.self)}
      </div>
      <div class="spark-box">
        {history ? (
          <Spark
            values={history.total}
            marked={markedPart(selection, history)}
            label={`${info.name} over the range`}
          />
        ) : (
          <div class="spark" />
        )}
      </div>
      <RelatedList
        title="Where the time goes"
        profile={profile}
        related={relations.callees}
        self={relations.self}
        onFunction={onFunction}
      />
      <RelatedList
        title="Called by"
        profile={profile}
        related={relations.callers}
        self={0}
        onFunction={onFunction}
      />
      <span class="sp" />
      <div class="actions">
        <button type="button" class="btn" onClick={onOnlyThis}>
          Only this <kbd>f</kbd>
        </button>
        <button type="button" class="btn" onClick={() => copy(stackText(profile, node), "stack")}>
          Copy stack
        </button>
        <button type="button" class="btn" onClick={() => copy(profile.names[fn], "name")}>
          Copy name
        </button>
      </div>
    </aside>
  );
}

interface RelatedProps {
  readonly title: string;
  readonly profile: Profile;
  readonly related: readonly Related[];
  /** Own time, shown as the first of the callees; 0 for none. */
  readonly self: number;
  /** Rows shown before the rest is summed up. */
  readonly most?: number;
  readonly onFunction: (info: FunctionInfo) => void;
}

function RelatedList(props: RelatedProps) {
  const { title, profile, related, self, most = MOST_ROWS, onFunction } = props;
  const { tree, origins, names } = profile;
  const whole = tree.total[ROOT];
  const shown = related.slice(0, most);
  const rest = related.slice(most).reduce((sum, { total }) => sum + total, 0);
  const share = (amount: number) => formatShare(shareOf(amount, whole));
  if (related.length === 0 && self === 0) return null;
  return (
    <div>
      <h3>{title}</h3>
      <ul class="related num">
        {self > 0 && (
          <li class="dim related-row">
            <span class="related-name">in the function itself</span>
            <span>{share(self)}</span>
          </li>
        )}
        {shown.map(({ fn, total }) => (
          <li key={fn}>
            <button
              type="button"
              class="related-row"
              title={names[fn]}
              disabled={fn === tree.fn[ROOT]}
              onClick={() => onFunction(tree.functions[fn])}
            >
              <Swatch origin={ORIGINS[origins[fn]]} />
              <span class="mono related-name">{tree.functions[fn].name}</span>
              <span>{share(total)}</span>
            </button>
          </li>
        ))}
        {rest > 0 && (
          <li class="dim related-row">
            <span class="related-name">{related.length - most} more</span>
            <span>{share(rest)}</span>
          </li>
        )}
      </ul>
    </div>
  );
}

/** With nothing selected: where the time is spent, by function. */
export function Summary({
  profile,
  rateName,
  onFunction,
}: Pick<Props, "profile" | "rateName" | "onFunction">) {
  const { tree, sums, answer, covered } = profile;
  const top = useMemo(() => {
    const list = Array.from(sums.self, (total, fn) => ({ fn, total }));
    return list
      .filter(({ total, fn }) => total > 0 && fn !== tree.fn[ROOT])
      .sort((a, b) => b.total - a.total);
  }, [sums, tree]);
  return (
    <aside class="panel details" aria-label="Summary">
      <div>
        <h2 class="details-name">Everything selected</h2>
        <p class="dim details-place">Click a frame for its callers, callees and history.</p>
      </div>
      <div class="figures num">
        <div>
          <h3>Total</h3>
          <div class="figure">{formatRate(rateOf(tree.total[ROOT], answer.unit, covered))}</div>
          <div class="dim">{rateName} on average</div>
        </div>
        <div>
          <h3>Functions</h3>
          <div class="figure">{tree.functions.length}</div>
          <div class="dim">in the graph</div>
        </div>
      </div>
      <RelatedList
        title="Most self time"
        profile={profile}
        related={top}
        most={2 * MOST_ROWS}
        self={0}
        onFunction={onFunction}
      />
    </aside>
  );
}

/** Where the selection lies in a history, as shares of its width. */
function markedPart(
  selection: Interval | null,
  { from, until }: FunctionTimelineAnswer,
): [Share, Share] | null {
  if (!selection) return null;
  const part = (time: number) =>
    Math.max(0, Math.min(1, shareOf(time - from, until - from))) as Share;
  return [part(selection[0]), part(selection[1])];
}

/** Lets the browser break a qualified name after its dots. */
function breakable(name: string) {
  return name.split(/(?<=\.)/).flatMap((part, i) => (i === 0 ? [part] : [<wbr key={i} />, part]));
}

function stackText({ tree, names }: Profile, node: number): string {
  return stackOf(tree, node)
    .slice(1)
    .map((at) => {
      const { file, line } = functionOf(tree, at);
      return file === "" ? names[tree.fn[at]] : `${names[tree.fn[at]]} (${file}:${line})`;
    })
    .join("\n");
}
