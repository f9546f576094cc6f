// The selector of the query, `{service="shop",host!~"canary-.*"}`: text to matchers and back.
// What cannot be read here is handed to the server unchanged, which knows better and says why.

export const OPERATORS = ["=", "!=", "=~", "!~"] as const;
export type Operator = (typeof OPERATORS)[number];

export interface Matcher {
  readonly name: string;
  readonly op: Operator;
  readonly value: string;
}

export const SERVICE = "service";

const MATCHER = /\s*([A-Za-z_][\w.]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(,|$)/y;

/** Matchers of a selector; null if it is not one. Empty text is the selector of everything. */
export function parseSelector(text: string): Matcher[] | null {
  const trimmed = text.trim();
  if (trimmed === "") return [];
  if (!trimmed.startsWith("{") || !trimmed.endsWith("}")) return null;
  const inner = trimmed.slice(1, -1).trim();
  const matchers: Matcher[] = [];
  MATCHER.lastIndex = 0;
  while (MATCHER.lastIndex < inner.length) {
    const found = MATCHER.exec(inner);
    if (!found) return null;
    matchers.push({ name: found[1], op: found[2] as Operator, value: unquoted(found[3]) });
  }
  return matchers;
}

export function printSelector(matchers: readonly Matcher[]): string {
  if (matchers.length === 0) return "";
  return `{${matchers.map(({ name, op, value }) => `${name}${op}"${quoted(value)}"`).join(",")}}`;
}

const quoted = (value: string) =>
  value.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t");

const unquoted = (text: string) =>
  text.replace(/\\(.)/g, (_, c: string) => (c === "n" ? "\n" : c === "t" ? "\t" : c));

/** Service that the selector is bound to, or null for all of them. */
export const serviceOf = (matchers: readonly Matcher[]) =>
  matchers.find(({ name, op }) => name === SERVICE && op === "=")?.value ?? null;

export function withService(matchers: readonly Matcher[], service: string | null): Matcher[] {
  const others = matchers.filter(({ name, op }) => !(name === SERVICE && op === "="));
  return service === null ? others : [{ name: SERVICE, op: "=", value: service }, ...others];
}

export const withoutMatcher = (matchers: readonly Matcher[], at: number) =>
  matchers.filter((_, i) => i !== at);

/** Puts `matcher` in the place of the one at `at`, or at the end. */
export const withMatcher = (matchers: readonly Matcher[], at: number | null, matcher: Matcher) =>
  at === null ? [...matchers, matcher] : matchers.map((old, i) => (i === at ? matcher : old));
