// @ts-check
// Times of day, with the date where it is not today.
import { dayMonth, hourMinute } from "../realtime/format.js";

const language = globalThis.document?.documentElement.lang || "en";
const day = language === "en" ? dayMonth : dayMonthIn(language);

/** @param {string} language */
function dayMonthIn(language) {
  const format = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" });
  return (/** @type {number} */ ms) => format.format(ms);
}

/**
 * 14:05 today, else 24 Nov 14:05.
 * @param {number} ms
 * @param {number} now
 */
export function clock(ms, now) {
  const today = new Date(ms).toDateString() === new Date(now).toDateString();
  return today ? hourMinute(ms) : `${day(ms)} ${hourMinute(ms)}`;
}
