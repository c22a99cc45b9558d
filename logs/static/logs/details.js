// @ts-check
// A line opened: its fields as a tree, its stack trace folded, what stood around it, and where to go from here.
import { count, isoTime } from "../realtime/format.js";
import { copyOf, lineRow, marked } from "./rows.js";

/**
 * @typedef {import("./filter.js").Line} Line
 * @typedef {import("./rows.js").Marker} Marker
 * @typedef {{row: HTMLTemplateElement, details: HTMLTemplateElement}} Templates
 */

/** How many lines before and after it are asked for. */
const AROUND = 50;
/** Fields with more parts than this begin folded. */
const UNFOLDED = 12;
/** @type {Record<string, string>} */
const FROM = { redis: ", out of Redis", kafka: ", out of Kafka", archive: ", out of the archive" };

/**
 * @param {Templates} templates
 * @param {Line} line
 * @param {Marker} marker
 */
export function openedLine(templates, line, marker) {
  const opened = copyOf(templates.details);
  const list = /** @type {Element} */ (opened.querySelector("dl"));
  const { message, level, service, id, fields } = line;
  const time = isoTime(line.timestamp);
  for (const [name, value] of Object.entries({ message, time, level, service, ...fields, id })) {
    const [term, what] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    if (name === "stack") what.append(folded(String(value)));
    else if (name === "message") what.append(...marked(line, marker));
    else what.append(leafOrTree(value));
    list.append(term, what);
  }
  const trace = fields?.trace_id;
  if (typeof trace === "string") aim(opened, "trace", (href) => href + encodeURIComponent(trace));
  aim(opened, "line", (href) => href.replace(/0\/$/, `${encodeURIComponent(id)}/`));
  return opened;
}

/** @param {unknown} value */
function leafOrTree(value) {
  if (typeof value !== "object" || value === null) return String(value);
  const parts = Object.entries(value);
  const words = Array.isArray(value) ? ["item", "items"] : ["field", "fields"];
  const details = foldable(`${count(parts.length)} ${words[parts.length === 1 ? 0 : 1]}`, parts.length <= UNFOLDED);
  const list = document.createElement("ul");
  list.append(...parts.map(([name, part]) => {
    const [item, term] = [document.createElement("li"), document.createElement("span")];
    term.textContent = `${name}: `;
    item.append(term, leafOrTree(part));
    return item;
  }));
  details.append(list);
  return details;
}

/** @param {string} stack */
function folded(stack) {
  const lines = stack.split("\n").length;
  const details = foldable(`Stack trace, ${count(lines)} ${lines === 1 ? "line" : "lines"}`, false);
  const trace = document.createElement("pre");
  trace.textContent = stack;
  details.append(trace);
  return details;
}

/**
 * @param {string} title
 * @param {boolean} open
 */
function foldable(title, open) {
  const [details, summary] = [document.createElement("details"), document.createElement("summary")];
  summary.textContent = title;
  details.open = open;
  details.append(summary);
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
 * Shows what stood around a line, wherever it is still held, or why that is gone; called again, hides it.
 * @param {Templates} templates
 * @param {HTMLElement} opened
 * @param {Line} line
 */
export async function toggleContext(templates, opened, line) {
  const place = /** @type {HTMLElement} */ (opened.querySelector(".context"));
  const button = opened.querySelector('[data-act="context"]');
  place.hidden = !place.hidden;
  button?.setAttribute("aria-expanded", String(!place.hidden));
  if (place.hidden) return;
  place.replaceChildren(paragraph("Looking for the lines around it…"));
  const found = await contextOf(line.id);
  if (found.message) return place.replaceChildren(paragraph(found.message));
  const rows = found.lines.map((one) => {
    const row = lineRow(templates.row, one, { text: "", finder: null });
    for (const name of ["role", "tabindex", "aria-expanded"]) row.removeAttribute(name);
    if (one.id === line.id) row.setAttribute("aria-current", "true");
    return row;
  });
  const scroller = document.createElement("div");
  scroller.className = "around";
  scroller.tabIndex = 0;
  scroller.role = "region";
  scroller.ariaLabel = "Lines around this one";
  scroller.append(...rows);
  const where = FROM[found.from ?? ""] ?? "";
  place.replaceChildren(paragraph(`${count(found.lines.length)} lines of ${line.service} around it${where}`), scroller);
  const here = rows.find((row) => row.ariaCurrent === "true");
  if (here) scroller.scrollTop = here.offsetTop - scroller.clientHeight / 2;
}

/** @param {string} text */
function paragraph(text) {
  const element = document.createElement("p");
  element.textContent = text;
  return element;
}

/**
 * @param {string} id
 * @returns {Promise<{lines: Line[], from?: string, message: string}>} the message says why there are none
 */
async function contextOf(id) {
  const address = `/api/logs/lines/${encodeURIComponent(id)}/context?before=${AROUND}&after=${AROUND}`;
  try {
    const response = await fetch(address, { headers: { accept: "application/json" } });
    const said = await response.json();
    if (response.ok) return { ...said, message: "" };
    return { lines: [], message: said.message ?? said.detail ?? "The lines around this one cannot be had." };
  } catch {
    return { lines: [], message: "The lines around this one cannot be had now: the server did not answer." };
  }
}
