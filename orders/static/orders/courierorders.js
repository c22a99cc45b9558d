// @ts-check
// A courier's orders and what is said of them while a report is on its way (pure).
import { fill } from "./answer.js";

/**
 * @typedef {{orderId: string, status?: string, customerName?: string, items?: string[], due?: number, note?: string,
 *   publicNote?: string, destination?: {name?: string, lat: number, lng: number}, rev: number}} Order
 * @typedef {{orders?: Order[], removed?: {orders?: string[]}}} Frame
 * @typedef {import("./queue.js").Step} Step
 * @typedef {Record<"statuses"|"sharing"|"card"|"waits"|"refused", Record<string, string>>} Words
 */

export class Orders {
  /** @type {Map<string, Order>} */
  all = new Map();
  /** @type {Map<string, Order>|null} a snapshot that is still coming in */
  #next = null;

  /**
   * @param {Frame} frame
   * @param {boolean} first
   * @param {boolean} last
   */
  snapshot(frame, first, last) {
    if (first || !this.#next) this.#next = new Map();
    for (const order of frame.orders ?? []) this.#next.set(order.orderId, order);
    if (!last) return;
    this.all = this.#next;
    this.#next = null;
  }

  /** @param {Frame} frame */
  delta(frame) {
    for (const order of frame.orders ?? []) {
      if ((this.all.get(order.orderId)?.rev ?? -1) < order.rev) this.all.set(order.orderId, order);
    }
    for (const id of frame.removed?.orders ?? []) this.all.delete(id);
  }

  /** What is due first comes first. A step moves no card: the next tap must not land on another order's button. */
  sorted() {
    const due = (/** @type {Order} */ order) => order.due ?? Infinity;
    return [...this.all.values()].sort((a, b) => (due(a) === due(b) ? (a.orderId < b.orderId ? -1 : 1) : due(a) - due(b)));
  }
}

/**
 * The status that a courier is shown: what it reported counts at once, until the server says what came of it.
 * @param {Order} order
 * @param {Step|undefined} reported
 */
export const statusOf = (order, reported) => reported?.status ?? order.status;

/**
 * What waits to be sent, in words; "" for nothing.
 * @param {{steps: number, fixes: number}} size
 * @param {boolean} away
 * @param {boolean} kept
 * @param {Record<string, string>} words
 */
export function waits({ steps, fixes }, away, kept, words) {
  if (!away || steps + fixes === 0) return "";
  const some = {
    steps: fill(steps === 1 ? words.step : words.steps, { n: steps }),
    fixes: fill(fixes === 1 ? words.fix : words.fixes, { n: fixes }),
  };
  const what = steps && fixes ? fill(words.both, some) : steps ? some.steps : some.fixes;
  return fill(kept ? words.kept : words.unkept, { what });
}

/**
 * Why a report was refused, in the page's words where it has any for that.
 * @param {{reason: string, code?: string}} refused
 * @param {string} order
 * @param {Record<string, string>} words
 */
export const whyRefused = ({ reason, code }, order, words) => fill(words[code || "other"] ?? words.other, { order, reason });
