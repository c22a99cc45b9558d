// @ts-check
// How high a row is before it exists: the styles give each kind of row its height, and a narrow page two lines to a
// message that needs them.
import { firstLine } from "./rows.js";

/** @typedef {import("./store.js").Item} Item */

export class Layout {
  /** What the button over the end of a paused list takes, in px. */
  static pill = 64;
  #scroller;
  #row = 22;
  #tall = 22;
  #missing = 26;
  /** characters of a message that fit into one line */
  #fits = Infinity;

  /** @param {HTMLElement} scroller */
  constructor(scroller) {
    this.#scroller = scroller;
    this.measure();
  }

  /** Looks at the styles again; whether rows have other heights than before. */
  measure() {
    const before = [this.#row, this.#tall, this.#missing, this.#fits].join();
    const styles = getComputedStyle(this.#scroller);
    const px = (/** @type {string} */ name) => Number.parseFloat(styles.getPropertyValue(name));
    [this.#row, this.#tall, this.#missing] = [px("--row"), px("--tall"), px("--missing")];
    this.#fits = this.#tall > this.#row ? Math.floor((this.#scroller.clientWidth - px("--beside")) / widthOf(styles.font)) : Infinity;
    return before !== [this.#row, this.#tall, this.#missing, this.#fits].join();
  }

  /** @param {import("./filter.js").Line} line */
  isTall({ message }) {
    return message.length > this.#fits && firstLine(message).length > this.#fits;
  }

  /** @param {Item} item closed */
  heightOf(item) {
    if (!("line" in item)) return this.#missing;
    return this.isTall(item.line) ? this.#tall : this.#row;
  }
}

/** Of a character; all are as wide as each other. @param {string} font */
function widthOf(font) {
  const context = document.createElement("canvas").getContext("2d");
  if (!context) return 8;
  context.font = font;
  return context.measureText("0").width;
}
