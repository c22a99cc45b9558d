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
 * @typedef {Record<"headlines"|"details"|"steps"|"happened", Record<string, string>>} Words
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
  if (!order) return { headline: words.headlines.gone, detail: words.details.gone };
  const status = order.status ?? "";
  const courier = order.courier ?? "Your courier";
  const named = (/** @type {string} */ text) => text.replace("{courier}", () => courier);
  const headline = named(words.headlines[status] ?? `Your order: ${status}`);
  const { eta } = order;
  if (status !== OUT) {
    const expected = eta && eta > now && !isFinished(status) ? `Expected about ${clock(eta)}.` : "";
    return { headline, detail: expected || (words.details[status] ?? "") };
  }
  const metres = position && order.destination ? distance(position, order.destination) : null;
  if (metres !== null && metres <= near.arrived) return { headline: named(words.headlines.arrived), detail: named(words.details.arrived) };
  const far = metres === null ? "" : `about ${farInWords(metres)} from you`;
  if (metres !== null && metres <= near.arriving) {
    const expected = eta && eta > now ? `${far}, expected at ${clock(eta)}` : far;
    return { headline: named(words.headlines.arriving), detail: `${courier} is ${expected}.` };
  }
  if (eta && eta > now) {
    const expected = far ? `${far}, expected at ${clock(eta)}` : `expected at ${clock(eta)}`;
    return { headline: minutesAway(eta - now), detail: `${courier} is on the way with your order, ${expected}.` };
  }
  const late = eta ? `It was expected at ${clock(eta)}.` : "";
  return { headline, detail: [far && `${far[0].toUpperCase()}${far.slice(1)}.`, late].filter(Boolean).join(" ") };
}

/** @param {number} left ms */
function minutesAway(left) {
  const minutes = Math.round(left / 60_000);
  if (minutes < 2) return "About a minute away";
  return minutes < 90 ? `About ${minutes} minutes away` : `About ${Math.round(minutes / 60)} hours away`;
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
      return { text: status === OUT && order.status === OUT && order.courier ? `${text} with ${order.courier}` : text, at };
    });
}
