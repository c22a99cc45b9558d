// @ts-check
// Which orders need somebody, which are on their way, and in what order a list shows them (pure).
import { SILENT_MS } from "./fleet.js";
import { isFinished } from "./steps.js";

/**
 * @typedef {import("./store.js").Order} Order
 * @typedef {import("./store.js").Courier} Courier
 *
 * @typedef {{kind: "failed"|"late"|"no courier"|"unassigned"|"silent", for: number}} Trouble for: ms it has lasted
 * @typedef {"attention"|"way"|"preparing"|"finished"} GroupName
 * @typedef {{order: Order, trouble: Trouble|null, nearness: number, promised: number}} Entry
 *   nearness: how far it is from its customer, the nearest first; promised: when it should be there, ms
 */

/** A packed order may wait this long for a courier before it is trouble. */
export const UNASSIGNED_MS = 15 * 60_000;

const OUT = "Out for delivery";
const SEVERITY = { failed: 0, late: 1, "no courier": 2, unassigned: 3, silent: 4 };
/** @type {Record<string, number>} */
const NEARNESS = { [OUT]: 0, Shipped: 1, Packed: 2, Confirmed: 3, Placed: 4 };

/**
 * Why an order needs somebody, or null.
 * @param {Order} order
 * @param {Courier|undefined} courier the one that carries it, where its position is known
 * @param {number} now
 * @returns {Trouble|null}
 */
export function troubleOf(order, courier, now) {
  const { status, times, due } = order;
  const since = times[status ?? ""] ?? order.timestamp;
  if (isFinished(status)) return null;
  if (status === "Failed attempt") return { kind: "failed", for: now - since };
  if (due !== undefined && due < now) return { kind: "late", for: now - due };
  if (!order.courier) {
    if (status === OUT) return { kind: "no courier", for: now - since };
    const waited = now - (times.Packed ?? since);
    if ((status === "Packed" || status === "Shipped") && waited > UNASSIGNED_MS) return { kind: "unassigned", for: waited };
    return null;
  }
  const silence = now - (courier?.timestamp ?? since);
  return status === OUT && silence > SILENT_MS ? { kind: "silent", for: silence } : null;
}

/**
 * @param {Order} order
 * @param {Trouble|null} trouble
 * @returns {GroupName}
 */
function groupOf(order, trouble) {
  if (trouble) return "attention";
  if (isFinished(order.status)) return "finished";
  return order.status === OUT || order.status === "Shipped" ? "way" : "preparing";
}

/**
 * @param {Order} order
 * @param {string[]} words in lower case; all of them must be found
 */
export function matches(order, words) {
  if (!words.length) return true;
  const text = `${order.orderId}\n${order.customerName ?? ""}\n${order.courier ?? ""}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** @param {string} text */
export const wordsOf = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

/**
 * An id settles every tie, so that rows do not change places without a reason.
 * @param {Entry} a
 * @param {Entry} b
 */
function byTrouble(a, b) {
  const [left, right] = [/** @type {Trouble} */ (a.trouble), /** @type {Trouble} */ (b.trouble)];
  // Both grow at the same pace, so their difference stands still.
  return SEVERITY[left.kind] - SEVERITY[right.kind] || right.for - left.for || byId(a, b);
}

/**
 * @param {Entry} a
 * @param {Entry} b
 */
function byPromise(a, b) {
  return a.nearness - b.nearness || (a.promised === b.promised ? byId(a, b) : a.promised - b.promised);
}

/**
 * @param {Entry} a
 * @param {Entry} b
 */
const byRecency = (a, b) => b.order.timestamp - a.order.timestamp || byId(a, b);

/**
 * @param {Entry} a
 * @param {Entry} b
 */
const byId = (a, b) => (a.order.orderId < b.order.orderId ? -1 : a.order.orderId > b.order.orderId ? 1 : 0);

/**
 * All orders that match, in groups, each in the order in which it is shown.
 * @param {Iterable<Order>} orders
 * @param {Map<string, Courier>} couriers
 * @param {number} now
 * @param {{words: string[], status: string}} sought
 * @returns {Record<GroupName, Entry[]>}
 */
export function arrange(orders, couriers, now, sought) {
  /** @type {Record<GroupName, Entry[]>} */
  const groups = { attention: [], way: [], preparing: [], finished: [] };
  for (const order of orders) {
    if (sought.status && order.status !== sought.status) continue;
    if (!matches(order, sought.words)) continue;
    const trouble = troubleOf(order, couriers.get(order.courier ?? ""), now);
    const nearness = NEARNESS[order.status ?? ""] ?? 5;
    groups[groupOf(order, trouble)].push({ order, trouble, nearness, promised: order.eta ?? order.due ?? Infinity });
  }
  groups.attention.sort(byTrouble);
  groups.way.sort(byPromise);
  groups.preparing.sort(byPromise);
  groups.finished.sort(byRecency);
  return groups;
}

/**
 * How many rows each group may show: what comes first is served first, and the later ones keep a few.
 * @param {number[]} sizes
 * @param {number} limit of all rows together
 * @param {number} kept rows that a later group keeps, if it has as many
 * @returns {number[]}
 */
export function share(sizes, limit, kept) {
  let left = limit;
  return sizes.map((size, i) => {
    const later = sizes.slice(i + 1).reduce((sum, other) => sum + Math.min(other, kept), 0);
    const given = Math.min(size, Math.max(0, left - later));
    left -= given;
    return given;
  });
}
