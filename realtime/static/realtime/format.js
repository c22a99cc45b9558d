// @ts-check
// Times and numbers in words, the same on every page.

const counted = new Intl.NumberFormat("en");
const shortened = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
let times = timesIn(undefined);

/** @param {string|undefined} timeZone of IANA's; undefined is the browser's */
function timesIn(timeZone) {
  return {
    clock: new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone }),
    seconds: new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone }),
    date: new Intl.DateTimeFormat("sv-SE", { year: "numeric", month: "2-digit", day: "2-digit", timeZone }),
    day: new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone }),
    offset: new Intl.DateTimeFormat("en-GB", { timeZoneName: "longOffset", timeZone }),
  };
}

/**
 * Writes all times of this page in another zone; false, and nothing changes, where the browser knows none of that name.
 * @param {string} zone of IANA's; "" is the browser's
 */
export function useZone(zone) {
  try {
    times = timesIn(zone || undefined);
    return true;
  } catch {
    return false;
  }
}

/** 48,211 @param {number} n */
export const count = (n) => counted.format(n);

/** 48.2k @param {number} n */
export const brief = (n) => (n < 10_000 ? counted.format(n) : shortened.format(n).replace("K", "k"));

/** 14:05 @param {number} ms */
export const hourMinute = (ms) => times.clock.format(ms);

/** 14:05:41 @param {number} ms */
export const hourMinuteSecond = (ms) => times.seconds.format(ms);

/** 14:05:41.285 @param {number} ms */
export const exactTime = (ms) => `${times.seconds.format(ms)}.${String(Math.floor(ms) % 1000).padStart(3, "0")}`;

/** 2015-10-18 @param {number} ms */
export const isoDay = (ms) => times.date.format(ms);

/** 2015-10-18T14:05:41.285+02:00 @param {number} ms */
export function isoTime(ms) {
  const offset = times.offset.formatToParts(ms).find(({ type }) => type === "timeZoneName")?.value.slice(3);
  return `${isoDay(ms)}T${exactTime(ms)}${!offset || offset === "+00:00" ? "Z" : offset}`;
}

/** 24 Nov @param {number} ms */
export const dayMonth = (ms) => times.day.format(ms);

/**
 * A length of time in its largest unit that says enough: "38 ms", "4 s", "12 min", "3 h", "2 d".
 * @param {number} ms
 */
export function duration(ms) {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 90_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 90 * 60_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 36 * 3_600_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

/**
 * As duration, in whole seconds at least: for what ticks once a second.
 * @param {number} ms
 */
export const ago = (ms) => (ms < 1_000 ? "0 s" : duration(ms));
