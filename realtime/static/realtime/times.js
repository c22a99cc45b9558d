// @ts-check
// How a page writes the times of what it lists: in which zone and form. The choice is this browser's, and is remembered.
import { dayMonth, exactTime, hourMinute, hourMinuteSecond, isoDay, isoTime, useZone } from "./format.js";

/** @typedef {"time"|"date"|"iso"} Form */
/** @typedef {{zone: string, form: Form}} Choice zone: "" is the browser's */

const FORMS = /** @type {const} */ (["time", "date", "iso"]);
const KEY = "sightline.times";

/** @type {Choice} */
let choice = { zone: "", form: "time" };

/** @param {number} ms */
export function shownTime(ms) {
  if (choice.form === "iso") return isoTime(ms);
  if (choice.form === "date") return `${isoDay(ms)} ${exactTime(ms)}`;
  return timeOfDay(ms);
}

/**
 * The time of day, with its day where that is not today: logs that are read in late would else look like now.
 * @param {number} ms
 */
function timeOfDay(ms) {
  const [then, today] = [isoDay(ms), isoDay(Date.now())];
  if (then === today) return exactTime(ms);
  return then.slice(0, 4) === today.slice(0, 4) ? `${dayMonth(ms)} ${hourMinuteSecond(ms)}` : `${then} ${hourMinute(ms)}`;
}

/**
 * The choice that was remembered; whatever else is found there counts as none.
 * @param {() => Storage} storage
 * @returns {Choice}
 */
export function recallTimes(storage) {
  try {
    const { zone, form } = JSON.parse(storage().getItem(KEY) ?? "{}");
    return chooseTimes({ zone: typeof zone === "string" ? zone : "", form: FORMS.find((one) => one === form) ?? "time" });
  } catch {
    return chooseTimes({ zone: "", form: "time" });
  }
}

/**
 * @param {() => Storage} storage
 * @param {Choice} wanted
 */
export function rememberTimes(storage, wanted) {
  const chosen = chooseTimes(wanted);
  try {
    storage().setItem(KEY, JSON.stringify(chosen));
  } catch {
    // Private windows and full disks: it holds until the page is left.
  }
  return chosen;
}

/** @param {Choice} wanted */
function chooseTimes({ zone, form }) {
  choice = { zone: useZone(zone) ? zone : "", form };
  return choice;
}

/** The zones that can be chosen beside the browser's own. */
export function zones() {
  const named = Intl.supportedValuesOf("timeZone").filter((name) => name !== "UTC");
  return ["UTC", ...named];
}
