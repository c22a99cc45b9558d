// @ts-check
// The choice of time zone and form.
import { part } from "./page.js";
import { recallTimes, rememberTimes, zones } from "../realtime/times.js";

const storage = () => localStorage;

export class TimeMenu {
  #menu = part("times", HTMLElement);
  #zone = part("zone", HTMLSelectElement);
  #form = part("time-form", HTMLSelectElement);

  /** @param {() => void} changed times are written in another way from now on */
  constructor(changed) {
    const { zone, form } = recallTimes(storage);
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
    this.#zone.append(new Option(`This browser's (${own})`, ""), ...zones().map((name) => new Option(name, name)));
    this.#zone.value = zone;
    this.#form.value = form;
    this.#tell(form);
    this.#menu.addEventListener("change", () => {
      const form = /** @type {import("../realtime/times.js").Form} */ (this.#form.value);
      const chosen = rememberTimes(storage, { zone: this.#zone.value, form });
      this.#zone.value = chosen.zone;
      this.#tell(chosen.form);
      changed();
    });
  }

  open() {
    this.#menu.showPopover();
  }

  /** The column of times is as wide as they are. @param {string} form */
  #tell(form) {
    part("lines", HTMLElement).dataset.times = form;
  }
}
