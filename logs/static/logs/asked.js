// @ts-check
// What of a filter the counts follow: services and levels, and not the text, by which nobody can count.
import { LEVELS } from "./counts.js";

/** @typedef {{services: readonly string[], levels: readonly string[], text: boolean}} Asked text: whether there is one */

/**
 * What an address asks for.
 * @param {URLSearchParams} query
 * @returns {Asked}
 */
export function askedBy(query) {
  const listed = (/** @type {string} */ name) => (query.get(name) ?? "").split(",").map((word) => word.trim()).filter(Boolean);
  const named = listed("levels").map((word) => word.toUpperCase());
  const levels = LEVELS.filter((level) => !named.length || named.includes(level));
  return { services: listed("services"), levels, text: Boolean(query.get("text") || query.get("regex")) };
}

/**
 * The same as the server takes it.
 * @param {Asked} asked
 * @param {string} text
 */
export function queryOf({ services, levels }, text) {
  const query = new URLSearchParams();
  if (services.length) query.set("services", services.join(","));
  if (levels.length < LEVELS.length) query.set("levels", levels.join(",") || "none");
  if (text) query.set("text", text);
  return query;
}
