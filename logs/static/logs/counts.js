// @ts-check
// How many lines there were, by time, service and level. The server sends a bucket's total, so the larger wins.

/** @typedef {"TRACE"|"DEBUG"|"INFO"|"WARN"|"ERROR"|"FATAL"} Level */

/** From the least to the worst. @type {readonly Level[]} */
export const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/** @typedef {Record<Level, number>} Totals */
/** A row of a frame: bucket (unix seconds), service, level, total. @typedef {[number, string, Level, number]} Row */

/**
 * A span of time cut into bars of the same width.
 * @typedef {object} Span
 * @property {number} from unix seconds, a multiple of width
 * @property {number} width seconds
 * @property {number} bars
 */

/** @returns {Totals} */
export const noLines = () => ({ TRACE: 0, DEBUG: 0, INFO: 0, WARN: 0, ERROR: 0, FATAL: 0 });

/** Those of ERROR and FATAL. @param {Totals} totals */
export const errors = (totals) => totals.ERROR + totals.FATAL;

/** @param {Totals} totals */
export const sum = (totals) => LEVELS.reduce((all, level) => all + totals[level], 0);

/**
 * The span of so many bars whose last one holds the present second.
 * @param {number} now unix seconds
 * @param {number} width
 * @param {number} bars
 * @returns {Span}
 */
export function spanUntil(now, width, bars) {
  return { from: (Math.floor(now / width) - bars + 1) * width, width, bars };
}

export class Counts {
  /** @type {Map<number, Map<string, Totals>>} */
  #buckets = new Map();
  /** all services together: many of them must not make a chart slow @type {Map<number, Totals>} */
  #sums = new Map();

  /** @param {number} keep seconds */
  constructor(keep) {
    this.keep = keep;
  }

  clear() {
    this.#buckets.clear();
    this.#sums.clear();
  }

  /** @param {readonly Row[]} rows */
  add(rows) {
    for (const [bucket, service, level, total] of rows) {
      if (!LEVELS.includes(level)) continue;
      const services = this.#buckets.get(bucket) ?? new Map();
      const totals = services.get(service) ?? noLines();
      const all = this.#sums.get(bucket) ?? noLines();
      const larger = Math.max(totals[level], total);
      all[level] += larger - totals[level];
      totals[level] = larger;
      services.set(service, totals);
      this.#buckets.set(bucket, services);
      this.#sums.set(bucket, all);
    }
  }

  /** @param {number} now unix seconds */
  forget(now) {
    for (const bucket of this.#buckets.keys()) {
      if (bucket >= now - this.keep) continue;
      this.#buckets.delete(bucket);
      this.#sums.delete(bucket);
    }
  }

  /**
   * Totals of each service within a span. What lies after its end (clocks differ a little) counts as its end.
   * @param {Span} span
   * @param {number} [from] unix seconds, where only what is later counts
   * @returns {Map<string, Totals>}
   */
  services(span, from = span.from) {
    /** @type {Map<string, Totals>} */
    const found = new Map();
    for (const [bucket, services] of this.#buckets) {
      if (bucket < span.from || bucket < from) continue;
      for (const [service, totals] of services) {
        const all = found.get(service) ?? noLines();
        addTo(all, totals);
        found.set(service, all);
      }
    }
    return found;
  }

  /**
   * Totals of each bar of a span, of one service or, with "", of all.
   * @param {Span} span
   * @param {string} service
   * @param {number} [from] unix seconds, where only what is later counts
   * @returns {Totals[]}
   */
  bars(span, service, from = span.from) {
    const bars = Array.from({ length: span.bars }, noLines);
    for (const [bucket, sums] of this.#sums) {
      if (bucket < span.from || bucket < from) continue;
      const totals = service ? this.#buckets.get(bucket)?.get(service) : sums;
      const bar = bars[Math.min(span.bars - 1, Math.floor((bucket - span.from) / span.width))];
      if (totals) addTo(bar, totals);
    }
    return bars;
  }

  /**
   * Lines per second over the last complete seconds.
   * @param {number} now unix seconds
   * @param {number} seconds
   * @param {string} service
   */
  rate(now, seconds, service) {
    const until = Math.floor(now);
    const all = noLines();
    for (let bucket = until - seconds; bucket < until; bucket += 1) {
      const totals = service ? this.#buckets.get(bucket)?.get(service) : this.#sums.get(bucket);
      if (totals) addTo(all, totals);
    }
    return { lines: sum(all) / seconds, errors: errors(all) / seconds };
  }
}

/**
 * @param {Totals} all
 * @param {Totals} more
 */
export function addTo(all, more) {
  for (const level of LEVELS) all[level] += more[level];
}
