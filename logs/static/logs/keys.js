// @ts-check
// The keyboard of the page. The list of keys is the dialog's, in the template.

/** @typedef {Record<string, () => void>} Acts by the key, as KeyboardEvent.key has it */

/** @param {Acts} acts */
export function listenToKeys(acts) {
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const act = acts[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open], :popover-open")) return;
    if (target.matches("input, select, textarea")) return;
    // Buttons and links keep the two keys that press them.
    if (target.matches("button, a, summary") && (event.key === "Enter" || event.key === " ")) return;
    event.preventDefault();
    act();
  });
}
