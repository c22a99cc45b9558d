// @ts-check
// The colours of tokens.css for canvas and charts, and word of when they change.

/**
 * The present value of a custom property, such as "--info".
 * @param {string} name
 */
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/**
 * Calls back whenever light turns to dark or back, by the system or by data-theme.
 * @param {() => void} callback
 */
export function onTheme(callback) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => callback());
  new MutationObserver(() => callback()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}
