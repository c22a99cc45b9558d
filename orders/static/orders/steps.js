// @ts-check
// The life of an order as steps: what is behind it, where it is, what is still to come (pure).

/** @typedef {{status: string, at: number|null, state: "done"|"now"|"todo"}} Step */

const PATH = ["Placed", "Confirmed", "Packed", "Shipped", "Out for delivery", "Delivered"];
const SIDEWAYS = ["Failed attempt", "Returned", "Cancelled"];
/** Not every shop confirms: this step shows only where it was taken. */
const OPTIONAL = "Confirmed";

export const STATUSES = [...PATH, ...SIDEWAYS];

/**
 * The same without what a customer need not see once it is past.
 * @param {string|undefined} status
 * @param {Record<string, number>} times
 */
export const shortSteps = (status, times) => steps(status, times).filter((step) => step.status !== OPTIONAL || step.state === "now");

/** @param {string|undefined} status */
export const isFinished = (status) => status === "Delivered" || status === "Returned" || status === "Cancelled";

/**
 * @param {string|undefined} status
 * @param {Record<string, number>} times
 * @returns {Step[]}
 */
export function steps(status, times) {
  const rank = PATH.indexOf(status ?? "");
  const at = (/** @type {string} */ step) => times[step] ?? null;
  const passed = (/** @type {string} */ step, /** @type {number} */ place) =>
    step !== status && (rank < 0 ? at(step) !== null : place < rank && (step !== OPTIONAL || at(step) !== null));
  const behind = PATH.filter(passed);
  // An attempt that failed and was made good is part of the story of what came after it.
  const strayed = SIDEWAYS.filter((step) => step !== status && at(step) !== null);
  const last = rank < 0 ? Math.max(-1, ...behind.map((step) => PATH.indexOf(step))) : rank;
  const ahead = isFinished(status) ? [] : PATH.slice(last + 1).filter((step) => step !== OPTIONAL);
  const done = [...behind, ...strayed].map((step) => ({ status: step, at: at(step), state: /** @type {const} */ ("done") }));
  if (strayed.length) done.sort((a, b) => (a.at ?? 0) - (b.at ?? 0));
  return [
    ...done,
    ...(status ? [{ status, at: at(status), state: /** @type {const} */ ("now") }] : []),
    ...ahead.map((step) => ({ status: step, at: null, state: /** @type {const} */ ("todo") })),
  ];
}
