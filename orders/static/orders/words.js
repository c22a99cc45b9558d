// @ts-check
// What the orders page says about an order, a courier and their troubles.
import { ago, duration } from "../realtime/format.js";
import { distance, farInWords } from "./geo.js";
import { isFinished } from "./steps.js";
import { clock } from "./times.js";

/**
 * @typedef {import("./store.js").Order} Order
 * @typedef {import("./store.js").Courier} Courier
 * @typedef {import("./triage.js").Trouble} Trouble
 */

/** The name of a status for selectors: "out-for-delivery". @param {string|undefined} status */
export const slug = (status) => (status ?? "").toLowerCase().replaceAll(" ", "-");

/**
 * @param {Trouble} trouble
 * @param {Order} order
 */
export function troubleInWords({ kind, for: lasted }, order) {
  if (kind === "failed") return order.note || order.publicNote || `failed ${duration(lasted)} ago`;
  if (kind === "late") return `late by ${duration(lasted)}`;
  if (kind === "no courier") return "out without a courier";
  return kind === "unassigned" ? `unassigned ${duration(lasted)}` : `courier silent ${duration(lasted)}`;
}

/** @param {Order} order */
export const whoOf = (order) => `${order.customerName || "no name"} · ${order.courier || "no courier"}`;

/**
 * What is next for an order without trouble: "12 min · 2.1 km", "due 15:10", or when it ended.
 * @param {Order} order
 * @param {Courier|undefined} courier
 * @param {number} now
 */
export function outlook(order, courier, now) {
  const { status, eta, due, destination, times, timestamp } = order;
  if (isFinished(status)) return clock(times[status ?? ""] ?? timestamp, now);
  const parts = [];
  if (eta !== undefined && status === "Out for delivery") {
    parts.push(eta > now ? `${Math.max(1, Math.round((eta - now) / 60_000))} min` : `expected ${clock(eta, now)}`);
  }
  if (courier && destination && status === "Out for delivery") parts.push(farInWords(distance(courier, destination)));
  if (parts.length) return parts.join(" · ");
  if (due !== undefined) return `due ${clock(due, now)}`;
  return `since ${clock(times[status ?? ""] ?? timestamp, now)}`;
}

/**
 * @param {Courier} courier
 * @param {number} now
 */
export const lastSeen = (courier, now) => `${ago(Math.max(0, now - courier.timestamp))} ago`;
