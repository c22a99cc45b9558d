// @ts-check
// A connection that is there whenever it can be: chooses the transport, comes back, gives up what went silent, sleeps
// while nobody looks. What is in the frames is live.js's business.
import { afterEnding, afterOpening, firstChoice, isTrialDue, nameOf, recall, remember, tryBetter } from "./fallback.js";
import { openPolling } from "./poll.js";
import { openEvents } from "./sse.js";
import { GRACE_MS, PATIENCE, SLEEP_MS, STABLE_MS, mayComeBack, waitBefore } from "./timing.js";
import { openWebSocket } from "./websocket.js";

/**
 * @typedef {import("./fallback.js").Name} Name
 * @typedef {import("./websocket.js").Transport} Transport
 * @typedef {import("./websocket.js").Frame} Frame
 * @typedef {{code: number, reason: string}} Close
 *
 * @typedef {object} Listener
 * @property {() => URLSearchParams} query what the next connection asks for
 * @property {(frame: Frame) => void} frame
 * @property {(expected: boolean) => void} lost what was open is not; expected: the server ended it in order
 * @property {(close: Close) => boolean} mended of a close that is for good: the next query will not be refused for this
 * @property {() => void} changed called every second, too
 *
 * @typedef {object} LinkOptions
 * @property {number} [sleepAfter] ms out of sight after which it stops listening; Infinity: never
 * @property {Record<Name, Transport>} [transports]
 */

/** @type {Record<Name, Transport>} */
const TRANSPORTS = { websocket: openWebSocket, sse: openEvents, poll: openPolling };
/** Closes by which the server says that it, not the transport, is the reason. */
const BLAMELESS = new Set([1001, 1011, 1012, 1013, 4400, 4408, 4429]);
const RESTARTING = 1012;
/** However often what had opened is cut, the wait grows no longer than after so many. */
const MOST_CUTS = 4;
const TOO_MANY = 4429;

const storage = () => localStorage;
const hidden = () => document.visibilityState === "hidden";

export class Link {
  ended = false;
  asleep = false;
  /** the whole view came over this connection, or is known to be there */
  open = false;
  /** what was open was lost, or no transport could be had */
  failed = false;
  /** when the last sign of life came (Date.now) @type {number|null} */
  since = null;
  /** how the last connection ended, while there is none @type {Partial<Close>} */
  closing = {};

  #view;
  #listener;
  #transports;
  #sleepAfter;
  #choice = firstChoice(recall(storage), Date.now());
  /** @type {import("./websocket.js").Connection|null} */
  #connection = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #retry;
  #watch;
  #stop = new AbortController();
  /** frames come through, though not the view yet */
  #answered = false;
  #failures = 0;
  #startedAt = 0;
  /** by the clock that nobody sets */
  #heardAt = -Infinity;
  /** since when nobody sees the page @type {number|null} */
  #hiddenAt = null;
  #graceUntil = -Infinity;

  /**
   * @param {string} view
   * @param {Listener} listener
   * @param {LinkOptions} options
   */
  constructor(view, listener, { sleepAfter = SLEEP_MS, transports = TRANSPORTS }) {
    this.#view = view;
    this.#listener = listener;
    this.#sleepAfter = sleepAfter;
    this.#transports = transports;
    this.#watch = setInterval(() => this.#check(), 1_000);
    if (hidden()) this.#hiddenAt = performance.now();
    const listening = { signal: this.#stop.signal };
    addEventListener("online", () => this.#comeBackNow(true), listening);
    addEventListener("offline", () => this.#giveUp(true), listening);
    document.addEventListener("visibilitychange", () => this.#seen(), listening);
  }

  get transport() {
    return nameOf(this.#choice);
  }

  /** The server ended a connection in order, and we are about to be back: nothing that is shown has grown old. */
  get inGrace() {
    return performance.now() < this.#graceUntil;
  }

  /** No sign of life for too long. While a machine sleeps only one of the two clocks runs. */
  get silent() {
    const silence = Math.max(performance.now() - this.#heardAt, Date.now() - (this.since ?? -Infinity));
    const { first, silence: most } = PATIENCE[this.transport];
    return Math.min(silence, performance.now() - this.#startedAt) > (this.open || this.#answered ? most : first);
  }

  connect() {
    clearTimeout(this.#retry);
    if (this.ended || this.asleep || this.#connection) return;
    if (isTrialDue(this.#choice, Date.now())) this.#choice = tryBetter(this.#choice);
    this.open = this.#answered = false;
    this.closing = {};
    this.#startedAt = performance.now();
    this.#connection = this.#transports[this.transport](this.#view, this.#listener.query(), {
      frame: (frame) => {
        this.#hear();
        this.#listener.frame(frame);
      },
      alive: () => this.#hear(),
      end: (code, reason) => this.#lose({ code, reason }, BLAMELESS.has(code)),
    });
  }

  /** Connects anew at once, if there is a connection: its query has changed. */
  renew() {
    if (!this.#connection) return;
    this.#connection.close();
    this.#connection = null;
    if (this.open) this.#graceUntil = performance.now() + GRACE_MS;
    this.connect();
  }

  /** The server speaks to us, and has no view to show: that is no fault of the transport. */
  answered() {
    this.#answered = true;
  }

  /** The whole view is shown. */
  opened() {
    this.open = true;
    this.failed = false;
    this.#choice = afterOpening(this.#choice, Date.now());
    remember(storage, this.#choice);
  }

  /**
   * Sends a message; false where this transport cannot.
   * @param {object} message
   */
  say(message) {
    return this.open && (this.#connection?.say?.(message) ?? false);
  }

  /** @param {Close} close */
  end(close) {
    if (this.ended) return;
    this.ended = true;
    this.#drop();
    clearInterval(this.#watch);
    this.#stop.abort();
    this.closing = close;
    this.#listener.changed();
  }

  #hear() {
    this.#heardAt = performance.now();
    this.since = Date.now();
  }

  /**
   * A connection is over, or could not be had.
   * @param {Close} close
   * @param {boolean} blameless
   * @param {boolean} [silent]
   */
  #lose(close, blameless, silent = false) {
    this.#connection = null;
    const mended = !mayComeBack(close.code);
    if (mended && !this.#listener.mended(close)) return this.end(close);
    const { open } = this;
    const lasted = performance.now() - this.#startedAt;
    this.#choice = afterEnding(this.#choice, { opened: open, lasted, silent, blameless }, Date.now());
    const { pause } = this.#choice;
    const good = open && (lasted > STABLE_MS || close.code === RESTARTING);
    if (pause) this.#failures = good ? 1 : Math.min(this.#failures + 1, open ? MOST_CUTS : Infinity);
    const wait = pause && !mended ? waitBefore(this.#failures, close, Math.random()) : 0;
    const expected = open && (mended || close.code === RESTARTING) && wait < GRACE_MS;
    if (expected) this.#graceUntil = performance.now() + GRACE_MS;
    this.open = false;
    this.failed ||= open || pause;
    this.closing = close;
    this.#retry = setTimeout(() => this.connect(), wait);
    if (open) this.#listener.lost(expected);
    this.#listener.changed();
  }

  /**
   * @param {boolean} blameless
   * @param {Close} [close]
   */
  #giveUp(blameless, close = { code: 1006, reason: "" }) {
    if (!this.#connection) return;
    this.#connection.close();
    this.#lose(close, blameless, true);
  }

  #seen() {
    if (hidden()) this.#hiddenAt ??= performance.now();
    else {
      this.#hiddenAt = null;
      this.#comeBackNow(false);
    }
  }

  /** @param {boolean} anew a try that began before now may wait for a network that is gone */
  #comeBackNow(anew) {
    if (hidden()) return;
    if (this.asleep) this.asleep = this.failed = false;
    this.#check();
    // Who was told that there are too many does not come before the time.
    if (this.closing.code === TOO_MANY) return;
    if (anew && !this.open) this.renew();
    this.connect();
  }

  #drop() {
    this.#connection?.close();
    this.#connection = null;
    clearTimeout(this.#retry);
    if (this.open) this.#listener.lost(false);
    this.open = false;
  }

  #check() {
    if (this.#connection && this.silent) this.#giveUp(false);
    if (this.open && isTrialDue(this.#choice, Date.now())) this.#giveUp(true, { code: RESTARTING, reason: "retry=0" });
    const now = performance.now();
    if (this.#hiddenAt !== null && now - this.#hiddenAt >= this.#sleepAfter && !this.asleep) {
      this.asleep = true;
      this.#drop();
    }
    this.#listener.changed();
  }
}
