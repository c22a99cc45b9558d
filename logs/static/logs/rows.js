// @ts-check
// What one row of the list looks like: a line, a line opened to its fields, or what is missing.
import { count, dayMonth, exactTime, hourMinute, hourMinuteSecond, isoDay } from "../realtime/format.js";
import { pieces } from "./filter.js";

/** The levels that the archive keeps unless staff set another one for a stream. */
const ARCHIVED = new Set(["WARN", "ERROR", "FATAL"]);

/**
 * @typedef {import("./filter.js").Line} Line
 * @typedef {import("./store.js").MissingItem} MissingItem
 */

/**
 * @param {HTMLTemplateElement} template
 * @returns {HTMLElement}
 */
function copyOf(template) {
  return /** @type {HTMLElement} */ (/** @type {Element} */ (template.content.firstElementChild).cloneNode(true));
}

/**
 * @param {HTMLTemplateElement} template
 * @param {Line} line
 * @param {string} wanted is marked
 */
export function lineRow(template, line, wanted) {
  const row = copyOf(template);
  const [time, tag, who, message] = row.children;
  row.dataset.level = line.level;
  row.ariaLabel = `${line.level} ${line.service} ${line.message}`;
  time.textContent = shortTime(line.timestamp);
  tag.textContent = line.level[0];
  who.textContent = line.service;
  const end = line.message.indexOf("\n");
  message.append(...marked(end < 0 ? line.message : line.message.slice(0, end), wanted));
  if (end >= 0) message.append(" ", hint(line.message));
  return row;
}

/**
 * @param {HTMLTemplateElement} template
 * @param {Line} line
 * @param {string} wanted is marked
 */
export function openedLine(template, line, wanted) {
  const opened = copyOf(template);
  const list = /** @type {Element} */ (opened.querySelector("dl"));
  const { message, level, service, id, fields } = line;
  const time = new Date(line.timestamp).toISOString();
  for (const [name, value] of Object.entries({ message, time, level, service, ...fields, id })) {
    const [term, what] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (name === "stack") what.append(folded(text));
    else what.append(...marked(text, name === "message" ? wanted : ""));
    list.append(term, what);
  }
  const trace = fields?.trace_id;
  if (typeof trace === "string") aim(opened, "trace", (href) => href + encodeURIComponent(trace));
  if (ARCHIVED.has(level)) aim(opened, "line", (href) => href.replace(/0\/$/, `${encodeURIComponent(id)}/`));
  return opened;
}

/** @param {string} stack */
function folded(stack) {
  const [details, summary, trace] = ["details", "summary", "pre"].map((name) => document.createElement(name));
  const lines = stack.split("\n").length;
  summary.textContent = `Stack trace, ${count(lines)} ${lines === 1 ? "line" : "lines"}`;
  trace.textContent = stack;
  details.append(summary, trace);
  return details;
}

/**
 * @param {HTMLElement} opened
 * @param {string} name of the link, whose address in the template lacks only what it is about
 * @param {(href: string) => string} complete
 */
function aim(opened, name, complete) {
  const link = /** @type {HTMLAnchorElement} */ (opened.querySelector(`[data-link="${name}"]`));
  link.href = complete(link.getAttribute("href") ?? "");
  link.hidden = false;
}

/**
 * @param {MissingItem} item
 * @param {boolean} all whether every line is shown, so that those would have been
 */
export function missingText({ missing, n }, all) {
  if (n === null) return "Lines are missing here, nobody knows how many";
  const [lines, are] = n === 1 ? ["line", "is"] : ["lines", "are"];
  if (missing === "missed") return `${count(n)} ${lines} came here, ${are} counted, and can no longer be shown`;
  return `${count(n)} more ${lines} ${all ? "matched" : "came"} here and ${are} counted, not shown`;
}

/**
 * The time of day, with its day where that is not today: logs that are read in late would else look like now.
 * @param {number} ms
 */
function shortTime(ms) {
  const [then, now] = [new Date(ms), new Date()];
  if (then.toDateString() === now.toDateString()) return exactTime(ms);
  if (then.getFullYear() === now.getFullYear()) return `${dayMonth(ms)} ${hourMinuteSecond(ms)}`;
  return `${isoDay(ms)} ${hourMinute(ms)}`;
}

/**
 * @param {string} text
 * @param {string} wanted
 * @returns {(string|HTMLElement)[]}
 */
function marked(text, wanted) {
  return pieces(text, wanted).map((piece, index) => {
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
