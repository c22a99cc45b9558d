// @ts-check
// The filter that is asked for: kept in the address, held by the server, and told to the rest of the page.
import { isSame, paramsOf, readFilter, writeFilter } from "./filter.js";

/**
 * @typedef {import("./filter.js").Filter} Filter
 * @typedef {{filter: Filter, number: number, params: Record<string, string>}} Asked
 *
 * @typedef {object} Listener
 * @property {(asked: Asked, refused: boolean) => void} changed another filter is asked for; or, since the server
 *   refused that, the one before is in force
 * @property {(reason: string, refused: Filter) => void} refused why the server does not take it
 */

export class Asking {
  #live;
  #listener;
  /** @type {Asked} */
  #asked;
  /** what the server has taken last @type {Asked|null} */
  #taken = null;

  /**
   * @param {import("../realtime/live.js").Live} live was connected with `params`
   * @param {Asked} first
   * @param {Listener} listener
   */
  constructor(live, first, listener) {
    this.#live = live;
    this.#asked = first;
    this.#listener = listener;
    live.addEventListener("refused", (event) => this.#refused(/** @type {CustomEvent} */ (event).detail));
    addEventListener("popstate", () => this.#ask(readFilter(new URLSearchParams(location.search))));
  }

  get filter() {
    return this.#asked.filter;
  }

  /** The number of the filter that lines which come now were sent under. */
  get taken() {
    return this.#taken?.number ?? 0;
  }

  /** Whether the server may still refuse what is asked: then it is not shown yet. */
  get mayBeRefused() {
    const { regex } = this.#asked.filter;
    return regex !== "" && regex !== this.#taken?.filter.regex;
  }

  /**
   * Another filter; the address keeps it. A change that goes on with the last one, as typing does, is one step back.
   * @param {Partial<Filter>} change
   * @param {boolean} [goesOn]
   */
  change(change, goesOn = false) {
    const filter = { ...this.#asked.filter, ...change };
    if (isSame(filter, this.#asked.filter)) return;
    write(filter, goesOn);
    this.#ask(filter);
  }

  /**
   * A snapshot begins: the filter that is in force by that, where it was not before.
   * @param {Record<string, string>} params those that the snapshot answers
   * @returns {Asked|null}
   */
  take(params) {
    if (params !== this.#asked.params || this.#taken === this.#asked) return null;
    this.#taken = this.#asked;
    return this.#taken;
  }

  /**
   * @param {Filter} filter
   * @param {boolean} [refused] since the one before was
   */
  #ask(filter, refused = false) {
    this.#asked = { filter, number: this.#asked.number + 1, params: paramsOf(filter) };
    this.#live.filter(this.#asked.params);
    this.#listener.changed(this.#asked, refused);
  }

  /** @param {{params: Record<string, string>, reason: string}} detail */
  #refused({ params, reason }) {
    if (params !== this.#asked.params) return;
    const refused = this.#asked.filter;
    if (this.#taken) {
      this.#asked = this.#taken;
      this.#listener.changed(this.#asked, true);
    } else this.#ask({ ...refused, text: "", regex: "" }, true);
    write(this.#asked.filter, true);
    this.#listener.refused(reason, refused);
  }
}

/**
 * @param {Filter} filter
 * @param {boolean} instead of the address before, which is then no step back
 */
function write(filter, instead) {
  const address = new URL(location.href);
  writeFilter(filter, address.searchParams);
  if (address.href === location.href) return;
  history[instead ? "replaceState" : "pushState"](null, "", address);
}
