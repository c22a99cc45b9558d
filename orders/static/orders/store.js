// @ts-check
// What the server has told about orders and couriers; a thing is replaced only by a newer one (pure).
import { bearing, distance } from "./geo.js";

/**
 * @typedef {object} Order
 * @property {string} orderId
 * @property {string} [customerName]
 * @property {string[]} [items]
 * @property {string} [status]
 * @property {string} [note]
 * @property {string} [publicNote]
 * @property {string} [courier]
 * @property {number} [eta] ms
 * @property {number} [due] ms
 * @property {{name?: string, lat: number, lng: number}} [destination]
 * @property {Record<string, number>} times when each status was reached, ms
 * @property {number} timestamp of the newest event, ms
 * @property {number} rev
 *
 * @typedef {object} Position as it stands in frames
 * @property {string} name
 * @property {number} lat
 * @property {number} lng
 * @property {number} timestamp
 * @property {number} [speed] m/s
 * @property {number} [heading] degrees
 * @property {number} [accuracy] m
 * @property {number} [battery]
 * @property {string} [orderId]
 * @property {string} [source]
 * @property {number} rev
 *
 * @typedef {Position & {course: number|null, place: boolean, trail: [number, number][]}} Courier
 *   course: where it heads, as told or as it moved; place: it stands still by nature, as a warehouse does
 *
 * @typedef {{orders: Set<string>, couriers: Set<string>}} Change ids that came, changed or went
 *
 * @typedef {{orders?: Order[], couriers?: Position[], removed?: {orders?: string[], couriers?: string[]}}} Frame
 */

/** Less than this is the noise of a receiver, not a movement. */
const MOVED_M = 5;
/** More than this between two fixes is not a trail. */
const JUMP_M = 3_000;
const TRAIL = 60;

/**
 * A position with what we know of its movement from the one before.
 * @param {Position} position
 * @param {Courier|undefined} before
 * @returns {Courier}
 */
export function follow(position, before) {
  const { heading, speed, orderId, source } = position;
  // Who says no more than where it is may be a place: many producers know no `source`.
  const still = source === undefined ? heading === undefined && speed === undefined && !orderId : source === "place";
  if (!before) {
    return { ...position, course: position.heading ?? null, place: still, trail: [[position.lat, position.lng]] };
  }
  const far = distance(before, position);
  const moved = far > MOVED_M;
  const course = position.heading ?? (moved ? bearing(before, position) : before.course);
  let trail = before.trail;
  if (far > JUMP_M) trail = [[position.lat, position.lng]];
  else if (moved) trail = [...trail.slice(1 - TRAIL), [position.lat, position.lng]];
  return { ...position, course, place: still && before.place && !moved, trail };
}

export class Store {
  /** @type {Map<string, Order>} */
  orders = new Map();
  /** @type {Map<string, Courier>} */
  couriers = new Map();
  /** @type {Store|null} the snapshot that is still coming in */
  #next = null;

  /**
   * Takes one frame of a snapshot. Nothing changes before its last one, so nobody sees half a picture.
   * @param {Frame} frame
   * @param {boolean} first
   * @param {boolean} last
   * @returns {Change|null}
   */
  snapshot(frame, first, last) {
    if (first || !this.#next) this.#next = new Store();
    const next = this.#next;
    for (const order of frame.orders ?? []) next.orders.set(order.orderId, order);
    for (const position of frame.couriers ?? []) {
      next.couriers.set(position.name, follow(position, this.couriers.get(position.name)));
    }
    if (!last) return null;
    const change = {
      orders: new Set([...this.orders.keys(), ...next.orders.keys()]),
      couriers: new Set([...this.couriers.keys(), ...next.couriers.keys()]),
    };
    this.orders = next.orders;
    this.couriers = next.couriers;
    this.#next = null;
    return change;
  }

  /**
   * @param {Frame} frame
   * @returns {Change}
   */
  delta(frame) {
    /** @type {Change} */
    const change = { orders: new Set(), couriers: new Set() };
    for (const order of frame.orders ?? []) {
      if ((this.orders.get(order.orderId)?.rev ?? -1) >= order.rev) continue;
      this.orders.set(order.orderId, order);
      change.orders.add(order.orderId);
    }
    for (const position of frame.couriers ?? []) {
      const before = this.couriers.get(position.name);
      if ((before?.rev ?? -1) >= position.rev) continue;
      this.couriers.set(position.name, follow(position, before));
      change.couriers.add(position.name);
    }
    for (const id of frame.removed?.orders ?? []) if (this.orders.delete(id)) change.orders.add(id);
    for (const name of frame.removed?.couriers ?? []) if (this.couriers.delete(name)) change.couriers.add(name);
    return change;
  }
}
