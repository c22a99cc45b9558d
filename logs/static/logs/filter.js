// @ts-check
// Which lines are shown. The names in the address are those of the server's own filters.
import { LEVELS } from "./counts.js";

/**
 * @typedef {import("./counts.js").Level} Level
 * @typedef {{id: string, n: number, timestamp: number, level: Level, service: string, message: string,
 *   fields?: Record<string, unknown>}} Line
 *
 * @typedef {object} Filter
 * @property {ReadonlySet<Level>} levels those that are shown
 * @property {string} service "" for all
 * @property {string} text "" for any
 */

/**
 * @param {Filter} filter
 * @returns {(line: Line) => boolean}
 */
export function matcher({ levels, service, text }) {
  const wanted = text.toLowerCase();
  return (line) =>
    levels.has(line.level) &&
    (!service || line.service === service) &&
    (!wanted || line.message.toLowerCase().includes(wanted));
}

/** @param {Filter} filter */
export const isOpen = ({ levels, service, text }) => levels.size === LEVELS.length && !service && !text;

/**
 * @param {URLSearchParams} query
 * @returns {Filter}
 */
export function readFilter(query) {
  const named = query.get("levels")?.split(",");
  return {
    levels: new Set(LEVELS.filter((level) => !named || named.includes(level))),
    service: query.get("services") ?? "",
    text: query.get("text") ?? "",
  };
}

/**
 * @param {Filter} filter
 * @param {URLSearchParams} query is changed
 */
export function writeFilter(filter, query) {
  const levels = filter.levels.size === LEVELS.length ? "" : [...filter.levels].join(",") || "none";
  for (const [name, value] of Object.entries({ levels, services: filter.service, text: filter.text })) {
    if (value) query.set(name, value);
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
  const found = [];
  const [lower, needle] = [text.toLowerCase(), wanted.toLowerCase()];
  // Some letters change their length in lower case: then the places would be wrong.
  if (lower.length !== text.length) return [text];
  let from = 0;
  for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, from)) {
    found.push(text.slice(from, at), text.slice(at, at + needle.length));
    from = at + needle.length;
  }
  found.push(text.slice(from));
  return found;
}
