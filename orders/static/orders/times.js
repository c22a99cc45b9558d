// @ts-check
// Times of day, with the date where it is not today.
import { dayMonth, hourMinute } from "../realtime/format.js";

/**
 * 14:05 today, else 24 Nov 14:05.
 * @param {number} ms
 * @param {number} now
 */
export function clock(ms, now) {
  const today = new Date(ms).toDateString() === new Date(now).toDateString();
  return today ? hourMinute(ms) : `${dayMonth(ms)} ${hourMinute(ms)}`;
}
