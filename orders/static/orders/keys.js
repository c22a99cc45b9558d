// @ts-check
// The keys of a staff page. Whoever types into a field types; ? shows the list that stands in the page's dialog.
import { part } from "./page.js";

/** @param {Record<string, () => void>} keys */
export function listenToKeys(keys) {
  const help = /** @type {HTMLDialogElement} */ (part("dialog.help"));
  const all = { "?": () => help.showModal(), ...keys };
  for (const button of document.querySelectorAll("[data-help]")) button.addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const on = event.target instanceof Element ? event.target : null;
    if (on?.closest("input:not([type=range]), select, textarea") && event.key !== "Escape") return;
    if (event.key === " " && on?.closest("button, a")) return; // it presses them
    const act = Object.hasOwn(all, event.key) ? all[/** @type {keyof typeof all} */ (event.key)] : undefined;
    if (!act) return;
    event.preventDefault();
    act();
  });
}
