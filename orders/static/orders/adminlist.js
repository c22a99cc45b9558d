// @ts-check
// Keeps the admin's list of orders true while it is open: status, courier and time of each row change without a reload.
import { connect } from "../realtime/live.js";

/** @typedef {{orderId: string, status?: string, courier?: string, timestamp: number, rev: number}} Order */

/** A proxy takes addresses of at least 8,000 characters. */
const LONGEST = 6_000;

const list = document.getElementById("result_list");
/** @type {Map<string, HTMLTableRowElement>} */
const rows = new Map();
for (const box of list?.querySelectorAll("input[name=_selected_action]") ?? []) {
  const row = box.closest("tr");
  if (row && box instanceof HTMLInputElement) rows.set(box.value, row);
}
if (rows.size) watch();

function watch() {
  const ids = [...rows.keys()];
  const orders = ids.join();
  // Only these orders: a page of the list must not be fed all of them.
  const tellable = encodeURIComponent(orders).length < LONGEST && !ids.some((id) => id.includes(","));
  const live = connect("orders", { params: tellable ? { orders } : {} });
  /** @type {Map<string, number>} */
  const held = new Map();
  for (const type of ["snapshot", "delta"]) {
    live.addEventListener(type, (event) => {
      const { orders = [], removed = {} } = /** @type {CustomEvent} */ (event).detail.frame;
      if (type === "snapshot") held.clear();
      for (const order of orders) if (order.rev > (held.get(order.orderId) ?? -1)) show(order, held);
      for (const id of removed.orders ?? []) rows.get(id)?.classList.add("gone");
    });
  }
}

/**
 * @param {Order} order
 * @param {Map<string, number>} held
 */
function show(order, held) {
  const row = rows.get(order.orderId);
  if (!row) return;
  held.set(order.orderId, order.rev);
  write(row, ".field-status", order.status ?? "-");
  write(row, ".field-courier", order.courier ?? "-");
  write(row, ".field-updated", utc(order.timestamp));
}

/**
 * @param {HTMLTableRowElement} row
 * @param {string} cell
 * @param {string} text
 */
function write(row, cell, text) {
  const found = row.querySelector(cell);
  if (found && found.textContent !== text) found.textContent = text;
}

/** As the server writes times: 2026-11-24 23:08:36, in UTC. @param {number} ms */
const utc = (ms) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");
