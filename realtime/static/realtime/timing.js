// @ts-check
// The pure part of live.js: when to come back, what the server's clock says, and which state may be claimed.

/** @typedef {"connecting"|"live"|"lagging"|"lost"|"asleep"|"closed"} State */

/**
 * How long to wait for a sign of life, in ms. `first`: until the whole view is shown; something on the way may swallow
 * what we wait for, and then another transport must have its turn. `silence`: after that; the server sends a heartbeat
 * after 15 s, and answers a poll within 25 s.
 * @type {Record<import("./fallback.js").Name, {first: number, silence: number}>}
 */
export const PATIENCE = {
  websocket: { first: 8_000, silence: 25_000 },
  sse: { first: 8_000, silence: 25_000 },
  poll: { first: 35_000, silence: 40_000 },
};
/** Further behind than this is not live. */
export const LAG_MS = 2_000;
/** A connection that held this long was a good one: the next failure starts from a short wait again. */
export const STABLE_MS = 5_000;

/** A page that nobody sees stops listening after this long, and catches up at once when it is seen again. */
export const SLEEP_MS = 60_000;
/** So long a page may claim what it last could after the server ended a connection and we are on the way back. */
export const GRACE_MS = 1_500;

/** The server is never silent for so long. */
const LONG_SILENCE_MS = 20_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const LONGEST_TOLD_MS = 5 * 60_000;
/** Shortest waits after a close that says the server is busy; a restart is followed by everybody at once. */
const WAIT_AFTER_CODE = new Map([[1012, 1_000], [4408, 2_000], [4429, 5_000]]);

/**
 * Whether to come back after a close with this code: 44xx speak of us, and trying again would not mend that.
 * @param {number} code
 */
export function mayComeBack(code) {
  return code < 4400 || code > 4499 || code === 4408 || code === 4429;
}

/**
 * How long the server asks us to stay away, in ms, from a close's reason such as "restarting; retry=1234".
 * @param {string} reason
 * @returns {number|null}
 */
export function toldWait(reason) {
  const told = /\bretry=(\d+)/.exec(reason);
  return told && Math.min(Number(told[1]), LONGEST_TOLD_MS);
}

/**
 * How long to wait before the next try, in ms: what the server said, else full jitter over a doubling span.
 * @param {number} failures how many tries in a row have failed, at least 1
 * @param {{code?: number, reason?: string}} close the last one
 * @param {number} random from 0 to 1
 */
export function waitBefore(failures, { code = 1006, reason = "" }, random) {
  const told = toldWait(reason);
  // A restarting server has spread us already; too many of us who are all told the same would be too many again.
  if (told !== null) return Math.round(code === 4429 ? told * (1 + random / 2) : told);
  const least = WAIT_AFTER_CODE.get(code) ?? FIRST_WAIT_MS;
  const span = Math.min(LONGEST_WAIT_MS, least * 2 ** Math.min(failures - 1, 16));
  return Math.round(random * span);
}

/**
 * The server's clock as seen from here. A frame that took long makes the server look late, never early, so
 * the largest difference among the frames of the last five minutes is the truest. Local times come from
 * performance.now(), which nobody sets back; but what it does while a machine sleeps is not the same everywhere, so
 * after a long silence the difference is measured anew.
 */
export class ServerClock {
  /** @type {{at: number, offset: number}[]} the best difference of each span of 10 s, oldest first */
  #best = [];
  #notedAt = 0;

  /**
   * @param {number} serverNow ms, from a frame
   * @param {number} localNow ms
   */
  note(serverNow, localNow) {
    const offset = serverNow - localNow;
    if (localNow - this.#notedAt > LONG_SILENCE_MS) this.#best = [];
    this.#notedAt = localNow;
    const newest = this.#best.at(-1);
    if (newest && localNow - newest.at < 10_000) newest.offset = Math.max(newest.offset, offset);
    else this.#best.push({ at: localNow, offset });
    if (this.#best.length > 30) this.#best.shift();
  }

  /** @param {number} localNow */
  now(localNow) {
    if (!this.#best.length) return null;
    return localNow + Math.max(...this.#best.map((best) => best.offset));
  }
}

/** @param {number|null} behind ms */
const isLate = (behind) => behind !== null && behind > LAG_MS;

/**
 * How far behind we are after a frame was shown, in ms, or null where nobody can say.
 * @param {{type: string, now?: number, produced?: number}} frame
 * @param {number|null} before what it was
 * @param {number} serverNow
 * @param {boolean} fresh the first frame of a connection: what it brings was missed, not slow
 * @returns {number|null}
 */
export function behindAfter(frame, before, serverNow, fresh) {
  if (frame.type === "gap" || frame.now === undefined) return before;
  const measured = frame.type === "delta" && !fresh;
  const own = Math.max(0, Math.round(serverNow - (measured ? frame.produced ?? frame.now : frame.now)));
  if (measured || isLate(own)) return own;
  // In time, but its own way says nothing about the way of news: what the last delta measured stands, unless
  // that was late, which is over now.
  return frame.type === "heartbeat" && !isLate(before) ? before : null;
}

/**
 * What may be claimed.
 * @param {object} facts
 * @param {boolean} facts.ended the connection is over for good
 * @param {boolean} facts.asleep it was given up because nobody looks
 * @param {boolean} facts.open frames of this connection have been shown
 * @param {boolean} facts.failed a connection was lost, or could not be had
 * @param {boolean} facts.silent no sign of life for too long
 * @param {number|null} facts.behind ms
 * @param {boolean} facts.stale the server cannot vouch for what is shown
 * @returns {State}
 */
export function stateOf({ ended, asleep, open, failed, silent, behind, stale }) {
  if (ended) return "closed";
  if (asleep) return "asleep";
  if (!open) return failed ? "lost" : "connecting";
  if (silent) return "lost";
  return stale || isLate(behind) ? "lagging" : "live";
}
