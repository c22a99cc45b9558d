// @ts-check
// One row of each list: an order, a courier.
import { ago } from "../realtime/format.js";
import { freshness } from "./fleet.js";
import { setText } from "./keyed.js";
import { copyOf, part } from "./page.js";
import { outlook, slug, troubleInWords, whoOf } from "./words.js";

/**
 * @typedef {import("./store.js").Courier} Courier
 * @typedef {import("./triage.js").Entry} Entry
 * @typedef {{entry: Entry, courier: Courier|undefined, open: boolean, now: number, picking: boolean, picked: boolean}} OrderItem
 * @typedef {{courier: Courier, open: boolean, now: number}} CourierItem
 */

/**
 * @param {HTMLElement} chip
 * @param {string|undefined} status
 * @param {string} [text] what the status is called
 */
export function showStatus(chip, status, text = status ?? "No status yet") {
  const before = chip.textContent;
  if (before === text) return;
  chip.textContent = text;
  chip.dataset.status = slug(status);
  if (!before) return;
  chip.classList.remove("glow");
  void chip.offsetWidth; // so that the glow starts anew
  chip.classList.add("glow");
}

/**
 * @param {string} id
 * @returns {import("./keyed.js").Row<OrderItem>}
 */
export function orderRow(id) {
  const element = copyOf("order-row");
  const button = part("[data-order]", element);
  const [chip, who, when] = ["[data-status]", ".who", ".when"].map((selector) => part(selector, element));
  const pick = /** @type {HTMLInputElement} */ (part(".pick", element));
  button.dataset.order = pick.dataset.pick = id;
  pick.setAttribute("aria-label", `Select ${id}`);
  setText(part("b", element), id);
  return {
    element,
    fill({ entry: { order, trouble }, courier, open, now, picking, picked }) {
      pick.hidden = !picking;
      pick.checked = picked;
      showStatus(chip, order.status);
      setText(who, whoOf(order));
      setText(when, trouble ? troubleInWords(trouble, order) : outlook(order, courier, now));
      button.classList.toggle("bad", trouble !== null);
      setCurrent(button, open);
    },
  };
}

/**
 * @param {string} name
 * @returns {import("./keyed.js").Row<CourierItem>}
 */
export function courierRow(name) {
  const element = copyOf("courier-row");
  const button = part("[data-courier]", element);
  const [dot, doing, age] = [".dot", ".who", ".when"].map((selector) => part(selector, element));
  button.dataset.courier = name;
  setText(part("b", element), name);
  return {
    element,
    fill({ courier, open, now }) {
      const since = Math.max(0, now - courier.timestamp);
      button.dataset.lat = String(courier.lat);
      button.dataset.lng = String(courier.lng);
      dot.dataset.fresh = courier.place ? "place" : freshness(since);
      setText(doing, courier.orderId ?? `${courier.lat.toFixed(4)}, ${courier.lng.toFixed(4)}`);
      setText(age, courier.place ? "" : `${ago(since)} ago`);
      setCurrent(button, open);
    },
  };
}

/**
 * @param {HTMLElement} button
 * @param {boolean} open
 */
function setCurrent(button, open) {
  if (open === button.hasAttribute("aria-current")) return;
  if (open) button.setAttribute("aria-current", "true");
  else button.removeAttribute("aria-current");
}
