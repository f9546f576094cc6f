import { describe, expect, it } from "vitest";
import { nextMatch, search, searchTexts } from "./search.ts";
import { drawnTree, nodeNamed } from "./test-tree.ts";

const tree = drawnTree(`
all 0
  /app/shop/views.py:Feed.get 1
    /app/shop/price.py:Rule.apply 4
      /app/shop/price.py:Rule.match 2
    /app/shop/util.py:fmt 1
  /app/shop/price.py:Rule.apply 9
`);
const texts = searchTexts(tree.functions);
const find = (text: string) => search(tree, texts, text);

describe("search", () => {
  it("counts what lies under a match once", () => {
    expect(find("shop.price")?.total).toBe(6 + 9);
    expect([...(find("shop.price")?.outermost ?? [])]).toEqual([5, 2]);
  });
  it("takes words in any order and case", () => {
    expect(find("APPLY rule")?.total).toBe(15);
    expect(find("feed price")?.total).toBe(0);
  });
  it("takes text literally, never as a pattern", () => {
    expect(find(".*")?.total).toBe(0);
    expect(find("(")?.total).toBe(0);
  });
  it("searches for nothing when there is nothing to search for", () => {
    expect(find("  ")).toBeNull();
  });
  it("does not match the root", () => {
    expect(find("all")?.total).toBe(0);
  });
});

describe("nextMatch", () => {
  it("goes from the largest match to the smaller, and around", () => {
    const matches = find("apply");
    if (!matches) throw new Error("no matches");
    expect(nextMatch(matches, 0, 1)).toBe(5);
    expect(nextMatch(matches, 5, 1)).toBe(2);
    expect(nextMatch(matches, 2, 1)).toBe(5);
    expect(nextMatch(matches, 5, -1)).toBe(2);
  });
  it("stays where it is without a match", () => {
    const matches = find("nowhere");
    expect(matches && nextMatch(matches, nodeNamed(tree, "fmt"), 1)).toBeNull();
  });
});
