// @ts-check
// Everything on the page that is counted: charts, levels, services, and the line at the foot.
import { count, duration, hourMinute } from "../realtime/format.js";
import { Doughnut, Histogram } from "./charts.js";
import { Counts, addTo, noLines, spanUntil } from "./counts.js";
import { showLevels, showServices, showShares, showTable, write } from "./panels.js";

/**
 * @typedef {import("../realtime/live.js").Frame} Frame
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
export const RANGES = { 5: ["5 min", 5, 60], 15: ["15 min", 10, 90], 60: ["1 h", 60, 60] };

/** The table is for ears: it need not keep up with the charts. */
const TABLE_MS = 10_000;
/** Lines per second are those of so many last seconds. */
const RATE_SECONDS = 5;

export class Numbers {
  #seconds = new Counts(16 * 60);
  #minutes = new Counts(62 * 60);
  #places;
  #doughnut;
  #histogram;
  #service = "";
  #range = RANGES[15];
  #countsSince = 0;
  #hidden = 0;
  /** @type {number|null} null: nobody knows */
  #missed = 0;
  /** @type {number|null} */
  #newest = null;
  #changed = true;
  #drawnFrom = 0;
  #tableAt = -Infinity;

  /** @param {Places} places */
  constructor(places) {
    this.#places = places;
    this.#doughnut = new Doughnut(places.doughnut);
    this.#histogram = new Histogram(places.histogram);
  }

  /** A new snapshot begins. */
  clear() {
    this.#seconds.clear();
    this.#minutes.clear();
  }

  /** @param {Frame} frame */
  take(frame) {
    this.#seconds.add(frame.counts ?? []);
    this.#minutes.add(frame.minutes ?? []);
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
    this.#changed = true;
    this.#tableAt = -Infinity;
  }

  /**
   * Draws what has changed.
   * @param {number} now the server's, unix seconds
   */
  draw(now) {
    this.#drawFoot(now);
    const [, width, bars] = this.#range;
    const span = spanUntil(now, width, bars);
    if (!this.#changed && span.from === this.#drawnFrom) return;
    [this.#changed, this.#drawnFrom] = [false, span.from];
    this.#seconds.forget(now);
    this.#minutes.forget(now);
    this.#drawSpan(span, width < 60 ? this.#seconds : this.#minutes);
  }

  recolour() {
    this.#doughnut.recolour();
    this.#histogram.recolour();
  }

  /**
   * @param {import("./counts.js").Span} span
   * @param {Counts} counts
   */
  #drawSpan(span, counts) {
    const { levels, shares, title, services, serviceRow, table } = this.#places;
    const bars = counts.bars(span, this.#service);
    const totals = noLines();
    for (const bar of bars) addTo(totals, bar);
    showLevels(levels, totals);
    showShares(shares, totals);
    showServices(services, serviceRow, counts.services(span), this.#service);
    const known = this.#countsSince / 1000 > span.from ? `since ${hourMinute(this.#countsSince)}` : this.#range[0];
    write(title, `Levels, ${known}${this.#service && ` · ${this.#service}`}`);
    this.#doughnut.draw(totals);
    this.#histogram.draw(span, bars);
    if (performance.now() - this.#tableAt < TABLE_MS) return;
    this.#tableAt = performance.now();
    showTable(table, span, bars);
  }

  /** @param {number} now unix seconds */
  #drawFoot(now) {
    const { lines, errors } = this.#seconds.rate(now, RATE_SECONDS, this.#service);
    const facts = {
      lines: perSecond(lines),
      errors: perSecond(errors),
      hidden: count(this.#hidden),
      missed: this.#missed === null ? "some" : count(this.#missed),
      newest: this.#newest === null ? "—" : `${duration(now * 1000 - this.#newest)} ago`,
    };
    for (const [name, text] of Object.entries(facts)) {
      write(this.#places.foot.querySelector(`[data-fact="${name}"]`), text);
    }
  }
}

/**
 * When the newest counted second began, in ms: what a snapshot knows about the newest line.
 * @param {readonly import("./counts.js").Row[]} rows
 */
function newestBucket(rows) {
  return rows.length ? rows.reduce((newest, [bucket]) => Math.max(newest, bucket), 0) * 1000 : null;
}

/** @param {number} n */
const perSecond = (n) => (n > 0 && n < 10 ? n.toFixed(1) : count(Math.round(n)));
