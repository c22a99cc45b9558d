// @ts-check
// The lines that this tab keeps, in the order of the stream, with what is missing standing where it is missing.
import { isWider } from "./filter.js";

/**
 * @typedef {import("./filter.js").Line} Line
 * @typedef {import("./filter.js").Filter} Filter
 *
 * @typedef {{at: number, line: Line, by: number}} LineItem
 *   by: the number of the filter under which the server last sent it
 * @typedef {{at: number, missing: "hidden"|"missed"|"earlier", n: number|null, by: number}} MissingItem
 *   hidden: counted but not sent; missed: gone, null when nobody knows how many; earlier: above it there may be more
 * @typedef {LineItem | MissingItem} Item `at` is its place, which only grows
 */

/** About what a line takes beside its text, in characters. */
const LINE_SIZE = 200;
/** So many of the newest lines are compared when a new life of the state numbers its lines anew. */
const OVERLAP = 10_000;

export class Store {
  /** lines that were let go, to hold no more than may be kept */
  dropped = 0;
  /** @type {Item[]} */
  #items = [];
  #size = 0;
  /** what is added to a line's number to have its place */
  #base = 0;
  /** the place of the newest line */
  #last = 0;
  /** ids of the life before, of which some may come again @type {Set<string>} */
  #before = new Set();
  /** from which place on which filter was in force @type {{from: number, filter: Filter}[]} */
  #spans = [];

  /**
   * @param {number} keep lines
   * @param {number} [keepSize] characters
   */
  constructor(keep, keepSize = Infinity) {
    this.keep = keep;
    this.keepSize = keepSize;
  }

  /** How many items there are. */
  get count() {
    return this.#items.length;
  }

  /** The place of the oldest item. */
  get oldest() {
    return this.#items[0]?.at ?? 0;
  }

  /**
   * Lines of one frame, oldest first, and how many more there were: those stand where the numbers jump most.
   * A line that is there already is not added again.
   * @param {readonly Line[]} lines
   * @param {number} hidden
   * @param {number} by the number of the filter
   * @returns {boolean} whether all came after what was there
   */
  add(lines, hidden = 0, by = 0) {
    if (this.#before.size) this.#forgetTwins(lines);
    const items = lines.map((line) => ({ at: line.n + this.#base, line, by }));
    const after = !items.length || items[0].at > this.#last;
    if (after) this.#append(items, hidden, by);
    else this.#merge(items);
    if (!after && hidden) this.missing("hidden", hidden, by);
    this.#last = Math.max(this.#last, items.at(-1)?.at ?? 0);
    this.#trim();
    return after;
  }

  /**
   * @param {"hidden"|"missed"} missing
   * @param {number|null} n
   * @param {number} [by]
   */
  missing(missing, n, by = 0) {
    this.#items.push({ at: this.#last + 0.5, missing, n, by });
  }

  /**
   * A filter is in force from the first line of its snapshot on: what was hidden under the one before is asked anew.
   * @param {number|undefined} n the line's number; undefined: the snapshot has none
   * @param {Filter} filter
   */
  cover(n, filter) {
    const from = n === undefined ? this.#last + 0.75 : n + this.#base;
    this.#spans = [...this.#spans.filter((span) => span.from < from), { from, filter }];
    this.#items = this.#items.filter((item) => item.at < from || "line" in item || item.missing !== "hidden");
  }

  /** Another life of the state numbers its lines anew: they come after those of the last one. */
  renumber() {
    const lines = this.#items.slice(-OVERLAP).filter((item) => "line" in item);
    this.#before = new Set(lines.map((item) => /** @type {LineItem} */ (item).line.id));
    this.#base = Math.ceil(this.#last + 1);
    this.#last = this.#base;
  }

  /**
   * Where lines of a filter that is now in force may be lacking: before this place, at a time when another one was.
   * @param {Filter} filter
   * @returns {number|null}
   */
  unaskedBefore(filter) {
    const last = this.#spans.findLastIndex((span) => !isWider(span.filter, filter));
    const from = this.#spans[last + 1]?.from;
    return last < 0 || from === undefined || from <= this.oldest ? null : from;
  }

  /**
   * Items whose place comes after this one, oldest first.
   * @param {number} place
   */
  after(place) {
    return this.#items.slice(firstAfter(this.#items, place));
  }

  /**
   * @param {LineItem[]} items
   * @param {number} hidden
   * @param {number} by
   */
  #append(items, hidden, by) {
    const widest = hidden ? this.#widestJump(items) : -1;
    if (hidden && !items.length) this.missing("hidden", hidden, by);
    items.forEach((item, index) => {
      if (index === widest) this.#items.push({ at: item.at - 0.5, missing: "hidden", n: hidden, by });
      this.#items.push(item);
      this.#size += sizeOf(item);
    });
  }

  /** @param {LineItem[]} items */
  #merge(items) {
    const later = this.#items.splice(firstAfter(this.#items, items[0].at - 0.75));
    let next = 0;
    for (const item of items) {
      while (next < later.length && later[next].at < item.at) this.#items.push(later[next++]);
      const held = later[next];
      if (held?.at === item.at && "line" in held) held.by = item.by;
      else {
        this.#items.push(item);
        this.#size += sizeOf(item);
      }
    }
    for (; next < later.length; next += 1) this.#items.push(later[next]);
  }

  /**
   * Lines of the life before that come again have their place in the new one.
   * @param {readonly Line[]} lines
   */
  #forgetTwins(lines) {
    const twins = new Set(lines.filter(({ id }) => this.#before.has(id)).map(({ id }) => id));
    if (!twins.size) return;
    this.#items = this.#items.filter((item) => {
      const twin = "line" in item && item.at <= this.#base && twins.has(item.line.id);
      if (twin) this.#size -= sizeOf(item);
      return !twin;
    });
  }

  #trim() {
    if (this.#items.length <= this.keep && this.#size <= this.keepSize) return;
    let [from, size] = [Math.max(0, this.#items.length - this.keep), this.#size];
    for (const item of this.#items.slice(0, from)) size -= sizeOf(item);
    for (; size > this.keepSize && from < this.#items.length - 1; from += 1) size -= sizeOf(this.#items[from]);
    const gone = this.#items.splice(0, from);
    this.dropped += gone.filter((item) => "line" in item).length;
    this.#size = size;
  }

  /** @param {readonly LineItem[]} items */
  #widestJump(items) {
    let [before, widest, at] = [this.#last, 0, 0];
    items.forEach((item, index) => {
      if (item.at - before > widest) [widest, at] = [item.at - before, index];
      before = item.at;
    });
    return at;
  }
}

/** @param {Item} item */
function sizeOf(item) {
  if (!("line" in item)) return 0;
  const { message, fields } = item.line;
  let size = LINE_SIZE + message.length;
  for (const name in fields) size += typeof fields[name] === "string" ? /** @type {string} */ (fields[name]).length : 50;
  return size;
}

/**
 * The index of the first item after a place.
 * @param {readonly Item[]} items
 * @param {number} place
 */
export function firstAfter(items, place) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle].at > place) high = middle;
    else low = middle + 1;
  }
  return low;
}
