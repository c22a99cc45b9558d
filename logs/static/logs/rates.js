// @ts-check
// How often a service fails, in words.
import { errors, sum } from "./counts.js";

/** @typedef {import("./counts.js").Totals} Totals */

/**
 * How many of a service's lines are errors; by the minute where the other levels are filtered out.
 * @param {Totals} totals
 * @param {{all: boolean, errors: boolean, seconds: number}} shown which levels are, and for how long
 */
export function errorRate(totals, shown) {
  if (!shown.errors || !sum(totals)) return "";
  const n = errors(totals);
  if (!shown.all) return `${perMinute(n, shown.seconds)} errors/min`;
  if (!n) return "no errors";
  const share = (100 * n) / sum(totals);
  const percent = n && share < 0.1 ? "< 0.1" : share.toFixed(share < 10 ? 1 : 0);
  return `${percent} % errors, ${perMinute(n, shown.seconds)}/min`;
}

/**
 * @param {number} n
 * @param {number} seconds
 */
function perMinute(n, seconds) {
  const rate = (60 * n) / seconds;
  if (rate > 0 && rate < 0.1) return "< 0.1";
  return rate > 0 && rate < 10 ? rate.toFixed(1) : String(Math.round(rate));
}
