// @ts-check
// Sends what waits, again and again until the server has answered for it.

/**
 * @typedef {import("./queue.js").Queue} Queue
 * @typedef {{id: string, reason: string, code?: string}} Refused
 * @typedef {{ok: boolean, away: boolean, ended: boolean}} State
 *   away: the last try did not get through; ended: the link works no longer
 */

const PATIENCE_MS = 15_000;
const LONGEST_MS = 30_000;
const GONE = 404;
/** The server will not take the body as it is: its parts are tried, one bad report must not hold up the others. */
const UNFIT = [400, 413];

/**
 * How long to wait before the next try.
 * @param {number} failures in a row, at least 1
 * @param {number} asked seconds that the server asked for, or 0
 * @param {number} chance 0 to 1
 */
export const waitAfter = (failures, asked, chance) =>
  Math.max(asked * 1_000, Math.min(LONGEST_MS, 1_000 * 2 ** (failures - 1)) * (0.5 + chance / 2));

/** Events: "answered" {accepted: string[], refused: Refused[]}, "state". */
export class Sender extends EventTarget {
  away = false;
  ended = false;
  #url;
  #queue;
  #most;
  #size;
  #busy = false;
  #failures = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #retry;

  /**
   * @param {string} url
   * @param {Queue} queue
   * @param {number} most reports in one request
   */
  constructor(url, queue, most) {
    super();
    this.#url = url;
    this.#queue = queue;
    this.#most = this.#size = most;
    addEventListener("online", () => this.send());
    document.addEventListener("visibilitychange", () => document.hidden || this.send());
  }

  /** Tries now. */
  async send() {
    clearTimeout(this.#retry);
    if (this.#busy || this.ended) return;
    this.#busy = true;
    try {
      while (!this.ended && (await this.#sendSome()));
    } finally {
      this.#busy = false;
    }
  }

  /** @returns {Promise<boolean>} whether to go on at once */
  async #sendSome() {
    const reports = this.#queue.next(this.#size);
    if (!reports.length) return false;
    /** @type {Response} */
    let response;
    /** @type {any} */
    let answer;
    try {
      const body = JSON.stringify({ reports });
      const headers = { "Content-Type": "application/json" };
      response = await fetch(this.#url, { method: "POST", body, headers, credentials: "omit", signal: AbortSignal.timeout(PATIENCE_MS) });
      answer = await response.json();
    } catch {
      return this.#fail(0);
    }
    if (response.status === GONE) {
      this.ended = true;
      this.#say("state");
      return false;
    }
    if (UNFIT.includes(response.status)) return this.#split(reports, String(answer.detail ?? ""));
    if (!response.ok) return this.#fail(Number(response.headers.get("Retry-After")) || 0);
    this.#size = this.#most;
    this.#done(reports.map(({ id }) => id), answer.accepted ?? [], answer.refused ?? []);
    return true;
  }

  /**
   * @param {import("./queue.js").Report[]} reports
   * @param {string} reason
   */
  #split(reports, reason) {
    this.#size = Math.max(1, Math.floor(reports.length / 2));
    if (reports.length === 1) this.#done([reports[0].id], [], [{ id: reports[0].id, reason }]);
    return true;
  }

  /**
   * @param {string[]} ids
   * @param {string[]} accepted
   * @param {Refused[]} refused
   */
  #done(ids, accepted, refused) {
    this.#failures = 0;
    this.away = false;
    this.dispatchEvent(new CustomEvent("answered", { detail: { accepted, refused } }));
    this.#queue.remove(ids);
    this.#say("state");
  }

  /**
   * @param {number} asked
   * @returns {false}
   */
  #fail(asked) {
    this.#failures += 1;
    this.away = true;
    this.#retry = setTimeout(() => this.send(), waitAfter(this.#failures, asked, Math.random()));
    this.#say("state");
    return false;
  }

  /** @param {string} type */
  #say(type) {
    this.dispatchEvent(new Event(type));
  }
}
