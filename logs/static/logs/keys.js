// @ts-check
// The keyboard of the page. The list of keys is the dialog's, in the template.

/**
 * @typedef {object} Acts
 * @property {() => void} search
 * @property {(by: number) => void} move
 * @property {() => void} open
 * @property {() => void} follow
 * @property {() => void} pause
 * @property {() => void} help
 */

/**
 * @param {Acts} acts
 */
export function listenToKeys(acts) {
  /** @type {Record<string, () => void>} */
  const keys = {
    "/": acts.search,
    j: () => acts.move(1),
    k: () => acts.move(-1),
    f: acts.follow,
    Enter: acts.open,
    " ": acts.pause,
    "?": acts.help,
  };
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (target.matches("input, select, textarea")) return;
    // Buttons and links keep the two keys that press them.
    if (target.matches("button, a, summary") && (event.key === "Enter" || event.key === " ")) return;
    event.preventDefault();
    act();
  });
}
