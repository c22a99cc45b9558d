// @ts-check
// A time range of the chart, chosen with a drag or with two sliders, leads to the search in the archive.
import { dayMonth, hourMinuteSecond } from "../realtime/format.js";

/** A press that moves less is no drag. */
const LEAST_PX = 6;

/**
 * @typedef {object} Places
 * @property {HTMLCanvasElement} canvas
 * @property {HTMLElement} menu a popover with two sliders, outputs and a link
 * @property {HTMLElement} button opens it
 *
 * @typedef {object} Acts
 * @property {(x: number) => number} second the time under a place of the canvas, in unix seconds
 * @property {() => import("./counts.js").Span} span what the chart shows
 * @property {(chosen: import("./marks.js").Chosen|null) => void} mark
 * @property {() => URLSearchParams} filter what the search is to ask for beside the time
 */

export class Zoom {
  #places;
  #acts;
  #sliders;
  #link;
  /** @type {import("./counts.js").Span} */
  #span = { from: 0, width: 1, bars: 1 };
  #begun = 0;
  #pressed = -1;

  /**
   * @param {Places} places
   * @param {Acts} acts
   */
  constructor(places, acts) {
    this.#places = places;
    this.#acts = acts;
    const { canvas, menu, button } = places;
    this.#sliders = [...menu.querySelectorAll("input")];
    this.#link = /** @type {HTMLAnchorElement} */ (menu.querySelector("a"));
    canvas.addEventListener("pointerdown", (event) => this.#press(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#release(event));
    canvas.addEventListener("pointercancel", () => this.#end());
    menu.addEventListener("input", (event) => this.#slide(/** @type {HTMLInputElement} */ (event.target)));
    menu.addEventListener("beforetoggle", (event) => {
      if (/** @type {ToggleEvent} */ (event).newState === "open") this.#open();
    });
    menu.addEventListener("toggle", (event) => {
      if (/** @type {ToggleEvent} */ (event).newState !== "open") this.#end();
      else this.#place(button);
    });
  }

  /** Whether somebody is choosing: the chart then stands still. */
  get busy() {
    return this.#pressed >= 0 || this.#places.menu.matches(":popover-open");
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.button !== 0) return;
    this.#places.canvas.setPointerCapture(event.pointerId);
    [this.#pressed, this.#begun] = [event.offsetX, this.#acts.second(event.offsetX)];
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (this.#pressed >= 0 && this.#dragged(event)) this.#acts.mark(this.#between(event));
  }

  /** @param {PointerEvent} event */
  #release(event) {
    const chosen = this.#pressed >= 0 && this.#dragged(event) ? this.#between(event) : null;
    this.#pressed = -1;
    // Afterwards: what is open while a button of the mouse goes up outside of it is closed at once.
    if (chosen) setTimeout(() => this.#offer(chosen));
  }

  /** @param {import("./marks.js").Chosen} chosen */
  #offer(chosen) {
    this.#places.menu.showPopover();
    this.#set(chosen.from, chosen.to);
    this.#link.focus();
  }

  /** @param {PointerEvent} event */
  #dragged(event) {
    return Math.abs(event.offsetX - this.#pressed) >= LEAST_PX;
  }

  /** Whole bars, those under both ends with them. @param {PointerEvent} event */
  #between(event) {
    const { width } = this.#acts.span();
    const [first, last] = [this.#begun, this.#acts.second(event.offsetX)].sort((a, b) => a - b);
    const from = Math.floor(first / width) * width;
    return { from, to: Math.max(from + width, Math.ceil(last / width) * width) };
  }

  /** The sliders begin with all that the chart shows. */
  #open() {
    this.#span = this.#acts.span();
    const { from, width, bars } = this.#span;
    for (const slider of this.#sliders) {
      [slider.min, slider.max, slider.step] = [String(from), String(from + width * bars), String(width)];
    }
    this.#set(from, from + width * bars);
  }

  /** @param {HTMLInputElement} moved one slider pushes the other */
  #slide(moved) {
    const [from, to] = this.#sliders.map((slider) => Number(slider.value));
    const { width } = this.#span;
    const end = this.#span.from + width * this.#span.bars;
    if (moved === this.#sliders[0]) this.#set(Math.min(from, end - width), Math.max(to, from + width));
    else this.#set(Math.min(from, to - width), Math.max(to, this.#span.from + width));
  }

  /**
   * @param {number} from unix seconds
   * @param {number} to
   */
  #set(from, to) {
    const chosen = [Math.max(from, this.#span.from), to];
    this.#sliders.forEach((slider, index) => {
      slider.value = String(chosen[index]);
      const said = this.#span.bars * this.#span.width > 43_200 ? `${dayMonth(chosen[index] * 1000)} ` : "";
      const time = `${said}${hourMinuteSecond(chosen[index] * 1000)}`;
      slider.setAttribute("aria-valuetext", time);
      const output = slider.parentElement?.querySelector("output");
      if (output) output.textContent = time;
    });
    const query = this.#acts.filter();
    query.set("since", new Date(chosen[0] * 1000).toISOString());
    query.set("until", new Date(chosen[1] * 1000).toISOString());
    this.#link.search = query.toString();
    this.#acts.mark({ from: chosen[0], to: chosen[1] });
  }

  #end() {
    this.#pressed = -1;
    this.#acts.mark(null);
  }

  /** Under the button, within the page. @param {HTMLElement} button */
  #place(button) {
    const { menu } = this.#places;
    const [place, size] = [button.getBoundingClientRect(), menu.getBoundingClientRect()];
    menu.style.top = `${Math.max(8, Math.min(place.bottom + 4, innerHeight - size.height - 8))}px`;
    menu.style.left = `${Math.max(8, Math.min(place.right - size.width, innerWidth - size.width - 8))}px`;
  }
}
