// @ts-check
// The line at the foot of the log page: rates, what is not shown, and how old the newest line is.
import { count, duration } from "../realtime/format.js";
import { write } from "./panels.js";

/**
 * @typedef {object} Facts
 * @property {{lines: number, errors: number}} rate per second
 * @property {number} hidden
 * @property {number|null} missed null: nobody knows
 * @property {number|null} newest how old the newest line is, in ms
 */

/**
 * @param {HTMLElement} place
 * @param {Facts} facts
 */
export function showFoot(place, { rate, hidden, missed, newest }) {
  const facts = {
    lines: perSecond(rate.lines),
    errors: perSecond(rate.errors),
    hidden: count(hidden),
    missed: missed === null ? "some" : count(missed),
    newest: newest === null ? "—" : `${duration(newest)} ago`,
  };
  for (const [name, text] of Object.entries(facts)) write(place.querySelector(`[data-fact="${name}"]`), text);
}

/** @param {number} n */
const perSecond = (n) => (n > 0 && n < 10 ? n.toFixed(1) : count(Math.round(n)));
