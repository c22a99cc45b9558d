// @ts-check
// How fresh couriers are, which of them a list shows, and which stand so close that a map shows a number (pure).

/** @typedef {import("./store.js").Courier} Courier */
/** @typedef {"fresh"|"old"|"silent"} Freshness */

export const OLD_MS = 60_000;
export const SILENT_MS = 5 * 60_000;
/** Arrows nearer than this cannot be told apart. */
const TIGHT_PX = 10;

/**
 * @param {number} age ms since the last position
 * @returns {Freshness}
 */
export const freshness = (age) => (age < OLD_MS ? "fresh" : age <= SILENT_MS ? "old" : "silent");

/**
 * How many couriers are how fresh; places are not counted.
 * @param {Iterable<Courier>} couriers
 * @param {number} now
 * @returns {Record<Freshness, number>}
 */
export function tally(couriers, now) {
  const counts = { fresh: 0, old: 0, silent: 0 };
  for (const courier of couriers) if (!courier.place) counts[freshness(now - courier.timestamp)] += 1;
  return counts;
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/**
 * Couriers and places that match, by name.
 * @param {Iterable<Courier>} couriers
 * @param {string[]} words in lower case
 * @returns {{moving: Courier[], places: Courier[]}}
 */
export function roster(couriers, words) {
  const found = [...couriers].filter((courier) => {
    const text = `${courier.name}\n${courier.orderId ?? ""}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  found.sort((a, b) => collator.compare(a.name, b.name));
  return { moving: found.filter((courier) => !courier.place), places: found.filter((courier) => courier.place) };
}

/** @param {{x: number, y: number}[]} points */
export function middle(points) {
  const sum = points.reduce((all, { x, y }) => ({ x: all.x + x, y: all.y + y }), { x: 0, y: 0 });
  return { x: sum.x / points.length, y: sum.y / points.length };
}

/** @param {{x: number, y: number}[]} points */
function isTight([first, ...others]) {
  return others.every(({ x, y }) => Math.hypot(x - first.x, y - first.y) < TIGHT_PX);
}

/**
 * Points that share a cell of a grid become one crowd, where they are many enough, or a few on nearly the same spot.
 * Crowds whose middles are nearer than most of a cell become one.
 * @template {{x: number, y: number}} P
 * @param {P[]} points in pixels of the whole world, so that dragging the map does not cut crowds anew
 * @param {number} cell pixels
 * @param {number} least how many make a crowd
 * @returns {{alone: P[], crowds: {x: number, y: number, points: P[]}[]}}
 */
export function crowd(points, cell, least) {
  /** @type {Map<number, P[]>} */
  const cells = new Map();
  for (const point of points) {
    const key = Math.floor(point.x / cell) * 67_108_864 + Math.floor(point.y / cell);
    const there = cells.get(key);
    if (there) there.push(point);
    else cells.set(key, [point]);
  }
  /** @type {P[]} */
  const alone = [];
  /** @type {{x: number, y: number, points: P[]}[]} */
  const crowds = [];
  for (const there of [...cells.values()].sort((a, b) => b.length - a.length)) {
    if (there.length < least && !(there.length > 2 && isTight(there))) {
      alone.push(...there);
      continue;
    }
    const { x, y } = middle(there);
    const close = crowds.find((larger) => Math.hypot(larger.x - x, larger.y - y) < cell * 0.8);
    if (close) close.points.push(...there);
    else crowds.push({ x, y, points: there });
  }
  return { alone, crowds };
}
