// @ts-check
// Which lines are asked for: as the address says it, as the server takes it, and as the lines of this tab are judged.
import { LEVELS } from "./counts.js";

/**
 * @typedef {import("./counts.js").Level} Level
 * @typedef {{id: string, n: number, timestamp: number, level: Level, service: string, message: string,
 *   fields?: Record<string, unknown>}} Line
 *
 * @typedef {object} Filter
 * @property {readonly string[]} services sorted; none: all of them
 * @property {ReadonlySet<Level>} levels those that are shown
 * @property {string} text "" for any
 * @property {string} regex "" for any, in RE2's syntax
 */

/** @type {Filter} */
export const OPEN = { services: [], levels: new Set(LEVELS), text: "", regex: "" };

/**
 * As far as a browser can tell: by a regular expression only the server judges.
 * @param {Filter} filter
 * @returns {(line: Line) => boolean}
 */
export function matcher({ levels, services, text }) {
  const wanted = text.toLowerCase();
  const named = new Set(services);
  return (line) =>
    levels.has(line.level) &&
    (!named.size || named.has(line.service)) &&
    (!wanted || line.message.toLowerCase().includes(wanted));
}

/** @param {Filter} filter */
export const isOpen = (filter) => isWider(filter, OPEN);

/**
 * Whether everything that the inner one keeps is also kept by the outer one, as far as that shows by itself.
 * @param {Filter} outer
 * @param {Filter} inner
 */
export function isWider(outer, inner) {
  const services = !outer.services.length || (inner.services.length && inner.services.every((name) => outer.services.includes(name)));
  return Boolean(
    services &&
    [...inner.levels].every((level) => outer.levels.has(level)) &&
    inner.text.toLowerCase().includes(outer.text.toLowerCase()) &&
    (!outer.regex || outer.regex === inner.regex),
  );
}

/**
 * @param {Filter} one
 * @param {Filter} other
 */
export const isSame = (one, other) => JSON.stringify(paramsOf(one)) === JSON.stringify(paramsOf(other));

/**
 * The level and those above it.
 * @param {Level} least
 * @returns {ReadonlySet<Level>}
 */
export const fromLevel = (least) => new Set(LEVELS.slice(LEVELS.indexOf(least)));

/**
 * The level from which on all are shown, or "" where they are a choice of their own.
 * @param {ReadonlySet<Level>} levels
 * @returns {Level|""}
 */
export function leastOf(levels) {
  const least = LEVELS.find((level) => levels.has(level));
  return least && fromLevel(least).size === levels.size ? least : "";
}

/**
 * @param {URLSearchParams} query
 * @returns {Filter}
 */
export function readFilter(query) {
  const named = listIn(query, "levels").map((word) => word.toUpperCase());
  const known = LEVELS.filter((level) => named.includes(level));
  const services = [...new Set(listIn(query, "services"))].sort();
  const levels = known.length || named.includes("NONE") ? known : LEVELS;
  return { services, levels: new Set(levels), text: query.get("text") ?? "", regex: query.get("regex") ?? "" };
}

/**
 * @param {URLSearchParams} query
 * @param {string} name
 */
function listIn(query, name) {
  return (query.get(name) ?? "").split(",").map((word) => word.trim()).filter(Boolean);
}

/**
 * What the server is asked for: only what leaves something out.
 * @param {Filter} filter
 * @returns {Record<string, string>}
 */
export function paramsOf({ services, levels, text, regex }) {
  const chosen = levels.size === LEVELS.length ? "" : LEVELS.filter((level) => levels.has(level)).join(",") || "none";
  const all = { services: services.join(","), levels: chosen, text, regex };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value));
}

/**
 * @param {Filter} filter
 * @param {URLSearchParams} query is changed
 */
export function writeFilter(filter, query) {
  const params = paramsOf(filter);
  for (const name of ["services", "levels", "text", "regex"]) {
    if (params[name]) query.set(name, params[name]);
    else query.delete(name);
  }
}

/**
 * A text cut at what was searched for: every second piece is a match.
 * @param {string} text
 * @param {string} wanted
 */
export function pieces(text, wanted) {
  if (!wanted) return [text];
  const [lower, needle] = [text.toLowerCase(), wanted.toLowerCase()];
  // Some letters change their length in lower case: then the places would be wrong.
  if (lower.length !== text.length) return [text];
  const spans = [];
  for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, at + needle.length)) {
    spans.push(at, at + needle.length);
  }
  return cut(text, spans);
}

/**
 * @param {string} text
 * @param {readonly number[]} spans begin, end, begin, end …
 */
export function cut(text, spans) {
  return [0, ...spans].map((from, index) => text.slice(from, spans[index] ?? text.length));
}
