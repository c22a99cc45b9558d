// @ts-check
// Where a regular expression of the server's kind matches, as far as this browser can tell. The server decides which
// lines are sent; this marks them, and judges those that the tab held before.

/** @typedef {import("./filter.js").Line} Line */

/** Longer than this no batch may take: an expression that RE2 reads in time may explode here. */
const PATIENCE_MS = 2_000;
const BATCH = 1_000;

/**
 * RE2's syntax as JavaScript has it, or null where it does not: in Unicode mode what it does not know is an error.
 * @param {string} source
 * @returns {{source: string, flags: string}|null}
 */
export function translated(source) {
  const [head = "", letters = ""] = /^\(\?([ims]+)\)/.exec(source) ?? [];
  const body = source.slice(head.length).replaceAll("(?P<", "(?<");
  try {
    const { flags } = new RegExp(body, [...new Set(`gu${letters}`)].join(""));
    return { source: body, flags };
  } catch {
    return null;
  }
}

export class Finder {
  #pattern;
  #changed;
  /** @type {Worker|null} */
  #worker = null;
  /** @type {WeakMap<Line, number[]|null>} */
  #known = new WeakMap();
  /** @type {Set<Line>} */
  #asked = new Set();
  /** @type {Line[]} */
  #batch = [];
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;

  /**
   * @param {string} source in RE2's syntax
   * @param {() => void} changed called when more is known
   */
  constructor(source, changed) {
    this.#pattern = translated(source);
    this.#changed = changed;
  }

  /** Whether all that was asked is answered, or never will be. */
  get done() {
    return !this.#pattern || !this.#asked.size;
  }

  /**
   * Where it matches; null: nowhere; undefined: not known, now or ever. What is not known yet is looked up.
   * @param {Line} line
   * @returns {number[]|null|undefined}
   */
  spansOf(line) {
    const known = this.#known.get(line);
    if (known === undefined && this.#pattern) this.#ask(line);
    return known;
  }

  close() {
    clearTimeout(this.#timer);
    this.#worker?.terminate();
    this.#worker = null;
    this.#pattern = null;
    this.#asked.clear();
  }

  /** @param {Line} line */
  #ask(line) {
    this.#asked.add(line);
    if (this.#batch.length) return;
    this.#batch = [line]; // until this turn is over more may come
    queueMicrotask(() => this.#send());
  }

  #send() {
    if (!this.#pattern) return;
    this.#batch = firstOf(this.#asked, BATCH);
    if (!this.#batch.length) return;
    if (!this.#worker) {
      this.#worker = new Worker(new URL("./regexworker.js", import.meta.url), { type: "module" });
      this.#worker.addEventListener("message", ({ data }) => this.#take(data));
      this.#worker.addEventListener("error", () => this.#giveUp());
    }
    this.#timer = setTimeout(() => this.#giveUp(), PATIENCE_MS);
    this.#worker.postMessage({ ...this.#pattern, texts: this.#batch.map(({ message }) => message) });
  }

  /** @param {(number[]|null)[]} answers */
  #take(answers) {
    clearTimeout(this.#timer);
    this.#batch.forEach((line, index) => {
      this.#known.set(line, answers[index]);
      this.#asked.delete(line);
    });
    this.#batch = [];
    this.#send();
    if (this.done) this.#changed();
  }

  #giveUp() {
    this.close();
    this.#changed();
  }
}

/**
 * @template T
 * @param {Iterable<T>} items
 * @param {number} count
 */
function firstOf(items, count) {
  const first = [];
  for (const item of items) {
    if (first.length === count) break;
    first.push(item);
  }
  return first;
}
