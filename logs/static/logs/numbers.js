// @ts-check
// Everything on the page that is counted: charts, levels, services, and the line at the foot.
import { count, hourMinute } from "../realtime/format.js";
import { askedBy, queryOf } from "./asked.js";
import { Doughnut, Histogram } from "./charts.js";
import { Counts, LEVELS, addTo, errors, noLines, spanUntil, sum } from "./counts.js";
import { showFoot } from "./foot.js";
import { Older } from "./older.js";
import { showLevels, showServices, showShares, showTable, write } from "./panels.js";
import { errorRate } from "./rates.js";
import { Zoom } from "./zoom.js";

/**
 * @typedef {import("../realtime/live.js").Frame} Frame
 * @typedef {import("./counts.js").Span} Span
 * @typedef {import("./counts.js").Row} Row
 *
 * @typedef {object} Places
 * @property {HTMLElement} levels
 * @property {HTMLElement} shares
 * @property {HTMLElement} title of the shares
 * @property {HTMLElement} services
 * @property {HTMLTemplateElement} serviceRow
 * @property {HTMLElement} table
 * @property {HTMLElement} foot
 * @property {HTMLCanvasElement} doughnut
 * @property {HTMLCanvasElement} histogram
 */

/** What the histogram spans: the name, the width of a bar in seconds, bars. @typedef {[string, number, number]} Range */

/** @type {Record<string, Range>} */
export const RANGES = {
  1: ["1 min", 1, 60],
  5: ["5 min", 5, 60],
  15: ["15 min", 10, 90],
  60: ["1 h", 60, 60],
  360: ["6 h", 300, 72],
  1440: ["24 h", 900, 96],
};

/** The table is for ears: it need not keep up with the charts. */
const TABLE_MS = 10_000;
/** Services change their places so rarely that one can be clicked. */
const SORT_MS = 15_000;
/** Lines per second are those of so many last seconds. */
const RATE_SECONDS = 5;
/** A browser that is never idle still draws the charts so soon. */
const IDLE_MS = 1_000;

/** Safari has none. @type {(draw: () => void) => void} */
const whenIdle = "requestIdleCallback" in globalThis
  ? (draw) => requestIdleCallback(draw, { timeout: IDLE_MS })
  : (draw) => setTimeout(draw, 50);

export class Numbers {
  #seconds = new Counts(16 * 60);
  #minutes = new Counts(25 * 3_600);
  #older;
  #places;
  #doughnut;
  #histogram;
  #zoom;
  #service = "";
  #range = RANGES[15];
  #asked = askedBy(new URLSearchParams(location.search));
  #countsSince = 0;
  /** when the last snapshot came, by the server, unix seconds; 0 while it comes */
  #snapshotAt = 0;
  #hidden = 0;
  /** @type {number|null} null: nobody knows */
  #missed = 0;
  /** @type {number|null} */
  #newest = null;
  #changed = true;
  #drawnFrom = 0;
  #waits = false;
  #tableAt = -Infinity;
  #sortedAt = -Infinity;

  /** @param {Places} places */
  constructor(places) {
    this.#places = places;
    this.#doughnut = new Doughnut(places.doughnut);
    this.#histogram = new Histogram(places.histogram);
    const strip = /** @type {HTMLElement} */ (places.histogram.closest("section"));
    this.#older = new Older(strip.dataset.counts ?? "", () => this.#renew());
    this.#zoom = new Zoom(
      {
        canvas: places.histogram,
        menu: /** @type {HTMLElement} */ (strip.querySelector("[popover]")),
        button: /** @type {HTMLElement} */ (strip.querySelector("[popovertarget]")),
      },
      {
        second: (x) => this.#histogram.second(x),
        span: () => this.#histogram.span,
        mark: (chosen) => this.#histogram.mark(chosen),
        filter: () => queryOf(this.#asked, new URLSearchParams(location.search).get("text") ?? ""),
      },
    );
    places.services.nextElementSibling?.addEventListener("click", () => {
      places.services.classList.remove("top");
      this.#changed = true;
    });
    document.addEventListener("filterchange", (event) => this.#follow(/** @type {CustomEvent} */ (event).detail));
    this.#say();
  }

  /** A new snapshot begins. */
  clear() {
    this.#seconds.clear();
    this.#minutes.clear();
    this.#older.forget();
    this.#snapshotAt = 0;
    this.#renew();
  }

  /** @param {Frame} frame */
  take(frame) {
    this.#snapshotAt ||= (frame.now ?? Date.now()) / 1000;
    this.#seconds.add(frame.counts ?? []);
    this.#minutes.add(frame.minutes ?? []);
    // Lines of long ago are counted just now: what was asked for is no longer true.
    if (frame.type === "delta" && frame.minutes?.some((/** @type {Row} */ row) => row[0] < this.#older.until)) {
      this.#older.forget();
    }
    this.#hidden += frame.hidden ?? 0;
    this.#countsSince = frame.counts_since ?? this.#countsSince;
    this.#newest = frame.produced ?? this.#newest ?? newestBucket(frame.counts ?? []);
    this.#changed = true;
  }

  /** @param {number|null} n lines that can no longer be had */
  miss(n) {
    this.#missed = this.#missed === null || n === null ? null : this.#missed + n;
  }

  /**
   * @param {string} service "" for all
   * @param {Range} range
   */
  choose(service, range) {
    [this.#service, this.#range] = [service, range];
    this.#renew();
  }

  /** @param {{services?: readonly string[], levels?: readonly string[], text?: string, regex?: string}} filter */
  #follow({ services = [], levels = LEVELS, text = "", regex = "" }) {
    this.#asked = { services, levels, text: Boolean(text || regex) };
    this.#renew();
    this.#say();
  }

  #renew() {
    this.#changed = true;
    this.#tableAt = this.#sortedAt = -Infinity;
  }

  /** Nobody can count by a text: the charts then say that they do not. */
  #say() {
    const note = this.#places.histogram.closest("section")?.querySelector("[data-all-text]");
    if (note instanceof HTMLElement) note.hidden = !this.#asked.text;
  }

  /**
   * Draws what has changed: the charts once the browser has nothing better to do, so that no line waits for them.
   * @param {number} now the server's, unix seconds
   */
  draw(now) {
    showFoot(this.#places.foot, {
      rate: this.#seconds.rate(now, RATE_SECONDS, this.#service),
      hidden: this.#hidden,
      missed: this.#missed,
      newest: this.#newest === null ? null : now * 1000 - this.#newest,
    });
    if (this.#waits || this.#zoom.busy) return;
    const [, width, bars] = this.#range;
    const span = spanUntil(now, width, bars);
    if (!this.#changed && span.from === this.#drawnFrom) return;
    this.#waits = true;
    whenIdle(() => {
      this.#waits = false;
      if (this.#zoom.busy) return;
      [this.#changed, this.#drawnFrom] = [false, span.from];
      this.#seconds.forget(now);
      this.#minutes.forget(now);
      this.#drawSpan(spanUntil(now, this.#range[1], this.#range[2]));
    });
  }

  recolour() {
    this.#doughnut.recolour();
    this.#histogram.recolour();
  }

  /** @param {Span} span */
  #drawSpan(span) {
    const { levels, shares, title, services, table } = this.#places;
    const { bars, byService } = this.#counted(span);
    const totals = noLines();
    for (const bar of bars) addTo(totals, bar);
    showLevels(levels, totals);
    showShares(shares, totals);
    this.#showServices(services, byService, span);
    const known = this.#incomplete(span);
    const from = known ? `since ${hourMinute(known.to * 1000)}` : this.#range[0];
    const all = this.#asked.text ? " · all text" : "";
    write(title, `Levels, ${from}${this.#service && ` · ${this.#service}`}${all}`);
    this.#doughnut.draw(totals);
    this.#histogram.draw(span, bars, known);
    if (performance.now() - this.#tableAt < TABLE_MS) return;
    this.#tableAt = performance.now();
    showTable(table, span, bars);
    const ofWhat = `${this.#range[0]}${this.#service && `, ${this.#service}`}${all && ", all text, whatever is searched for"}`;
    const caption = `Lines over time by level, last ${ofWhat}: ${count(sum(totals))} lines, ${count(errors(totals))} of ERROR or worse`;
    const lacking = known ? `. Before ${hourMinute(known.to * 1000)} the counts are ${known.word}` : "";
    write(table.closest("table")?.caption, `${caption}${lacking}`);
    this.#places.histogram.setAttribute("aria-label", `${caption}${lacking}. A table of the same numbers follows`);
  }

  /**
   * The lines of a span; those of more than an hour ago are asked for.
   * @param {Span} span
   */
  #counted(span) {
    if (span.width < 60) {
      return { bars: this.#seconds.bars(span, this.#service), byService: this.#seconds.services(span) };
    }
    if (span.width * span.bars <= 3_600) {
      return { bars: this.#minutes.bars(span, this.#service), byService: this.#minutes.services(span) };
    }
    if (this.#snapshotAt) this.#older.want(span, this.#snapshotAt, queryOf(this.#asked, "").toString());
    const bars = this.#older.bars(span, this.#service);
    this.#minutes.bars(span, this.#service, this.#older.until).forEach((bar, index) => addTo(bars[index], bar));
    const byService = this.#older.services(span);
    for (const [name, totals] of this.#minutes.services(span, this.#older.until)) {
      const all = byService.get(name) ?? noLines();
      addTo(all, totals);
      byService.set(name, all);
    }
    return { bars, byService };
  }

  /**
   * Where the counts of a span are not complete, or not all there yet.
   * @param {Span} span
   */
  #incomplete(span) {
    const since = Math.ceil(this.#countsSince / 1000);
    if (span.width * span.bars > 3_600 && this.#older.waiting && this.#older.until > since) {
      return { from: span.from, to: this.#older.until, word: "being fetched" };
    }
    return since > span.from ? { from: span.from, to: since, word: "incomplete" } : null;
  }

  /**
   * @param {HTMLElement} list
   * @param {Map<string, import("./counts.js").Totals>} byService
   * @param {Span} span
   */
  #showServices(list, byService, span) {
    const { levels } = this.#asked;
    const seconds = span.width * span.bars;
    const shown = { all: levels.length === LEVELS.length, errors: levels.includes("ERROR") && levels.includes("FATAL"), seconds };
    const due = performance.now() - this.#sortedAt >= SORT_MS || list.childElementCount < byService.size;
    const rests = due && !list.matches(":hover, :focus-within");
    if (rests) this.#sortedAt = performance.now();
    const chosen = this.#service ? [this.#service] : this.#asked.services;
    showServices(list, this.#places.serviceRow, byService, { chosen, sort: rests, rated: (totals) => errorRate(totals, shown) });
  }
}

/**
 * When the newest counted second began, in ms: what a snapshot knows about the newest line.
 * @param {readonly import("./counts.js").Row[]} rows
 */
function newestBucket(rows) {
  return rows.length ? rows.reduce((newest, [bucket]) => Math.max(newest, bucket), 0) * 1000 : null;
}
