// All functions as a table: the full equivalent of the graph. Only the rows in sight are in the
// document, whatever the number of functions.

import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { FunctionInfo, TableAnswer, TableFunction } from "../api/types.ts";
import { formatRate, formatShare, groupDigits } from "../format.ts";
import { moduleOf, shortPath } from "../profile/module-name.ts";
import { type Origin, originOf } from "../profile/origin.ts";
import { matchesWords, wordsOf } from "../profile/search.ts";
import type { Sort, SortKey } from "../state/url-state.ts";
import { rateOf, type Seconds, shareOf } from "../units.ts";
import { useSize } from "./flame/use-canvas.ts";
import { Swatch } from "./swatch.tsx";

const ROW = 27;
const SPARE_ROWS = 6;

interface Props {
  readonly answer: TableAnswer;
  readonly covered: Seconds;
  readonly rateName: string;
  readonly search: string;
  readonly sort: Sort;
  readonly selected: FunctionInfo | null;
  readonly onSort: (sort: Sort) => void;
  readonly onSelect: (info: FunctionInfo) => void;
}

interface Row {
  readonly info: TableFunction;
  readonly module: string;
  readonly place: string;
  readonly origin: Origin;
  readonly text: string;
}

const COLUMNS: readonly { key: SortKey | null; title: string; number: boolean }[] = [
  { key: "function", title: "Function", number: false },
  { key: "module", title: "Module", number: false },
  { key: "file", title: "File:line", number: false },
  { key: "self", title: "Self", number: true },
  { key: null, title: "", number: true },
  { key: "total", title: "Total", number: true },
  { key: null, title: "", number: true },
];

export function TableView(props: Props) {
  const { answer, search, sort, selected, rateName, covered, onSort, onSelect } = props;
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const [scrollTop, setScrollTop] = useState(0);
  const rows = useMemo(() => answer.functions.map(rowOf), [answer]);
  const shown = useMemo(() => {
    const words = wordsOf(search);
    const found = words.length === 0 ? rows : rows.filter(({ text }) => matchesWords(text, words));
    return sorted(found, sort);
  }, [rows, search, sort]);
  // another order begins at its top
  useLayoutEffect(() => {
    if (box.current) box.current.scrollTop = 0;
  }, [search, sort]);

  const first = Math.max(0, Math.min(shown.length, Math.floor(scrollTop / ROW)) - SPARE_ROWS);
  const until = Math.min(
    shown.length,
    first + Math.ceil((size?.height ?? 0) / ROW) + 2 * SPARE_ROWS,
  );
  const sortBy = (key: SortKey) => {
    const numeric = key === "self" || key === "total";
    onSort({ key, descending: sort.key === key ? !sort.descending : numeric });
  };
  const amount = (value: number) => [
    formatShare(shareOf(value, answer.total)),
    formatRate(rateOf(value, answer.unit, covered)),
  ];

  return (
    <div
      class="table-box"
      ref={box}
      tabIndex={0}
      onScroll={(event) => setScrollTop(event.currentTarget.scrollTop)}
    >
      <table class="functions num" aria-rowcount={shown.length + 1}>
        <thead>
          <tr>
            {COLUMNS.map(({ key, title, number }, i) =>
              key ? (
                <th
                  key={key}
                  scope="col"
                  class={number ? "r" : undefined}
                  aria-sort={ariaSort(sort, key)}
                >
                  <button type="button" onClick={() => sortBy(key)}>
                    {title}
                    <span class="sort-mark" aria-hidden="true">
                      {sort.key === key ? (sort.descending ? "↓" : "↑") : ""}
                    </span>
                  </button>
                </th>
              ) : (
                <th key={`${i}`} scope="col" class="r">
                  {rateName}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          <Filler rows={first} />
          {shown.slice(first, until).map((row, i) => {
            const on =
              selected !== null &&
              row.info.name === selected.name &&
              row.info.file === selected.file;
            const [selfShare, selfRate] = amount(row.info.self);
            const [totalShare, totalRate] = amount(row.info.total);
            return (
              <tr
                key={first + i}
                class={on ? "on" : undefined}
                aria-rowindex={first + i + 2}
                onClick={() => onSelect(row.info)}
              >
                <th scope="row" class="mono">
                  <Swatch origin={row.origin} />
                  <button type="button" aria-pressed={on} title={row.info.name}>
                    {row.info.name}
                  </button>
                </th>
                <td class="mono dim" title={row.module}>
                  {row.module}
                </td>
                <td class="mono dim2" title={row.info.file}>
                  {row.place}
                </td>
                <td class="r">{selfShare}</td>
                <td class="r dim">{selfRate}</td>
                <td class="r">{totalShare}</td>
                <td class="r dim">{totalRate}</td>
              </tr>
            );
          })}
          <Filler rows={shown.length - until} />
        </tbody>
      </table>
      <p class="table-count dim2 num" aria-live="polite">
        {search === ""
          ? `${groupDigits(rows.length)} functions`
          : `${groupDigits(shown.length)} of ${groupDigits(rows.length)} functions match`}
      </p>
    </div>
  );
}

/** Stands for the rows out of sight, so that the scroll bar is right. */
const Filler = ({ rows }: { readonly rows: number }) =>
  rows > 0 ? (
    <tr aria-hidden="true">
      <td class="filler" colSpan={COLUMNS.length} style={{ height: `${rows * ROW}px` }} />
    </tr>
  ) : null;

function rowOf(info: TableFunction): Row {
  const module = moduleOf(info.file);
  return {
    info,
    module,
    place: info.file === "" ? "–" : `${shortPath(info.file)}:${info.line}`,
    origin: originOf(info),
    text: `${module}:${info.name} ${info.file}`.toLowerCase(),
  };
}

function sorted(rows: readonly Row[], { key, descending }: Sort): Row[] {
  const sign = descending ? -1 : 1;
  const compare: Record<SortKey, (a: Row, b: Row) => number> = {
    function: (a, b) => compareText(a.info.name, b.info.name),
    module: (a, b) => compareText(a.module, b.module),
    file: (a, b) => compareText(a.place, b.place),
    self: (a, b) => a.info.self - b.info.self,
    total: (a, b) => a.info.total - b.info.total,
  };
  return [...rows].sort((a, b) => sign * compare[key](a, b));
}

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

const ariaSort = (sort: Sort, key: SortKey) =>
  sort.key !== key ? "none" : sort.descending ? "descending" : "ascending";
