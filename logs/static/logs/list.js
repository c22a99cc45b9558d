// @ts-check
// The lines on the page: only the rows in sight exist. Follows the newest, stands still when one reads.
import { openedLine, toggleContext } from "./details.js";
import { OPEN, isOpen, matcher } from "./filter.js";
import { Heights } from "./heights.js";
import { Layout } from "./layout.js";
import { Finder } from "./regex.js";
import { lineRow, missingText, writeMessage } from "./rows.js";
import { firstAfter } from "./store.js";

/**
 * @typedef {import("./store.js").Item} Item
 * @typedef {import("./store.js").LineItem} LineItem
 * @typedef {import("./store.js").MissingItem} MissingItem
 * @typedef {import("./filter.js").Line} Line
 * @typedef {import("./filter.js").Filter} Filter
 */

/** Nearer to the end than this is at the end. */
const NEAR = 24;
/** Rows beyond what is in sight, on each side. */
const SPARE = 8;

export class LineList {
  #scroller;
  #store;
  #templates;
  #changed;
  #layout;
  #space = document.createElement("div");
  #window = document.createElement("div");
  #filter = OPEN;
  /** the number of the filter: lines that the server sent under it match */
  #number = 0;
  #matches = matcher(OPEN);
  /** @type {Finder|null} */
  #finder = null;
  /** whether lines that were held before the regular expression still wait for its verdict */
  #judging = false;
  /** what can be scrolled to, in order @type {Item[]} */
  #items = [];
  #heights = new Heights();
  #rows = 0;
  /** the place up to which the store's items have been looked at */
  #seen = 0;
  #following = true;
  #fresh = 0;
  #frame = 0;
  #top = 0;
  /** @type {Map<Item, HTMLElement>} */
  #elements = new Map();
  /** @type {Map<Item, {panel: HTMLElement, height: number}>} height: of the row with it, once it was seen */
  #opened = new Map();
  /** @type {LineItem|null} */
  #current = null;
  #grown;

  /**
   * @param {HTMLElement} scroller
   * @param {import("./store.js").Store} store
   * @param {{row: HTMLTemplateElement, details: HTMLTemplateElement, changed: () => void}} parts
   *   changed is called when following, fresh or rows may have changed
   */
  constructor(scroller, store, { row, details, changed }) {
    this.#scroller = scroller;
    this.#store = store;
    this.#templates = { row, details };
    this.#changed = changed;
    this.#space.className = "space";
    this.#window.className = "window";
    this.#space.append(this.#window);
    scroller.append(this.#space);
    this.#layout = new Layout(scroller);
    this.#grown = new ResizeObserver((entries) => this.#measure(entries.map(({ target }) => target)));
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    scroller.addEventListener("click", (event) => this.#clicked(event));
    new ResizeObserver(() => this.#resized()).observe(scroller);
  }

  get following() {
    return this.#following;
  }

  /** New lines that match and are not on the page while it is paused. */
  get fresh() {
    return this.#fresh;
  }

  get rows() {
    return this.#rows;
  }

  /** The lines that are shown, from the first to the last, in sight or not. */
  get lines() {
    return this.#items.flatMap((item) => ("line" in item ? [item.line] : []));
  }

  /** The present line. */
  get line() {
    return this.#current?.line;
  }

  /** Items were added behind all others: they are shown with the next frame of the screen. */
  update() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#take();
    });
  }

  /** Items came between others, or another filter is in force: what is in sight stays in its place. */
  rebuild() {
    const anchor = this.#following ? null : this.#anchor();
    const items = this.#store.after(-Infinity);
    const earlier = this.#store.unaskedBefore(this.#filter);
    if (earlier !== null) {
      const at = earlier - 0.9;
      items.splice(firstAfter(items, at), 0, { at, missing: "earlier", n: null, by: this.#number });
    }
    this.#items = [];
    this.#heights.clear();
    this.#rows = this.#fresh = 0;
    this.#append(items);
    this.#seen = items.at(-1)?.at ?? this.#seen;
    if (this.#current && !this.#items.includes(this.#current)) this.#select(null);
    for (const item of this.#opened.keys()) if (!this.#items.includes(item)) this.#close(item);
    this.#draw(anchor);
    this.#changed();
  }

  /**
   * @param {Filter} filter
   * @param {number} number
   */
  show(filter, number) {
    if (number === this.#number) return;
    this.#filter = filter;
    this.#number = number;
    this.#matches = matcher(filter);
    this.#finder?.close();
    this.#finder = filter.regex ? new Finder(filter.regex, () => this.#found()) : null;
    this.#judging = this.#finder !== null;
    this.#forgetRows();
    this.rebuild();
  }

  /** Times are written in another way. */
  rewrite() {
    this.#forgetRows();
    this.#draw(this.#following ? null : this.#anchor());
  }

  /** @param {boolean} on */
  follow(on) {
    this.#following = on;
    if (on) this.rebuild();
    else this.#changed();
  }

  /**
   * Moves by so many lines; the page pauses, so that the line stays.
   * @param {number} by
   */
  move(by) {
    const step = Math.sign(by);
    const at = this.#current ? this.#indexOf(this.#current) : this.#items.length;
    let to = Math.max(0, Math.min(this.#items.length - 1, at + by));
    while (this.#items[to] && !("line" in this.#items[to])) to += step || -1;
    const item = this.#items[to];
    if (!item || !("line" in item)) return;
    if (this.#following) this.follow(false);
    this.#select(item);
    this.#reveal(to);
    this.#elements.get(item)?.querySelector("div")?.focus({ preventScroll: true });
  }

  /** To the first line that is kept. */
  toStart() {
    if (this.#following) this.follow(false);
    this.#scroller.scrollTop = 0;
  }

  /** Opens or closes a line, by default the present one. */
  toggle(item = this.#current) {
    if (!item) return;
    if (this.#opened.has(item)) this.#close(item);
    else {
      const panel = openedLine(this.#templates, item.line, this.#marker);
      this.#opened.set(item, { panel, height: this.#layout.heightOf(item) });
      const element = this.#elements.get(item);
      if (element) this.#remove(item, element);
    }
    this.#draw(this.#following ? null : this.#anchor());
    const element = this.#elements.get(item);
    element?.querySelector("div")?.focus({ preventScroll: true });
    if (!element || !this.#opened.has(item)) return;
    this.#measure([element]);
    this.#reveal(this.#indexOf(item));
  }

  /**
   * The line to which an element inside an opened line belongs, and that element's panel.
   * @param {Element} element
   */
  openedAt(element) {
    const panel = element.closest(".opened");
    for (const [item, opened] of this.#opened) {
      if (opened.panel === panel && "line" in item) return { line: item.line, opened: opened.panel };
    }
    return undefined;
  }

  /** @param {{line: Line, opened: HTMLElement}} one */
  context({ line, opened }) {
    return toggleContext(this.#templates, opened, line);
  }

  #take() {
    if (this.#following) {
      const items = this.#store.after(this.#seen);
      this.#append(items);
      this.#seen = items.at(-1)?.at ?? this.#seen;
      const gone = firstAfter(this.#items, this.#store.oldest - 0.95);
      if (gone && this.#store.dropped) this.#drop(gone);
      this.#draw();
    } else this.#countFresh();
    this.#changed();
  }

  #countFresh() {
    const items = this.#store.after(this.#seen);
    this.#fresh += items.filter((item) => "line" in item && this.#isAsked(item)).length;
    this.#seen = items.at(-1)?.at ?? this.#seen;
  }

  /** @param {LineItem} item */
  #isAsked(item) {
    if (item.by === this.#number) return true;
    if (!this.#matches(item.line)) return false;
    return !this.#finder || Boolean(this.#finder.spansOf(item.line));
  }

  /** The regular expression has been found, or not, in what was asked. */
  #found() {
    if (this.#judging) this.rebuild();
    this.#judging = false;
    for (const [item, element] of this.#elements) {
      if ("line" in item) writeMessage(/** @type {HTMLElement} */ (element.firstElementChild), item.line, this.#marker);
    }
  }

  /** What is marked in lines. */
  get #marker() {
    return { text: this.#filter.text, finder: this.#finder };
  }

  /** @param {readonly Item[]} items */
  #append(items) {
    for (const item of items) {
      if ("line" in item) {
        if (!this.#isAsked(item)) continue;
        this.#rows += 1;
        this.#push(item);
      } else this.#join(item);
    }
  }

  /** @param {Item} item */
  #push(item) {
    this.#items.push(item);
    this.#heights.push(this.#heightOf(item));
  }

  /** @param {Item} item */
  #heightOf(item) {
    return this.#opened.get(item)?.height ?? this.#layout.heightOf(item);
  }

  /**
   * What is missing right after what is missing is one number.
   * @param {MissingItem} item
   */
  #join(item) {
    const last = this.#items.at(-1);
    if (!last || "line" in last || last.missing !== item.missing || item.missing === "earlier") return this.#push(item);
    const n = last.n === null || item.n === null ? null : last.n + item.n;
    this.#items[this.#items.length - 1] = { ...item, at: last.at, n, by: Math.min(last.by, item.by) };
  }

  /** @param {number} count items that were let go */
  #drop(count) {
    const gone = this.#items.splice(0, count);
    this.#heights.dropFirst(count);
    for (const item of gone) {
      if ("line" in item) this.#rows -= 1;
      if (item === this.#current) this.#select(null);
      if (this.#opened.has(item)) this.#close(item);
    }
  }

  // --- what is in sight ---------------------------------------------------------------------------------------------

  /**
   * Puts the rows in sight into the page, at the end where it follows, else with the anchor in its place.
   * @param {{item: Item, below: number}|null} [anchor]
   */
  #draw(anchor = null) {
    const { total } = this.#heights;
    this.#space.style.height = `${total}px`;
    if (this.#following) this.#scroller.scrollTop = this.#scroller.scrollHeight;
    else if (anchor) this.#scroller.scrollTop = this.#start + this.#offsetOf(anchor.item) - anchor.below;
    this.#top = this.#scroller.scrollTop;
    this.#drawWindow();
  }

  #drawWindow() {
    const top = this.#scroller.scrollTop - this.#start;
    const first = Math.max(0, this.#heights.indexAt(top) - SPARE);
    const last = Math.min(this.#items.length, this.#heights.indexAt(top + this.#scroller.clientHeight) + SPARE + 1);
    const shown = this.#items.slice(first, last);
    const wanted = new Set(shown);
    for (const [item, element] of this.#elements) if (!wanted.has(item)) this.#remove(item, element);
    this.#window.style.transform = `translateY(${this.#heights.offsetOf(first)}px)`;
    let next = this.#window.firstElementChild;
    for (const item of shown) {
      const element = this.#elements.get(item) ?? this.#make(item);
      if (element === next) next = next.nextElementSibling;
      else this.#window.insertBefore(element, next);
    }
  }

  /** Where the rows begin within what is scrolled. */
  get #start() {
    return this.#space.offsetTop;
  }

  /** @param {Item} item */
  #make(item) {
    const element = document.createElement("div");
    this.#elements.set(item, element);
    if (!("line" in item)) {
      element.className = "missing";
      element.textContent = missingText(item, item.by === this.#number || isOpen(this.#filter));
      element.title = element.textContent;
      return element;
    }
    const row = lineRow(this.#templates.row, item.line, this.#marker);
    if (this.#layout.isTall(item.line)) row.dataset.tall = "";
    if (item === this.#current) mark(row, true);
    element.append(row);
    const opened = this.#opened.get(item);
    if (opened) {
      row.ariaExpanded = "true";
      element.append(opened.panel);
      this.#grown.observe(element);
    }
    return element;
  }

  /**
   * @param {Item} item
   * @param {HTMLElement} element
   */
  #remove(item, element) {
    if (element.contains(document.activeElement)) this.#scroller.focus({ preventScroll: true });
    this.#grown.unobserve(element);
    element.remove();
    this.#elements.delete(item);
  }

  #forgetRows() {
    for (const [item, element] of this.#elements) if (!this.#opened.has(item)) this.#remove(item, element);
  }

  /** @param {Item} item */
  #close(item) {
    this.#opened.delete(item);
    const index = this.#indexOf(item);
    if (index >= 0) this.#heights.set(index, this.#layout.heightOf(item));
    const element = this.#elements.get(item);
    if (element) this.#remove(item, element);
  }

  /** @param {readonly Element[]} elements of opened lines */
  #measure(elements) {
    const anchor = this.#following ? null : this.#anchor();
    for (const [item, opened] of this.#opened) {
      const element = this.#elements.get(item);
      if (!element || !elements.includes(element)) continue;
      opened.height = element.getBoundingClientRect().height;
      this.#heights.set(this.#indexOf(item), opened.height);
    }
    this.#draw(anchor);
  }

  #resized() {
    if (this.#layout.measure()) {
      const anchor = this.#following ? null : this.#anchor();
      this.#heights.clear();
      for (const item of this.#items) this.#heights.push(this.#heightOf(item));
      for (const [item, element] of this.#elements) this.#remove(item, element);
      this.#draw(anchor);
    } else this.#draw();
  }

  /** The first item in sight, and how far below the edge it begins. */
  #anchor() {
    const top = this.#scroller.scrollTop - this.#start;
    const index = this.#heights.indexAt(top);
    const item = this.#items[index];
    return item ? { item, below: this.#heights.offsetOf(index) - top } : null;
  }

  /**
   * Where an item begins; of one that is not shown, the next.
   * @param {Item} item
   */
  #offsetOf(item) {
    return this.#heights.offsetOf(firstAfter(this.#items, item.at - 0.01));
  }

  /** @param {Item} item */
  #indexOf(item) {
    const index = firstAfter(this.#items, item.at - 0.01);
    return this.#items[index] === item ? index : this.#items.indexOf(item);
  }

  /**
   * Scrolls so that an item is in sight, without that being taken for a wish to follow.
   * @param {number} index
   */
  #reveal(index) {
    const [begin, end] = [this.#heights.offsetOf(index), this.#heights.offsetOf(index + 1)].map((at) => at + this.#start);
    const { scrollTop, clientHeight } = this.#scroller;
    const room = clientHeight - Layout.pill;
    const top = begin < scrollTop || end - begin > room ? begin : Math.max(scrollTop, end - room);
    this.#scroller.scrollTop = top;
    this.#top = this.#scroller.scrollTop;
    this.#drawWindow();
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const left = scrollHeight - clientHeight - scrollTop;
    // Content that shrinks moves us too, but leaves us at the end.
    if (this.#following && scrollTop < this.#top && left > NEAR) this.follow(false);
    else if (!this.#following && scrollTop > this.#top && left < NEAR) return this.follow(true);
    this.#top = scrollTop;
    this.#drawWindow();
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const row = /** @type {Element} */ (event.target).closest(".window > div > .row");
    // Selecting text in a row is not a wish to open it.
    if (!(row instanceof HTMLElement) || String(getSelection())) return;
    for (const [item, element] of this.#elements) {
      if (element.firstElementChild !== row || !("line" in item)) continue;
      if (this.#following) this.follow(false);
      this.#select(item);
      return this.toggle(item);
    }
  }

  /** @param {LineItem|null} item */
  #select(item) {
    for (const [one, on] of /** @type {[LineItem|null, boolean][]} */ ([[this.#current, false], [item, true]])) {
      const row = one && this.#elements.get(one)?.firstElementChild;
      if (row) mark(row, on);
    }
    this.#current = item;
  }
}

/**
 * @param {Element} row
 * @param {boolean} current
 */
function mark(row, current) {
  row.setAttribute("tabindex", current ? "0" : "-1");
  row.classList.toggle("current", current);
}
