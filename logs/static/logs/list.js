// @ts-check
// The lines on the page: follows the newest, pauses when one reads, opens a line to its fields.
import { isOpen, matcher } from "./filter.js";
import { lineRow, missingText, openedLine } from "./rows.js";

/**
 * @typedef {import("./store.js").Item} Item
 * @typedef {import("./store.js").LineItem} LineItem
 * @typedef {import("./store.js").MissingItem} MissingItem
 * @typedef {import("./filter.js").Line} Line
 * @typedef {import("./filter.js").Filter} Filter
 */

/** Rows come and go in blocks, so that the browser can leave out whole blocks that are not in sight. */
const BLOCK = 100;
/** Nearer to the end than this is at the end. */
const NEAR = 24;

export class LineList {
  #scroller;
  #store;
  #filter;
  #matches;
  #row;
  #details;
  #changed;
  #blocks = document.createElement("div");
  #following = true;
  #fresh = 0;
  /** the newest item that is on the page, or that the filter kept off it */
  #shown = 0;
  #counted = 0;
  #frame = 0;
  #top = 0;
  #rows = 0;
  /** @type {HTMLElement|null} */
  #current = null;
  /** @type {{element: HTMLElement, item: MissingItem}|null} the last row, where it says what is missing */
  #tail = null;
  /** @type {WeakMap<Element, Line>} */
  #lines = new WeakMap();

  /**
   * @param {HTMLElement} scroller
   * @param {import("./store.js").Store} store
   * @param {Filter} filter
   * @param {{row: HTMLTemplateElement, details: HTMLTemplateElement, changed: () => void}} parts
   *   changed is called when following, fresh or rows may have changed
   */
  constructor(scroller, store, filter, { row, details, changed }) {
    this.#scroller = scroller;
    this.#store = store;
    this.#filter = filter;
    this.#matches = matcher(filter);
    this.#row = row;
    this.#details = details;
    this.#changed = changed;
    scroller.prepend(this.#blocks);
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    scroller.addEventListener("click", (event) => this.#clicked(event));
    new ResizeObserver(() => this.#pin()).observe(this.#blocks);
    new ResizeObserver(() => this.#pin()).observe(scroller);
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

  /** The store has more, or other, items: they are drawn with the next frame of the screen. */
  update() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  /** Everything before was of another time; a paused page keeps it in sight. */
  reset() {
    this.#fresh = 0;
    if (this.#following) this.#empty();
  }

  /** @param {Filter} filter */
  show(filter) {
    this.#filter = filter;
    this.#matches = matcher(filter);
    const line = this.#current && this.#lines.get(this.#current);
    const until = this.#following ? Infinity : this.#shown;
    const items = this.#store.between(0, until);
    if (!items.length) return this.follow(true);
    this.#empty();
    this.#append(items);
    this.#shown = Math.min(until, this.#store.newest);
    this.#recount();
    if (line) this.#select([...this.#allRows()].find((row) => this.#lines.get(row)?.id === line.id) ?? null);
    this.#pin();
    this.#changed();
  }

  /** @param {boolean} on */
  follow(on) {
    this.#following = on;
    if (on) {
      // What was let go while paused is no longer there to be read: begin again with what is.
      const items = this.#store.between(this.#shown);
      if (this.#store.size && items.length === this.#store.size) this.#empty();
      this.#draw();
    }
    this.#changed();
  }

  /**
   * Moves by so many rows; the page pauses, so that the row stays.
   * @param {number} by
   */
  move(by) {
    const rows = this.#allRows();
    if (!rows.length) return;
    const at = this.#current ? rows.indexOf(this.#current) : -1;
    const to = at < 0 ? rows.length - 1 : Math.min(rows.length - 1, Math.max(0, at + by));
    if (this.#following) this.follow(false);
    this.#select(rows[to]);
    rows[to].focus({ preventScroll: true });
    this.#reveal(rows[to]);
  }

  /** Opens or closes a row, by default the present one. */
  toggle(row = this.#current) {
    const line = row && this.#lines.get(row);
    if (!row || !line) return;
    const open = row.ariaExpanded !== "true";
    row.ariaExpanded = String(open);
    if (!open) return row.nextElementSibling?.remove();
    const opened = openedLine(this.#details, line, this.#filter.text);
    this.#lines.set(opened, line);
    row.after(opened);
    this.#reveal(opened);
  }

  #draw() {
    if (!this.#following) {
      this.#recount();
      this.#changed();
      return;
    }
    this.#append(this.#store.between(this.#shown));
    this.#shown = this.#counted = this.#store.newest;
    this.#fresh = 0;
    this.#prune();
    this.#pin();
    this.#changed();
  }

  /** Counts what came since it was last counted; with another filter, everything since the pause. */
  #recount() {
    if (this.#following) this.#fresh = 0;
    const from = this.#fresh ? Math.max(this.#counted, this.#shown) : this.#shown;
    this.#fresh += this.#store.between(from).filter((item) => "line" in item && this.#matches(item.line)).length;
    this.#counted = this.#store.newest;
  }

  #empty() {
    this.#blocks.replaceChildren();
    this.#rows = 0;
    this.#current = null;
    this.#tail = null;
    this.#fresh = 0;
  }

  /** @param {readonly Item[]} items */
  #append(items) {
    let block = this.#blocks.lastElementChild;
    let room = block ? BLOCK - block.childElementCount : 0;
    for (const item of items) {
      if ("line" in item ? !this.#matches(item.line) : this.#joined(item)) continue;
      if (room <= 0 || !block) {
        block = document.createElement("div");
        block.className = "block";
        this.#blocks.append(block);
        room = BLOCK;
      }
      block.append("line" in item ? this.#rowOf(item.line) : this.#missingRow(item));
      room -= 1;
    }
  }

  /**
   * What is missing right after what is missing is one number.
   * @param {MissingItem} item
   */
  #joined(item) {
    const tail = this.#tail;
    if (!tail || tail.item.missing !== item.missing) return false;
    tail.item = { ...item, n: tail.item.n === null || item.n === null ? null : tail.item.n + item.n };
    tail.element.textContent = missingText(tail.item, isOpen(this.#filter));
    return true;
  }

  /** @param {MissingItem} item */
  #missingRow(item) {
    const element = document.createElement("div");
    element.className = "missing";
    element.textContent = missingText(item, isOpen(this.#filter));
    this.#tail = { element, item };
    return element;
  }

  /** @param {Line} line */
  #rowOf(line) {
    const row = lineRow(this.#row, line, this.#filter.text);
    this.#lines.set(row, line);
    this.#tail = null;
    this.#rows += 1;
    return row;
  }

  /** Lets the oldest blocks go once the rest is enough. */
  #prune() {
    while (this.#blocks.childElementCount > 1 && this.#rows - BLOCK > this.#store.keep) {
      const block = /** @type {Element} */ (this.#blocks.firstElementChild);
      this.#rows -= block.querySelectorAll(".row").length;
      if (this.#current && block.contains(this.#current)) this.#current = null;
      block.remove();
    }
  }

  /**
   * Scrolls there without that being taken for a wish to follow.
   * @param {HTMLElement} element
   */
  #reveal(element) {
    element.scrollIntoView({ block: "nearest" });
    this.#top = this.#scroller.scrollTop;
  }

  #pin() {
    if (!this.#following) return;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#top = this.#scroller.scrollTop;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const left = scrollHeight - clientHeight - scrollTop;
    // Content that shrinks moves us too, but leaves us at the end.
    if (this.#following && scrollTop < this.#top && left > NEAR) this.follow(false);
    else if (!this.#following && scrollTop > this.#top && left < NEAR) this.follow(true);
    this.#top = this.#scroller.scrollTop;
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const target = /** @type {Element} */ (event.target);
    const row = target.closest(".row");
    // Selecting text in a row is not a wish to open it.
    if (!(row instanceof HTMLElement) || String(getSelection())) return;
    if (this.#following) this.follow(false);
    this.#select(row);
    this.toggle(row);
  }

  /**
   * The line to which an element inside an opened line belongs.
   * @param {Element} element
   */
  lineOf(element) {
    const opened = element.closest(".opened");
    return opened ? this.#lines.get(opened) : undefined;
  }

  /** @param {HTMLElement|null} row */
  #select(row) {
    this.#current?.setAttribute("tabindex", "-1");
    this.#current?.classList.remove("current");
    this.#current = row;
    row?.setAttribute("tabindex", "0");
    row?.classList.add("current");
  }

  /** @returns {HTMLElement[]} */
  #allRows() {
    return [...this.#blocks.querySelectorAll(/** @type {"div"} */ (".row"))];
  }
}
