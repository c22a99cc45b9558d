// @ts-check
// What one row of the list looks like: a line, or what is missing.
import { count } from "../realtime/format.js";
import { cut, pieces } from "./filter.js";
import { shownTime } from "../realtime/times.js";

/**
 * @typedef {import("./filter.js").Line} Line
 * @typedef {import("./store.js").MissingItem} MissingItem
 *
 * @typedef {object} Marker
 * @property {string} text is marked
 * @property {import("./regex.js").Finder|null} finder knows what else is
 */

/**
 * @param {HTMLTemplateElement} template
 * @returns {HTMLElement}
 */
export function copyOf(template) {
  return /** @type {HTMLElement} */ (/** @type {Element} */ (template.content.firstElementChild).cloneNode(true));
}

/**
 * @param {HTMLTemplateElement} template
 * @param {Line} line
 * @param {Marker} marker
 */
export function lineRow(template, line, marker) {
  const row = copyOf(template);
  const [time, tag, who] = row.children;
  row.dataset.level = line.level;
  time.textContent = shownTime(line.timestamp);
  tag.textContent = line.level; // of which the styles show the first letter
  who.textContent = line.service;
  writeMessage(row, line, marker);
  return row;
}

/**
 * The message in a row, marked with what is known by now.
 * @param {HTMLElement} row
 * @param {Line} line
 * @param {Marker} marker
 */
export function writeMessage(row, line, marker) {
  const message = row.children[3];
  const end = line.message.indexOf("\n");
  message.replaceChildren(...marked(line, marker, firstLine(line.message).length));
  if (end >= 0) message.append(" ", hint(line.message));
}

/** @param {string} message */
export function firstLine(message) {
  const end = message.indexOf("\n");
  return end < 0 ? message : message.slice(0, end);
}

/**
 * @param {MissingItem} item
 * @param {boolean} asked whether what is missing would have been shown
 */
export function missingText({ missing, n }, asked) {
  if (missing === "earlier") return "Above here lines may be missing: this filter was not asked for yet";
  if (n === null) return "Lines are missing here, nobody knows how many";
  const [lines, are] = n === 1 ? ["line", "is"] : ["lines", "are"];
  if (missing === "missed") return `${count(n)} ${lines} came here, ${are} counted, and can no longer be shown`;
  return `${count(n)} more ${lines} ${asked ? "matched" : "came"} here and ${are} counted, not shown`;
}

/**
 * @param {Line} line
 * @param {Marker} marker
 * @param {number} [length] of the part of the message that is wanted
 * @returns {(string|HTMLElement)[]}
 */
export function marked(line, { text, finder }, length = line.message.length) {
  const message = line.message.slice(0, length);
  const spans = finder?.spansOf(line)?.map((at) => Math.min(at, length));
  return (spans ? cut(message, spans) : pieces(message, text)).map((piece, index) => {
    if (index % 2 === 0) return piece;
    const mark = document.createElement("mark");
    mark.textContent = piece;
    return mark;
  });
}

/** @param {string} message */
function hint(message) {
  const element = document.createElement("span");
  const more = message.split("\n").length - 1;
  element.className = "chip";
  element.textContent = `+${count(more)} ${more === 1 ? "line" : "lines"}`;
  return element;
}
