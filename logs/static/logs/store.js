// @ts-check
// The lines that this tab keeps, with what is missing between them standing where it is missing.

/**
 * @typedef {import("./filter.js").Line} Line
 *
 * @typedef {{seq: number, line: Line}} LineItem
 * @typedef {{seq: number, missing: "hidden"|"missed", n: number|null}} MissingItem
 *   hidden: counted but not sent; missed: gone, null when nobody knows how many
 * @typedef {LineItem | MissingItem} Item
 */

export class Store {
  /** @type {Item[]} */
  #items = [];
  #seq = 0;
  /** the number of the newest line */
  #last = 0;

  /** @param {number} keep lines */
  constructor(keep) {
    this.keep = keep;
  }

  /** The number of the newest item. */
  get newest() {
    return this.#seq;
  }

  get size() {
    return this.#items.length;
  }

  /** A new snapshot begins; its lines may be numbered anew. */
  clear() {
    this.#items = [];
    this.#last = 0;
  }

  /**
   * Lines of one frame, oldest first, and how many more there were: those stand where the numbers jump most.
   * A line that is already there is left out.
   * @param {readonly Line[]} lines
   * @param {number} hidden
   */
  add(lines, hidden = 0) {
    const fresh = lines.filter(({ n }) => n > this.#last);
    const at = this.#widestJump(fresh);
    if (hidden && !fresh.length) this.missing("hidden", hidden);
    fresh.forEach((line, index) => {
      if (hidden && index === at) this.missing("hidden", hidden);
      this.#items.push({ seq: ++this.#seq, line });
    });
    this.#last = fresh.at(-1)?.n ?? this.#last;
    // Cut now and then, not line by line.
    if (this.#items.length > this.keep * 1.2) this.#items = this.#items.slice(-this.keep);
  }

  /**
   * @param {"hidden"|"missed"} missing
   * @param {number|null} n
   */
  missing(missing, n) {
    this.#items.push({ seq: ++this.#seq, missing, n });
  }

  /**
   * Items newer than one number and not newer than another, oldest first.
   * @param {number} after
   * @param {number} until
   */
  between(after, until = Infinity) {
    let start = this.#items.length;
    while (start > 0 && this.#items[start - 1].seq > after) start -= 1;
    let end = this.#items.length;
    while (end > start && this.#items[end - 1].seq > until) end -= 1;
    return this.#items.slice(start, end);
  }

  /** @param {readonly Line[]} lines */
  #widestJump(lines) {
    let [before, widest, at] = [this.#last, 0, 0];
    lines.forEach(({ n }, index) => {
      if (n - before > widest) [widest, at] = [n - before, index];
      before = n;
    });
    return at;
  }
}
