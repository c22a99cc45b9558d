// @ts-check
// A courier's day as it is replayed: where it was at a moment, and how far it had come (pure).

/** @typedef {[number, number, number, number|null]} Point ms, lat, lng, heading */
/** @typedef {{lat: number, lng: number, heading: number|null, at: number}} Spot at: the fix that it comes from, ms */

/** Between two fixes further apart than this nobody knows where it was. */
const GAP_MS = 6 * 60_000;

/**
 * The number of points at or before a moment.
 * @param {Point[]} points in the order of time
 * @param {number} time ms
 */
export function passed(points, time) {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Where it was: on the way between two fixes, or still where the last one was. Null before the first.
 * @param {Point[]} points
 * @param {number} time
 * @returns {Spot|null}
 */
export function spotAt(points, time) {
  const n = passed(points, time);
  if (!n) return null;
  const [at, lat, lng, heading] = points[n - 1];
  const next = points[n];
  if (!next || next[0] - at > GAP_MS) return { lat, lng, heading, at };
  const part = (time - at) / (next[0] - at);
  return { lat: lat + (next[1] - lat) * part, lng: lng + (next[2] - lng) * part, heading, at };
}

/**
 * The ways between gaps, as a map draws them.
 * @param {Point[]} points
 * @returns {[number, number][][]}
 */
export function ways(points) {
  /** @type {[number, number][][]} */
  const parts = [];
  points.forEach(([time, lat, lng], i) => {
    if (!i || time - points[i - 1][0] > GAP_MS) parts.push([]);
    parts[parts.length - 1].push([lat, lng]);
  });
  return parts;
}

/**
 * The day of this machine's time zone that a date names: from when to when, in ms.
 * @param {string} date 2026-11-24
 * @returns {[number, number]}
 */
export function span(date) {
  const [year, month, day] = date.split("-").map(Number);
  return [new Date(year, month - 1, day).getTime(), new Date(year, month - 1, day + 1).getTime()];
}

/** The date of a moment here. @param {number} ms */
export function dateOf(ms) {
  const at = new Date(ms);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}
