// Light or dark: the system decides until the reader does. The choice is kept in the browser.

import { useEffect, useState } from "preact/hooks";

export type Theme = "dark" | "light";

const KEY = "pyrometer.theme";
const prefersLight = matchMedia("(prefers-color-scheme: light)");
const changed = new EventTarget();

function storedTheme(): Theme | null {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === "dark" || stored === "light" ? stored : null;
  } catch {
    return null; // Storage may be forbidden; then the system decides.
  }
}

export const currentTheme = (): Theme => storedTheme() ?? (prefersLight.matches ? "light" : "dark");

export function applyTheme(): void {
  document.documentElement.dataset.theme = currentTheme();
  changed.dispatchEvent(new Event("change"));
}

export function toggleTheme(): void {
  try {
    localStorage.setItem(KEY, currentTheme() === "dark" ? "light" : "dark");
  } catch {
    return;
  }
  applyTheme();
}

prefersLight.addEventListener("change", applyTheme);

/** The theme in force; the component is drawn again when it changes. */
export function useTheme(): Theme {
  const [theme, setTheme] = useState(currentTheme);
  useEffect(() => {
    const update = () => setTheme(currentTheme());
    changed.addEventListener("change", update);
    return () => changed.removeEventListener("change", update);
  }, []);
  return theme;
}
