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
    const typing = event.target instanceof Element && event.target.closest("input, select, textarea");
    if (typing && event.key !== "Escape") return;
    const act = Object.hasOwn(all, event.key) ? all[/** @type {keyof typeof all} */ (event.key)] : undefined;
    if (!act) return;
    event.preventDefault();
    act();
  });
}
