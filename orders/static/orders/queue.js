// @ts-check
// What waits to be sent. Each report has a key of its own in the browser's storage, so that two tabs of one page cannot
// undo each other's; it stays until the server has answered for it. Sent twice, it is still one event: its id says so.

/**
 * @typedef {{id: string, type: "step", orderId: string, status: string, note?: string, timestamp: number}} Step
 * @typedef {{id: string, type: "fix", lat: number, lng: number, timestamp: number, accuracy?: number, speed?: number,
 *   heading?: number, orderId?: string}} Fix
 * @typedef {Step|Fix} Report
 * @typedef {Pick<Storage, "length"|"key"|"getItem"|"setItem"|"removeItem">} Store
 */

/** About two hours of driving; of more, every second old fix goes, so that the whole way stays to be seen. */
export const MOST_FIXES = 1_500;

export class Queue {
  /** @type {Map<string, Report>} by key, in the order of time */
  #held = new Map();
  #store;
  #prefix;
  #most;
  /** whether all that waits would outlive a reload */
  kept = true;

  /**
   * @param {Store|null} store
   * @param {string} prefix
   * @param {number} [most] fixes that are kept
   */
  constructor(store, prefix, most = MOST_FIXES) {
    this.#store = store;
    this.#prefix = prefix;
    this.#most = most;
    this.kept = store !== null;
    const keys = [];
    for (let i = 0; store && i < store.length; i += 1) keys.push(store.key(i) ?? "");
    for (const key of keys.filter((one) => one.startsWith(prefix)).sort()) {
      const report = parse(store?.getItem(key));
      if (report) this.#held.set(key, report);
    }
  }

  /** @param {Report} report */
  add(report) {
    const key = `${this.#prefix}${String(report.timestamp).padStart(15, "0")}.${report.id}`;
    this.#held.set(key, report);
    this.#thin();
    this.#keep(key, report);
  }

  /**
   * What is sent next: steps before fixes, since somebody waits for them; then the oldest first.
   * @param {number} most
   * @returns {Report[]}
   */
  next(most) {
    const reports = [...this.#held.values()];
    const steps = reports.filter(({ type }) => type === "step");
    return [...steps, ...reports.filter(({ type }) => type === "fix")].slice(0, most);
  }

  /** @param {Iterable<string>} ids */
  remove(ids) {
    const gone = new Set(ids);
    for (const [key, { id }] of this.#held) if (gone.has(id)) this.#drop(key);
  }

  /** The newest step of an order that waits. @param {string} orderId */
  stepOf(orderId) {
    const steps = [...this.#held.values()].filter((one) => one.type === "step" && one.orderId === orderId);
    return /** @type {Step|undefined} */ (steps.sort((a, b) => a.timestamp - b.timestamp).at(-1));
  }

  size() {
    let steps = 0;
    for (const { type } of this.#held.values()) steps += Number(type === "step");
    return { steps, fixes: this.#held.size - steps };
  }

  #thin() {
    if (this.size().fixes <= this.#most) return;
    const fixes = [...this.#held].filter(([, { type }]) => type === "fix").map(([key]) => key).sort();
    for (let i = 1; i < fixes.length * 0.75; i += 2) this.#drop(fixes[i]);
  }

  /** @param {string} key */
  #drop(key) {
    this.#held.delete(key);
    this.#store?.removeItem(key);
  }

  /**
   * @param {string} key
   * @param {Report} report
   */
  #keep(key, report) {
    try {
      this.#store?.setItem(key, JSON.stringify(report));
    } catch {
      this.kept = false; // full, or not allowed: it is still sent while the page stays open
    }
  }
}

/** @param {string|null|undefined} text */
function parse(text) {
  try {
    const report = JSON.parse(text ?? "null");
    return typeof report?.id === "string" && typeof report?.timestamp === "number" ? /** @type {Report} */ (report) : null;
  } catch {
    return null;
  }
}

/** The browser's storage, where there is one and it may be used. */
export function storage() {
  try {
    localStorage.setItem("sightline", "");
    localStorage.removeItem("sightline");
    return localStorage;
  } catch {
    return null;
  }
}
