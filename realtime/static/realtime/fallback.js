// @ts-check
// The pure part of live.js that chooses a transport: which one next, when another, when a better one again.

/** From the best to the one that works everywhere. @typedef {"websocket"|"sse"|"poll"} Name */

/** @type {readonly Name[]} */
export const NAMES = ["websocket", "sse", "poll"];

/** A connection that was cut sooner than this was cut short. */
export const SHORT_MS = 30_000;
/** So many in a row that were cut short: something on the way does not let this transport live. */
export const CUTS = 3;
/** How long a fallback is used before a WebSocket is tried again. */
export const TRY_BETTER_MS = 30 * 60_000;
/** A browser that was elsewhere for longer than this begins as one that was never here. */
const FORGET_MS = 24 * 3_600_000;

/**
 * @typedef {object} Choice
 * @property {number} home the transport that worked last: a round of tries begins there
 * @property {boolean} proven it did work, so it gets a second try before others do
 * @property {boolean} trial a WebSocket is tried again; home waits for what comes of it
 * @property {number} step of the round
 * @property {number} cuts in a row, of connections over home
 * @property {number} until when a better one than home is tried again (Date.now)
 * @property {boolean} pause wait before the next try: the last one says nothing for another transport
 *
 * @typedef {object} Ending how a connection went
 * @property {boolean} opened the whole view was shown
 * @property {number} lasted ms
 * @property {boolean} silent it was we who gave it up, after too long a silence
 * @property {boolean} blameless the server said why, or the network was gone: no fault of the transport
 */

/** A round of tries that nobody has made yet. */
const FRESH = { proven: false, trial: false, step: 0, cuts: 0, until: Infinity, pause: false };

/**
 * @param {{name: Name, until: number}|null} remembered
 * @param {number} now
 * @returns {Choice}
 */
export function firstChoice(remembered, now) {
  const home = remembered ? NAMES.indexOf(remembered.name) : 0;
  if (!remembered || home < 1 || now > remembered.until + FORGET_MS) return { ...FRESH, home: 0 };
  return { ...FRESH, home, proven: true, until: remembered.until };
}

/**
 * The transports of a round in their order. Those below home come first: they ask less of what is on the way.
 * @param {Choice} choice
 */
function round({ home, proven }) {
  const others = [...NAMES.keys()].slice(home + 1).concat([...NAMES.keys()].slice(0, home));
  return proven ? [home, home, ...others] : [home, ...others];
}

/** @param {Choice} choice */
const rung = (choice) => (choice.trial ? 0 : round(choice)[choice.step]);

/** The transport to try now. @param {Choice} choice */
export const nameOf = (choice) => NAMES[rung(choice)];

/**
 * Whether it is time to see if a WebSocket works by now.
 * @param {Choice} choice
 * @param {number} now
 */
export const isTrialDue = (choice, now) => !choice.trial && choice.step === 0 && choice.home > 0 && now >= choice.until;

/** @param {Choice} choice @returns {Choice} */
export const tryBetter = (choice) => ({ ...choice, trial: true, pause: false });

/**
 * The whole view came over it: it works.
 * @param {Choice} choice
 * @param {number} now
 * @returns {Choice}
 */
export function afterOpening(choice, now) {
  const home = rung(choice);
  const same = home === choice.home && !choice.trial;
  const cuts = same ? choice.cuts : 0;
  const until = home === 0 ? Infinity : Math.min(choice.until, now + TRY_BETTER_MS);
  return { ...FRESH, home, proven: true, cuts, until: until <= now ? now + TRY_BETTER_MS : until };
}

/**
 * @param {Choice} choice
 * @param {Ending} ending
 * @param {number} now
 * @returns {Choice}
 */
export function afterEnding(choice, ending, now) {
  if (ending.blameless) return { ...choice, pause: true };
  if (ending.opened) return afterCut(choice, ending, now);
  if (choice.trial) return { ...choice, trial: false, pause: false, until: now + TRY_BETTER_MS };
  const step = choice.step + 1;
  if (step === round(choice).length) return { ...choice, step: 0, pause: true };
  return { ...choice, step, pause: rung({ ...choice, step }) === choice.home };
}

/**
 * @param {Choice} choice
 * @param {Ending} ending
 * @param {number} now
 * @returns {Choice}
 */
function afterCut(choice, { lasted, silent }, now) {
  const held = nameOf(choice) === "sse" && silent; // a proxy that collects an answer before it passes it on
  const cuts = held ? CUTS : lasted < SHORT_MS ? choice.cuts + 1 : 0;
  if (cuts < CUTS || choice.home === NAMES.length - 1) return { ...choice, cuts, pause: true };
  return { ...FRESH, home: choice.home + 1, until: now + TRY_BETTER_MS };
}

// What a browser remembers, for all its tabs. It may refuse to, and what it gives may be anything.

const KEY = "sightline.transport";

/**
 * @param {() => Storage} storage
 * @returns {{name: Name, until: number}|null}
 */
export function recall(storage) {
  try {
    const { name, until } = JSON.parse(storage().getItem(KEY) ?? "null");
    return NAMES.includes(name) && Number.isFinite(until) ? { name, until } : null;
  } catch {
    return null;
  }
}

/**
 * @param {() => Storage} storage
 * @param {Choice} choice
 */
export function remember(storage, choice) {
  try {
    if (choice.home === 0) storage().removeItem(KEY);
    else storage().setItem(KEY, JSON.stringify({ name: NAMES[choice.home], until: choice.until }));
  } catch {
    // Private windows and full disks: the next page finds out for itself.
  }
}
