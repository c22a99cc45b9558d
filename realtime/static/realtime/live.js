// @ts-check
// A view of the server, kept up to date: connects, resumes where it was, and says honestly how things stand.
import { openWebSocket } from "./websocket.js";
import { SILENCE_MS, STABLE_MS, ServerClock, behindAfter, mayComeBack, stateOf, waitBefore } from "./timing.js";

/**
 * @typedef {import("./timing.js").State} State
 * @typedef {import("./websocket.js").Transport} Transport
 *
 * @typedef {{type: string, cursor?: string, now?: number, produced?: number, more?: boolean, stale?: boolean,
 *   reason?: string} & Record<string, any>} Frame
 *
 * @typedef {object} Status
 * @property {State} state
 * @property {number|null} behind ms from the broker to the screen, null where nobody can say
 * @property {number|null} since when the last frame came (Date.now)
 * @property {number|null} news when something new was last shown (Date.now)
 * @property {number} [code] of the last close, while there is no connection
 * @property {string} [reason] why it is not live
 *
 * @typedef {object} Options
 * @property {Record<string, string>} [params] query parameters of the view, such as filters
 * @property {Transport} [transport]
 */

/** @type {Record<number, string>} */
const REASONS = {
  4400: "This page and the server no longer understand each other. Reload the page.",
  4401: "You are signed out. Sign in and reload the page.",
  4403: "You may not see this. Ask whoever gave you your account.",
  4404: "This link is not valid, or has expired.",
};

/**
 * Events: "snapshot" {frame, first, last}, "delta" {frame}, "gap" {frame}, "state" {@link Status}.
 */
export class Live extends EventTarget {
  /** @type {Status} */
  status = { state: "connecting", behind: null, since: null, news: null };

  #view;
  #params;
  #transport;
  #clock = new ServerClock();
  /** @type {import("./websocket.js").Connection|null} */
  #connection = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #retry;
  #watch;
  #stop = new AbortController();

  #cursor = "";
  #ended = false;
  /** frames of this connection are on the page */
  #open = false;
  #failed = false;
  #failures = 0;
  #openedAt = 0;
  #inSnapshot = false;
  /** when the last frame came, by the clock that nobody sets and by the one that runs while we sleep */
  #heard = { steady: -Infinity, wall: -Infinity };
  /** @type {number|null} */
  #behind = null;
  /** why the server does not vouch for what is shown; only its heartbeats say so, and take it back */
  #doubt = "";
  /** @type {{code?: number, reason?: string}} how the last connection ended, while there is none */
  #closing = {};
  /** @type {number|null} */
  #news = null;

  /**
   * @param {string} view
   * @param {Options} [options]
   */
  constructor(view, { params = {}, transport = openWebSocket } = {}) {
    super();
    this.#view = view;
    this.#params = params;
    this.#transport = transport;
    this.#watch = setInterval(() => this.#check(), 1_000);
    const listening = { signal: this.#stop.signal };
    addEventListener("online", () => this.#comeBackNow(), listening);
    document.addEventListener("visibilitychange", () => this.#comeBackNow(), listening);
    // After this turn, so that listeners added right after connect() miss nothing.
    queueMicrotask(() => this.#connect());
  }

  /** The server's time in ms: this machine's until the first frame. */
  serverNow() {
    return this.#clock.now(performance.now()) ?? Date.now();
  }

  close() {
    this.#end(1000, "");
  }

  #connect() {
    if (this.#ended || this.#connection) return;
    const query = new URLSearchParams(this.#params);
    if (this.#cursor) query.set("cursor", this.#cursor);
    this.#open = false;
    this.#inSnapshot = false;
    this.#closing = {};
    this.#openedAt = performance.now();
    this.#connection = this.#transport(this.#view, query, {
      frame: (text) => this.#receive(JSON.parse(text)),
      end: (code, reason) => this.#lose(code, reason),
    });
  }

  /** @param {Frame} frame */
  #receive(frame) {
    const fresh = !this.#open;
    const beat = frame.type === "heartbeat";
    this.#heard = { steady: performance.now(), wall: Date.now() };
    if (frame.now !== undefined) this.#clock.note(frame.now, performance.now());
    if (frame.type === "snapshot") this.#showSnapshot(frame);
    else if (frame.type === "delta" || frame.type === "gap") this.#show(frame.type, { frame });
    if (frame.type === "snapshot" || frame.type === "delta") this.#news = Date.now();
    // A heartbeat alone opens a connection only for who resumes: others have nothing on the page yet.
    if (beat ? this.#cursor : !frame.more) this.#open = true;
    // Half a snapshot is nothing to resume from, and a first heartbeat does not know yet what we hold.
    if (!(beat && fresh)) this.#cursor = frame.more ? "" : frame.cursor ?? this.#cursor;
    if (beat) this.#doubt = frame.stale ? frame.reason ?? "what is shown may be old" : "";
    // Measured here, after the listeners have shown the frame.
    this.#behind = behindAfter(frame, this.#behind, this.serverNow(), fresh);
    this.#check();
  }

  /** @param {Frame} frame */
  #showSnapshot(frame) {
    const first = !this.#inSnapshot;
    const last = !frame.more;
    this.#inSnapshot = !last;
    this.#show("snapshot", { frame, first, last });
  }

  /**
   * @param {string} type
   * @param {object} detail
   */
  #show(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #lose(code, reason) {
    this.#connection = null;
    if (!mayComeBack(code)) return this.#end(code, REASONS[code] ?? (reason || "The server closed this page's connection."));
    this.#failures = performance.now() - this.#openedAt > STABLE_MS ? 1 : this.#failures + 1;
    this.#open = false;
    this.#failed = true;
    [this.#behind, this.#doubt, this.#closing] = [null, "", { code, reason }];
    this.#retry = setTimeout(() => this.#connect(), waitBefore(this.#failures, code, Math.random()));
    this.#check();
  }

  #comeBackNow() {
    if (document.visibilityState === "hidden") return;
    this.#check();
    if (this.#connection) return;
    clearTimeout(this.#retry);
    this.#connect();
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #end(code, reason) {
    if (this.#ended) return;
    this.#ended = true;
    this.#connection?.close();
    this.#connection = null;
    clearTimeout(this.#retry);
    clearInterval(this.#watch);
    this.#stop.abort();
    [this.#behind, this.#doubt, this.#closing] = [null, "", { code, reason }];
    this.#check();
  }

  #silence() {
    return Math.max(performance.now() - this.#heard.steady, Date.now() - this.#heard.wall);
  }

  /** Says how things stand, and gives up a connection that has gone silent. */
  #check() {
    const waited = Math.min(this.#silence(), performance.now() - this.#openedAt);
    if (this.#connection && waited > SILENCE_MS) {
      this.#connection.close();
      this.#lose(1006, "silent");
      return;
    }
    const behind = this.#behind;
    const state = stateOf({
      ended: this.#ended,
      open: this.#open,
      failed: this.#failed,
      silence: this.#silence(),
      behind,
      stale: this.#doubt !== "",
    });
    const since = this.#heard.wall > 0 ? this.#heard.wall : null;
    const before = this.status;
    this.status = { state, behind, since, news: this.#news, ...this.#closing };
    if (this.#doubt) this.status.reason = this.#doubt;
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
