// @ts-check
// Asks the courier why an attempt failed.
import { setText } from "./keyed.js";
import { part } from "./page.js";

/**
 * @param {string} orderId
 * @returns {Promise<string|null>} the note, or null where the courier thinks better of it
 */
export function askNote(orderId) {
  const dialog = /** @type {HTMLDialogElement} */ (part("dialog.ask"));
  const note = /** @type {HTMLTextAreaElement} */ (part("#note", dialog));
  const stop = new AbortController();
  const listening = { signal: stop.signal };
  setText(part(".which", dialog), orderId);
  note.value = "";
  return new Promise((resolve) => {
    /** @type {string|null} */
    let answer = null;
    for (const button of dialog.querySelectorAll(".quick button")) {
      button.addEventListener("click", () => ((note.value = button.textContent ?? ""), note.focus()), listening);
    }
    part("[data-cancel]", dialog).addEventListener("click", () => dialog.close(), listening);
    part("form", dialog).addEventListener("submit", (event) => {
      answer = note.value.trim() || null;
      if (answer) return;
      event.preventDefault();
      note.value = "";
      /** @type {HTMLFormElement} */ (part("form", dialog)).reportValidity();
    }, listening);
    dialog.addEventListener("close", () => {
      stop.abort();
      resolve(answer);
    }, listening);
    dialog.showModal();
    note.focus();
  });
}
