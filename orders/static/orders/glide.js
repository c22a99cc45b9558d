// @ts-check
// How a marker gets from one fix to the next: steadily, turning the short way, and never later than a second (pure).

/**
 * @typedef {object} Glide
 * @property {[number, number]} from in the units of mercator()
 * @property {[number, number]} to
 * @property {number} start ms
 * @property {number} lasts ms
 * @property {number|null} turnedFrom degrees
 * @property {number|null} course degrees
 */

const LONGEST_MS = 1_000;
const SHORTEST_MS = 100;

/**
 * The movement to a new fix, from wherever the last movement has come to.
 * @param {Glide|undefined} before
 * @param {[number, number]} to
 * @param {number|null} course
 * @param {number} now
 * @param {number} farthest longer ways are jumped, in the units of mercator()
 * @returns {Glide}
 */
export function glide(before, to, course, now, farthest) {
  if (!before) return { from: to, to, start: now, lasts: 0, turnedFrom: course, course };
  const from = where(before, now);
  const jumps = Math.hypot(to[0] - from[0], to[1] - from[1]) > farthest;
  // As long as the pause since the last fix, so that steady fixes make a steady drive.
  const lasts = jumps ? 0 : Math.min(LONGEST_MS, Math.max(SHORTEST_MS, now - before.start));
  return { from: jumps ? to : from, to, start: now, lasts, turnedFrom: heading(before, now), course };
}

/**
 * @param {Glide} movement
 * @param {number} now
 */
export const isMoving = (movement, now) => now < movement.start + movement.lasts;

/**
 * @param {Glide} movement
 * @param {number} now
 */
function progress({ start, lasts }, now) {
  return lasts > 0 ? Math.min(1, Math.max(0, (now - start) / lasts)) : 1;
}

/**
 * Where it is now, in the units of mercator().
 * @param {Glide} movement
 * @param {number} now
 * @returns {[number, number]}
 */
export function where(movement, now) {
  const part = progress(movement, now);
  const { from, to } = movement;
  return part === 1 ? to : [from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part];
}

/**
 * Where it points now, in degrees: the turn is done in the first third of the way.
 * @param {Glide} movement
 * @param {number} now
 * @returns {number|null}
 */
export function heading(movement, now) {
  const { turnedFrom, course } = movement;
  if (course === null || turnedFrom === null) return course;
  const turn = ((course - turnedFrom + 540) % 360) - 180;
  return (turnedFrom + turn * Math.min(1, progress(movement, now) * 3) + 360) % 360;
}
