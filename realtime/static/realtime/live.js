// @ts-check
// A view of the server, kept up to date: takes frames in, resumes where it was, and says honestly how things stand.
import { Link } from "./link.js";
import { ServerClock, behindAfter, stateOf } from "./timing.js";

/**
 * @typedef {import("./timing.js").State} State
 *
 * @typedef {{type: string, cursor?: string, now?: number, produced?: number, first?: boolean, more?: boolean,
 *   stale?: boolean, reason?: string} & Record<string, any>} Frame
 *
 * @typedef {object} Status
 * @property {State} state
 * @property {number|null} behind ms from the broker to the screen, null where nobody can say
 * @property {number|null} since when the last sign of life came (Date.now)
 * @property {number|null} news when something new was last shown (Date.now)
 * @property {import("./fallback.js").Name} transport in use, or tried next
 * @property {number} [code] of the last close, while there is no connection
 * @property {string} [reason] why it is not live
 *
 * @typedef {{params?: Record<string, string>} & import("./link.js").LinkOptions} Options
 *   params: query parameters of the view, its filter
 */

const NOT_UNDERSTOOD = 4400;
/** @type {Record<number, string>} */
const REASONS = {
  1000: "",
  4400: "This page and the server no longer understand each other. Reload the page.",
  4401: "You are signed out. Sign in and reload the page.",
  4403: "You may not see this. Ask whoever gave you your account.",
  4404: "This link is not valid, or has expired.",
};

/**
 * Events: "snapshot" {frame, first, last, params, anew}, "delta" {frame}, "gap" {frame}, "state" {@link Status}, and
 * "refused" {params, reason} for a filter that the server does not take. A snapshot's params are its filter, the same
 * object that was given; anew: the state began another life, and its numbers begin anew, too.
 */
export class Live extends EventTarget {
  /** @type {Status} */
  status = { state: "connecting", behind: null, since: null, news: null, transport: "websocket" };

  #link;
  #params;
  /** the filter of what is shown @type {Record<string, string>} */
  #shown = {};
  /** the filter that the server was last asked for @type {Record<string, string>} */
  #sent = {};
  /** the life of the state that is shown, as cursors begin with it */
  #life = "";
  #clock = new ServerClock();
  #cursor = "";
  #inSnapshot = false;
  /** a filter was sent, and what comes before its snapshot is still of the one before */
  #refiltering = false;
  /** a further one waits for that snapshot: the first snapshot after a filter is then known to be its answer */
  #filterWaits = false;
  /** @type {number|null} */
  #behind = null;
  /** why the server does not vouch for what is shown; only its heartbeats say so, and take it back */
  #doubt = "";
  /** @type {number|null} */
  #news = null;

  /**
   * @param {string} view
   * @param {Options} [options]
   */
  constructor(view, { params = {}, ...options } = {}) {
    super();
    this.#params = params;
    const listener = {
      query: () => this.#query(),
      frame: (/** @type {Frame} */ frame) => this.#receive(frame),
      mended: (/** @type {import("./link.js").Close} */ close) => this.#mend(close),
      lost: (/** @type {boolean} */ expected) => this.#lose(expected),
      changed: () => this.#say(),
    };
    this.#link = new Link(view, listener, options);
    // After this turn, so that listeners added right after connect() miss nothing.
    queueMicrotask(() => this.#link.connect());
  }

  /** The server's time in ms: this machine's until the first frame. */
  serverNow() {
    return this.#clock.now(performance.now()) ?? Date.now();
  }

  /**
   * Another filter for the view in place of the one before; a fresh snapshot follows. It is kept across reconnects.
   * @param {Record<string, string>} params as in the query, such as {levels: "ERROR,FATAL"}
   */
  filter(params) {
    this.#params = params;
    this.#cursor = "";
    this.#filterWaits = this.#refiltering;
    if (this.#refiltering) return;
    if (!this.#sendFilter()) this.#link.renew();
  }

  close() {
    this.#link.end({ code: 1000, reason: "" });
  }

  #sendFilter() {
    this.#refiltering = this.#link.say({ type: "filter", ...this.#params });
    if (this.#refiltering) this.#sent = this.#params;
    return this.#refiltering;
  }

  #query() {
    this.#sent = this.#params;
    this.#refiltering = this.#filterWaits = false;
    if (!this.#cursor) this.#inSnapshot = false;
    const query = new URLSearchParams(this.#params);
    if (this.#cursor) query.set("cursor", this.#cursor);
    return query;
  }

  /** @param {Frame} frame */
  #receive(frame) {
    const fresh = !this.#link.open;
    const beat = frame.type === "heartbeat";
    if (frame.now !== undefined) this.#clock.note(frame.now, performance.now());
    if (frame.type === "snapshot") this.#showSnapshot(frame);
    else if (frame.type === "delta" || frame.type === "gap") this.#show(frame.type, { frame });
    if (frame.type === "snapshot" || frame.type === "delta") this.#news = Date.now();
    // A first heartbeat does not know yet what we hold.
    if (!(beat && fresh) && !this.#refiltering) this.#cursor = frame.cursor ?? this.#cursor;
    // A heartbeat alone opens a connection only for who resumes: others have nothing on the page yet.
    if (fresh && !this.#inSnapshot && this.#cursor) this.#link.opened();
    if (beat) this.#link.answered();
    if (beat || fresh) this.#doubt = frame.stale ? frame.reason ?? "what is shown may be old" : "";
    // Measured here, after the listeners have shown the frame.
    this.#behind = behindAfter(frame, this.#behind, this.serverNow(), fresh);
    this.#say();
  }

  /** @param {Frame} frame */
  #showSnapshot(frame) {
    // A snapshot that was cut goes on where it was, over the next connection, too.
    const first = frame.first ?? !this.#inSnapshot;
    const last = !frame.more;
    this.#inSnapshot = !last;
    if (first) this.#shown = this.#sent;
    if (first && this.#refiltering) {
      this.#refiltering = this.#filterWaits && this.#sendFilter();
      this.#filterWaits = false;
    }
    const life = frame.cursor?.split(".")[0] ?? this.#life;
    const anew = this.#life !== "" && life !== this.#life;
    this.#life = life;
    this.#show("snapshot", { frame, first, last, params: this.#shown, anew });
  }

  /**
   * A filter that the server refuses, such as an expression that is none, gives way to the one before.
   * @param {import("./link.js").Close} close
   */
  #mend({ code, reason }) {
    if (code !== NOT_UNDERSTOOD || this.#sent === this.#shown) return false;
    const params = this.#sent;
    // Another one may wait by now, which was not refused.
    if (this.#params === params) this.#params = this.#shown;
    this.#cursor = "";
    this.#show("refused", { params, reason });
    return true;
  }

  /** @param {boolean} expected */
  #lose(expected) {
    if (!expected) [this.#behind, this.#doubt] = [null, ""];
  }

  /**
   * @param {string} type
   * @param {object} detail
   */
  #show(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** Says how things stand, if that has changed. */
  #say() {
    const { ended, asleep, open, inGrace, failed, silent, since, closing, transport } = this.#link;
    const behind = this.#behind;
    const stale = this.#doubt !== "";
    const state = stateOf({ ended, asleep, open: open || inGrace, failed, silent: open && silent, behind, stale });
    const before = this.status;
    this.status = { state, behind, since, news: this.#news, transport };
    if (closing.code !== undefined) this.status.code = closing.code;
    if (stale) this.status.reason = this.#doubt;
    if (ended) this.status.reason = REASONS[closing.code ?? 0] ?? (closing.reason || "The server closed this page's connection.");
    const same = before.state === state && before.behind === behind && before.since === since;
    if (!same || before.reason !== this.status.reason) this.#show("state", this.status);
  }
}

/**
 * Connects at once.
 * @param {string} view "orders", "logs", "track/<token>"
 * @param {Options} [options]
 */
export function connect(view, options) {
  return new Live(view, options);
}
