// @ts-check
// The controls of the filter: what to search for, as text or regular expression; levels, one by one or from one on;
// services.
import { LEVELS } from "./counts.js";
import { fromLevel, leastOf } from "./filter.js";
import { part } from "./page.js";
import { write } from "./panels.js";
import { ServiceMenu } from "./services.js";

/** @typedef {import("./filter.js").Filter} Filter */

const TYPING_MS = 300;

export class FilterBar {
  #change;
  #search = part("search", HTMLInputElement);
  #regex = part("regex", HTMLButtonElement);
  #error = part("search-error", HTMLElement);
  #levels = part("levels", HTMLElement);
  #least = part("least", HTMLSelectElement);
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #typing;
  /** whether the last change came from typing that still goes on */
  #goesOn = false;
  /** @type {ReadonlySet<import("./counts.js").Level>} */
  #chosen = new Set();
  /** what the field was last written for */
  #shown = "";

  /**
   * @param {(change: Partial<Filter>, goesOn?: boolean) => void} change
   * @param {() => void} leave the search
   */
  constructor(change, leave) {
    this.#change = change;
    this.services = new ServiceMenu(
      { button: part("service", HTMLElement), menu: part("service-menu", HTMLElement), row: part("service-choice", HTMLTemplateElement) },
      (services) => change({ services }),
    );
    this.#search.form?.addEventListener("submit", (event) => event.preventDefault());
    this.#search.addEventListener("input", () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#sought(), TYPING_MS);
    });
    this.#search.addEventListener("blur", () => (this.#goesOn = false));
    this.#search.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" && event.key !== "Enter") return;
      event.preventDefault();
      this.#sought();
      leave();
    });
    this.#regex.addEventListener("click", () => this.toggleRegex());
    this.#levels.addEventListener("click", (event) => this.#pressed(/** @type {Element} */ (event.target)));
    this.#least.addEventListener("change", () => {
      const least = LEVELS.find((level) => level === this.#least.value);
      if (least) change({ levels: fromLevel(least) });
    });
  }

  /**
   * @param {Filter} filter
   * @param {boolean} refused it is in force again: what was refused stays in the field, to be mended
   */
  show(filter, refused) {
    this.#chosen = filter.levels;
    for (const button of this.#levels.querySelectorAll("button")) {
      const level = LEVELS.find((known) => known === button.dataset.level);
      button.setAttribute("aria-pressed", String(level !== undefined && filter.levels.has(level)));
      if (level && filter.levels.has(level) && filter.levels.size < LEVELS.length) button.hidden = false;
    }
    this.#least.value = leastOf(filter.levels);
    this.services.show(filter.services);
    const sought = JSON.stringify([filter.text, filter.regex]);
    const same = sought === this.#shown;
    this.#shown = sought;
    if (same || refused) return;
    this.#settle();
    if (filter.text || filter.regex || !this.#isRegex) this.#press(filter.regex !== "");
    this.#search.value = filter.regex || filter.text;
  }

  #settle() {
    this.#error.hidden = true;
    this.#search.removeAttribute("aria-invalid");
  }

  /**
   * @param {string} reason in the server's words
   * @param {string} sought what it is about
   */
  refuse(reason, sought) {
    this.#error.hidden = false;
    write(this.#error, reason);
    this.#search.setAttribute("aria-invalid", "true");
    if (!this.#search.value) this.#search.value = sought;
  }

  seek() {
    this.#search.focus();
    this.#search.select();
  }

  toggleRegex() {
    this.#press(!this.#isRegex);
    this.#sought();
  }

  get #isRegex() {
    return this.#regex.ariaPressed === "true";
  }

  /** @param {boolean} on */
  #press(on) {
    this.#regex.ariaPressed = String(on);
    this.#search.placeholder = on ? "Search by regular expression" : "Search the lines";
  }

  #sought() {
    clearTimeout(this.#typing);
    this.#settle();
    const { value } = this.#search;
    this.#change(this.#isRegex ? { text: "", regex: value } : { text: value, regex: "" }, this.#goesOn);
    this.#goesOn = document.activeElement === this.#search;
  }

  /** @param {Element} target */
  #pressed(target) {
    const button = target.closest("button");
    const level = LEVELS.find((known) => known === button?.dataset.level);
    if (!level) return;
    const levels = new Set(this.#chosen);
    if (!levels.delete(level)) levels.add(level);
    this.#change({ levels });
  }
}
