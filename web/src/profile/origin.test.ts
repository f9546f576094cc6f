import { describe, expect, it } from "vitest";
import { displayName, moduleOf, shortPath } from "./module-name.ts";
import { originColumn, originOf, selfByOrigin } from "./origin.ts";
import { drawnTree } from "./test-tree.ts";

const SITE = "/usr/local/lib/python3.12/site-packages/";
const STD = "/usr/lib/python3.11/";

describe("moduleOf", () => {
  it.each([
    [`${SITE}django/core/handlers/wsgi.py`, "django.core.handlers.wsgi"],
    ["/usr/lib/python3/dist-packages/yaml/__init__.py", "yaml"],
    ["/venv/lib64/python3.13t/site-packages/a/b.py", "a.b"],
    [`${SITE}numpy/core/_multiarray.cpython-312-x86_64-linux-gnu.so`, "numpy.core._multiarray"],
    [`${STD}threading.py`, "threading"],
    [`${STD}lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so`, "_ssl"],
    ["<frozen importlib._bootstrap>", "importlib._bootstrap"],
    ["C:\\Python312\\Lib\\site-packages\\flask\\app.py", "flask.app"],
    ["/app/shop/views/feed.py", "shop.views.feed"],
    ["/srv/shop/shop/views.py", "shop.views"],
    ["/srv/worker.py", "worker"],
    ["/opt/shop/src/shop/models/__init__.py", "shop.models"],
    ["/home/dev/project/shop/models.py", "shop.models"],
    ["/home/dev/manage.py", "manage"],
    ["/usr/src/app/main.py", "main"],
    ["/data/very/deep/tree/pkg/mod.py", "tree.pkg.mod"],
    ["shop/views.py", "shop.views"],
    ["<string>", ""],
    ["~", ""],
    ["", ""],
  ])("%s is %s", (file, module) => {
    expect(moduleOf(file)).toBe(module);
  });
  it("shows a path without the directories that say nothing", () => {
    expect(shortPath(`${SITE}django/urls/base.py`)).toBe("django/urls/base.py");
  });
  it("joins module and name, or leaves the name alone", () => {
    expect(displayName("View.get", "shop.views")).toBe("shop.views:View.get");
    expect(displayName("memcpy", "")).toBe("memcpy");
  });
});

describe("originOf", () => {
  it.each([
    ["app", "get", "/app/shop/views.py"],
    ["framework", "WSGIHandler.__call__", `${SITE}django/core/handlers/wsgi.py`],
    ["framework", "run", `${SITE}gunicorn/workers/gthread.py`],
    ["library", "urlopen", `${SITE}urllib3/connectionpool.py`],
    ["library", "f", `${SITE}djangoql/parser.py`],
    ["stdlib", "loads", `${STD}json/__init__.py`],
    ["stdlib", "_find_and_load", "<frozen importlib._bootstrap>"],
    ["waiting", "Condition.wait", `${STD}threading.py`],
    ["waiting", "EpollSelector.select", `${STD}selectors.py`],
    ["waiting", "lock.acquire", ""],
    ["waiting", "time.sleep", "~"],
    ["native", "memcpy", ""],
    ["native", "PyEval", "/usr/lib/libpython3.12.so.1.0"],
    ["folded", "(other)", ""],
    ["app", "(other)", "/app/shop/odd.py"],
    ["app", "Event.wait", "/app/shop/threading.py"],
  ])("%s: %s in %s", (origin, name, file) => {
    expect(originOf({ name, file, line: 1 })).toBe(origin);
  });
});

describe("selfByOrigin", () => {
  it("adds up to the root's total, without origins that did not occur", () => {
    const tree = drawnTree("all 0\n  /app/a.py:f 3\n    memcpy 2\n  (other) 1");
    const shares = selfByOrigin(tree, originColumn(tree.functions));
    expect(shares).toEqual([
      { origin: "app", self: 3 },
      { origin: "native", self: 2 },
      { origin: "folded", self: 1 },
    ]);
  });
});
