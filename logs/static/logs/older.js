// @ts-check
// Counts from before the hour that the view sends: asked for once, in the width of the bars that show them.
import { Counts } from "./counts.js";

/** The view sends the minutes of the last hour. */
const SENT_S = 3_600;
const AGAIN_MS = 5_000;
const DAY_S = 86_400;

export class Older {
  #url;
  #changed;
  #counts = new Counts(2 * DAY_S);
  /** unix seconds: what is later is counted by the view */
  #until = 0;
  /** what was asked for last, and is there or on its way */
  #asked = "";
  #again = 0;
  /** nothing that was asked for before counts any more */
  #turn = 0;

  /**
   * @param {string} url
   * @param {() => void} changed
   */
  constructor(url, changed) {
    this.#url = url;
    this.#changed = changed;
  }

  /** The first second that the view counts, where older ones are shown. */
  get until() {
    return this.#until;
  }

  /** Whether what is shown is not all there yet. */
  waiting = false;

  /** What is held may be out of date, or of another filter. */
  forget() {
    this.#counts.clear();
    this.#asked = "";
    this.#turn += 1;
    this.waiting = false;
  }

  /**
   * Sees to it that the bars of a span which lie before the last hour are counted.
   * @param {import("./counts.js").Span} span
   * @param {number} snapshotAt unix seconds, when the view last sent all it has
   * @param {string} filter as a query
   */
  want(span, snapshotAt, filter) {
    const until = Math.ceil((snapshotAt - SENT_S) / span.width) * span.width;
    const key = `${span.width} ${until} ${filter}`;
    if (span.from >= until || key === this.#asked || performance.now() < this.#again) return;
    this.forget();
    [this.#until, this.#asked, this.waiting] = [until, key, true];
    void this.#ask(`from=${span.from}&until=${until}&width=${span.width}${filter && `&${filter}`}`, this.#turn);
  }

  /**
   * @param {string} query
   * @param {number} turn
   */
  async #ask(query, turn) {
    let rows = null;
    try {
      const response = await fetch(`${this.#url}?${query}`, { headers: { accept: "application/json" } });
      if (response.ok && !response.redirected) rows = (await response.json()).counts;
    } catch {
      // Asked again below.
    }
    if (turn !== this.#turn) return;
    if (rows) {
      this.#counts.add(rows);
      this.waiting = false;
    } else {
      [this.#asked, this.#again] = ["", performance.now() + AGAIN_MS];
    }
    this.#changed();
  }

  /** @param {import("./counts.js").Span} span @param {string} service */
  bars(span, service) {
    return this.#counts.bars(span, service);
  }

  /** @param {import("./counts.js").Span} span */
  services(span) {
    return this.#counts.services(span);
  }
}
