// @ts-check
// What is looked for and what is open, in the page's address: it can be kept, sent and come back to (pure but for replace).

/** @typedef {{q?: string, status?: string, show?: string, order?: string, courier?: string}} Place */

const NAMES = /** @type {const} */ (["q", "status", "show", "order", "courier"]);

/**
 * @param {string} search the address from ? on
 * @returns {Place}
 */
export function read(search) {
  const query = new URLSearchParams(search);
  return Object.fromEntries(NAMES.filter((name) => query.get(name)).map((name) => [name, query.get(name) ?? ""]));
}

/**
 * @param {Place} place
 * @returns {string} from ? on; "" for a place like any other
 */
export function write(place) {
  const query = new URLSearchParams(NAMES.filter((name) => place[name]).map((name) => [name, place[name] ?? ""]));
  return query.size ? `?${query}` : "";
}

/** @param {Place} place */
export function replace(place) {
  const address = `${location.pathname}${write(place)}`;
  if (address !== `${location.pathname}${location.search}`) history.replaceState(null, "", address);
}
