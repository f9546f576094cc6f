// Turns the file of a function into the module a Python reader would write in an import:
// `…/site-packages/django/core/handlers/wsgi.py` is `django.core.handlers.wsgi`.
//
// Only the path is known here, not `sys.path` of the worker, so for application code the usual
// places where applications are installed are cut off. Without such a place the last directories
// are kept.

const INSTALLED = /^.*\/(?:site|dist)-packages\//;
const STDLIB = /^.*\/lib(?:64)?\/(?:python|pypy)\d+(?:\.\d+)?t?\/(?:lib-dynload\/)?/i;
const FROZEN = /^<frozen ([\w.]+)>$/;
const EXTENSION_MODULE = /\.(?:cpython|abi3|pypy)[^/]*\.(?:so|pyd)$|\.(?:py|pyc|pyx|so|pyd)$/;

const APPLICATION_ROOTS = [
  /^\/usr\/(?:local\/)?src\/(?:app\/)?/,
  /^\/(?:app|code|src|workspace|tmp)\//,
  /^\/(?:home|Users)\/[^/]+\/(?:[^/]+\/(?=.*\/))?/,
  /^\/var\/(?:www|task|lib)\/(?:[^/]+\/(?=.*\/))?/,
  /^\/(?:srv|opt|root|mnt)\/(?:[^/]+\/(?=.*\/))?/,
];

/** Directories of an application path that are kept when its root is unknown. */
const KEPT_PARTS = 3;

export type Place = "installed" | "stdlib" | "application" | "native";

/** Where a file lies, by its path alone. */
export function placeOf(file: string): Place {
  const path = file.replaceAll("\\", "/");
  if (INSTALLED.test(path)) return "installed";
  if (STDLIB.test(path) || FROZEN.test(path)) return "stdlib";
  if (path === "" || path.startsWith("<") || path === "~") return "native";
  return /\.(?:so|dll|pyd|dylib)(?:[.\d]*)$/.test(path) ? "native" : "application";
}

/** Dotted module of `file`, or "" where the path names none (native code, `<string>`). */
export function moduleOf(file: string): string {
  const path = file.replaceAll("\\", "/");
  const frozen = FROZEN.exec(path);
  if (frozen) return frozen[1];
  if (path === "" || path.startsWith("<") || path === "~") return "";
  return relativePath(path)
    .replace(EXTENSION_MODULE, "")
    .replace(/\/__init__$/, "")
    .split("/")
    .filter((part) => part !== "")
    .join(".");
}

/** The file as shown to the reader: without the directories that say nothing. */
export function shortPath(file: string): string {
  return file === "" ? "" : relativePath(file.replaceAll("\\", "/"));
}

function relativePath(path: string): string {
  if (INSTALLED.test(path)) return path.replace(INSTALLED, "");
  if (STDLIB.test(path)) return path.replace(STDLIB, "");
  for (const root of APPLICATION_ROOTS) {
    const rest = path.replace(root, "");
    if (rest !== path) return rest.replace(/^src\//, "");
  }
  return path.startsWith("/") || /^[A-Za-z]:\//.test(path)
    ? path.split("/").slice(-KEPT_PARTS).join("/")
    : path;
}

/** `module:qualname`, the name that the page shows for a function. */
export function displayName(name: string, module: string): string {
  return module === "" ? name : `${module}:${name}`;
}
