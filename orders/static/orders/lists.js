// @ts-check
// The lists beside the map: orders in groups, couriers and places; a bounded number of rows, and how many more there are.
import { count } from "../realtime/format.js";
import { roster } from "./fleet.js";
import { KeyedRows, setText } from "./keyed.js";
import { part } from "./page.js";
import { courierRow, orderRow } from "./rows.js";
import { arrange, share, wordsOf } from "./triage.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./triage.js").GroupName} GroupName
 * @typedef {import("./change.js").Picks} Picks
 * @typedef {{order?: string, courier?: string}} Open
 */

const MOST_ROWS = 300;
const KEPT_ROWS = 30;
/** @type {GroupName[]} */
const GROUPS = ["attention", "way", "preparing", "finished"];

export class Lists {
  #picks;
  #sought;
  #orders = new KeyedRows(orderRow);
  #couriers = new KeyedRows(courierRow);
  #search = /** @type {HTMLInputElement} */ (part("#search"));
  #status = /** @type {HTMLSelectElement} */ (part("#status"));
  /** @type {Record<"orders"|"couriers", HTMLElement>} */
  #panels = { orders: part("#orders"), couriers: part("#couriers") };

  /**
   * @param {Picks} picks
   * @param {() => void} sought called when somebody looks for something else, or picks
   * @param {(open: Open) => void} opened
   */
  constructor(picks, sought, opened) {
    this.#picks = picks;
    this.#sought = sought;
    this.#search.addEventListener("input", sought);
    this.#status.addEventListener("change", sought);
    for (const tab of document.querySelectorAll("[data-tab]")) {
      tab.addEventListener("click", () => this.turnTo(/** @type {HTMLElement} */ (tab).dataset.tab === "couriers" ? "couriers" : "orders"));
    }
    part(".scroll").addEventListener("change", (event) => {
      const { pick } = event.target instanceof HTMLElement ? event.target.dataset : {};
      if (pick) this.pick(pick);
    });
    part(".scroll").addEventListener("click", (event) => {
      const row = event.target instanceof Element ? event.target.closest("[data-order], [data-courier]") : null;
      if (!(row instanceof HTMLElement)) return;
      opened(row.dataset.order ? { order: row.dataset.order } : { courier: row.dataset.courier });
    });
  }

  /** @param {"orders"|"couriers"} name */
  turnTo(name) {
    for (const tab of document.querySelectorAll("[data-tab]")) {
      tab.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (tab).dataset.tab === name));
    }
    this.#panels.orders.hidden = name !== "orders";
    this.#panels.couriers.hidden = name !== "couriers";
    this.#status.disabled = name === "couriers";
    this.#sought();
  }

  /** What is looked for. */
  get sought() {
    const show = this.#panels.couriers.hidden ? "" : "couriers";
    return { q: this.#search.value.trim(), status: this.#status.value, show };
  }

  /** @param {{q?: string, status?: string, show?: string}} sought */
  seekFor({ q = "", status = "", show }) {
    this.#search.value = q;
    this.#status.value = [...this.#status.options].some((option) => option.value === status) ? status : "";
    this.turnTo(show === "couriers" ? "couriers" : "orders");
  }

  get showsCouriers() {
    return !this.#panels.couriers.hidden;
  }

  /** @param {string} id */
  pick(id) {
    this.#picks.toggle(id);
    this.#sought();
  }

  /** The orders that stand in the list. */
  listed() {
    return [...this.#panels.orders.querySelectorAll("[data-order]")].map((row) => /** @type {HTMLElement} */ (row).dataset.order ?? "");
  }

  seek() {
    this.#search.focus();
    this.#search.select();
  }

  /** @returns {boolean} whether there was anything to forget */
  forgetSearch() {
    const had = this.#search.value !== "" || document.activeElement === this.#search;
    this.#search.value = "";
    this.#search.blur();
    return had;
  }

  /**
   * Moves the focus along the rows that are in sight.
   * @param {number} by rows
   */
  step(by) {
    const rows = [...document.querySelectorAll(".scroll > :not([hidden]) .row")];
    const at = rows.indexOf(/** @type {Element} */ (document.activeElement));
    const start = at >= 0 ? at : rows.findIndex((row) => row.hasAttribute("aria-current"));
    const to = start < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, start + by));
    const row = rows[to];
    if (row instanceof HTMLElement) row.focus();
  }

  /** What the focus is on, if it is on a row. @returns {Open|null} */
  focused() {
    const { order, courier } = document.activeElement instanceof HTMLElement ? document.activeElement.dataset : {};
    return order ? { order } : courier ? { courier } : null;
  }

  /**
   * @param {Store} store
   * @param {Open} open
   * @param {number} now
   */
  show(store, open, now) {
    const words = wordsOf(this.#search.value);
    // Thousands are sorted only for who looks at them.
    if (!this.#panels.orders.hidden) this.#showOrders(store, open, now, words);
    if (!this.#panels.couriers.hidden) this.#showCouriers(store, open, now, words);
    setText(part('[data-tab="orders"] span'), count(store.orders.size));
    setText(part('[data-tab="couriers"] span'), count(store.couriers.size));
  }

  /**
   * @param {Store} store
   * @param {Open} open
   * @param {number} now
   * @param {string[]} words
   */
  #showOrders(store, open, now, words) {
    const groups = arrange(store.orders.values(), store.couriers, now, { words, status: this.#status.value });
    const shares = share(GROUPS.map((name) => groups[name].length), MOST_ROWS, KEPT_ROWS);
    this.#orders.show(
      GROUPS.map((name, i) => ({
        into: part(`[data-group="${name}"] ul`),
        items: groups[name].slice(0, shares[i]).map((entry) => [
          entry.order.orderId,
          {
            entry,
            courier: store.couriers.get(entry.order.courier ?? ""),
            open: open.order === entry.order.orderId,
            now,
            picking: this.#picks.picking,
            picked: this.#picks.ids.has(entry.order.orderId),
          },
        ]),
      })),
    );
    GROUPS.forEach((name, i) => showSize(part(`[data-group="${name}"]`), groups[name].length, shares[i]));
    showEmpty(this.#panels.orders, store.orders.size, GROUPS.some((name) => groups[name].length > 0));
  }

  /**
   * @param {Store} store
   * @param {Open} open
   * @param {number} now
   * @param {string[]} words
   */
  #showCouriers(store, open, now, words) {
    const { moving, places } = roster(store.couriers.values(), words);
    const lists = /** @type {const} */ ([["couriers", moving], ["places", places]]);
    const shares = share(lists.map(([, list]) => list.length), MOST_ROWS, KEPT_ROWS);
    this.#couriers.show(
      lists.map(([name, list], i) => ({
        into: part(`[data-group="${name}"] ul`),
        items: list.slice(0, shares[i]).map((courier) => [courier.name, { courier, open: open.courier === courier.name, now }]),
      })),
    );
    lists.forEach(([name, list], i) => showSize(part(`[data-group="${name}"]`), list.length, shares[i]));
    showEmpty(this.#panels.couriers, store.couriers.size, moving.length + places.length > 0);
  }
}

/**
 * @param {HTMLElement} group
 * @param {number} all
 * @param {number} shown
 */
function showSize(group, all, shown) {
  group.hidden = all === 0;
  setText(part("h2 span", group), count(all));
  const more = part(".more", group);
  more.hidden = all === shown;
  setText(more, all === shown ? "" : `${count(all - shown)} more: search to find them`);
}

/**
 * Says why a list is empty: nothing is there, or nothing matches.
 * @param {HTMLElement} panel
 * @param {number} held
 * @param {boolean} found
 */
function showEmpty(panel, held, found) {
  part("[data-none]", panel).hidden = held > 0;
  part("[data-no-match]", panel).hidden = held === 0 || found;
}
