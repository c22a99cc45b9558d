// @ts-check
// What a customer is told first: in plain words, and never more than is known (pure). tracking.py says it in the first HTML.
import { distance, farInWords } from "./geo.js";
import { isFinished } from "./steps.js";

/**
 * @typedef {object} Order
 * @property {string|null} [status]
 * @property {Record<string, number>} times
 * @property {string} [publicNote]
 * @property {number} [eta] ms
 * @property {string} [courier] first name
 * @property {{name?: string, lat: number, lng: number}} [destination]
 * @property {number} [rev]
 *
 * @typedef {{lat: number, lng: number, timestamp: number, heading?: number, accuracy: number, trail?: [number, number, number][], rev?: number}} Position
 * @typedef {{arriving: number, arrived: number}} Near metres from the destination
 * @typedef {Record<"headlines"|"details"|"steps"|"happened"|"notes"|"units", Record<string, string>>} Words
 */

const OUT = "Out for delivery";
/** @type {Near} */
const NEAR = { arriving: 500, arrived: 80 };

/**
 * @param {Order|null} order
 * @param {Position|null} position
 * @param {number} now
 * @param {Words} words
 * @param {(ms: number) => string} clock
 * @param {Near} near
 * @returns {{headline: string, detail: string}}
 */
export function answer(order, position, now, words, clock, near = NEAR) {
  const { headlines, details } = words;
  if (!order) return { headline: headlines.gone, detail: details.gone };
  const status = order.status ?? "";
  const courier = order.courier ?? words.notes.courier;
  const headline = fill(headlines[status] ?? headlines.other, { courier, status });
  const { eta } = order;
  const time = eta ? clock(eta) : "";
  if (status !== OUT) {
    const expected = eta && eta > now && !isFinished(status) ? fill(details.expected, { time }) : "";
    return { headline, detail: expected || (details[status] ?? "") };
  }
  const metres = position && order.destination ? distance(position, order.destination) : null;
  if (metres !== null && metres <= near.arrived) return { headline: fill(headlines.arrived, { courier }), detail: fill(details.arrived, { courier }) };
  const far = metres === null ? "" : withUnit(farInWords(metres), words);
  if (metres !== null && metres <= near.arriving) {
    const detail = fill(eta && eta > now ? details.nearTime : details.near, { courier, far, time });
    return { headline: fill(headlines.arriving, { courier }), detail };
  }
  if (eta && eta > now) {
    return { headline: minutesAway(eta - now, headlines), detail: fill(far ? details.wayFar : details.way, { courier, far, time }) };
  }
  const detail = [far && fill(details.far, { far }), eta ? fill(details.late, { time }) : ""];
  return { headline, detail: detail.filter(Boolean).join(" ") };
}

/**
 * @param {number} left ms
 * @param {Record<string, string>} headlines
 */
function minutesAway(left, headlines) {
  const minutes = Math.round(left / 60_000);
  if (minutes < 2) return headlines.minute;
  return minutes < 90 ? fill(headlines.minutes, { n: minutes }) : fill(headlines.hours, { n: Math.round(minutes / 60) });
}

/**
 * A text with its places, such as {courier}, filled in.
 * @param {string} text
 * @param {Record<string, string|number>} values
 */
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (place, name) => String(values[name] ?? place));

/** What stands before a number's decimals in the page's language. */
const MARK = new Intl.NumberFormat(globalThis.document?.documentElement.lang || "en").format(0.5)[1];

/**
 * "2.1 km" in the reader's language.
 * @param {string} measured
 * @param {Words} words
 * @param {string} mark
 */
export function withUnit(measured, words, mark = MARK) {
  const [number, unit] = measured.split(" ");
  return `${number.replace(".", mark)} ${words.units[unit] ?? unit}`;
}

/**
 * What has happened so far, the newest first.
 * @param {Order} order
 * @param {Words} words
 * @returns {{text: string, at: number}[]}
 */
export function happened(order, words) {
  return Object.entries(order.times)
    .sort(([, a], [, b]) => b - a)
    .map(([status, at]) => {
      const text = words.happened[status] ?? status;
      const { courier } = order;
      return { text: status === OUT && order.status === OUT && courier ? fill(words.happened.with, { what: text, courier }) : text, at };
    });
}
