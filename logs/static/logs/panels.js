// @ts-check
// The numbers beside the lines: by level, by service, and as a table for those who do not see the charts.
import { brief, count, hourMinute } from "../realtime/format.js";
import { LEVELS, addTo, noLines, sum } from "./counts.js";

/**
 * @typedef {import("./counts.js").Totals} Totals
 * @typedef {import("./counts.js").Span} Span
 */

/**
 * @param {Element|null|undefined} element
 * @param {string} text
 */
export function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/**
 * A number that people read and tests rely on: the text may be shortened, data-total is exact.
 * @param {Element} parent holds an element for each level
 * @param {Totals} totals
 * @param {(n: number) => string} worded
 */
function writeTotals(parent, totals, worded) {
  for (const level of LEVELS) {
    const element = parent.querySelector(`[data-level="${level}"]`);
    if (!(element instanceof HTMLElement)) continue;
    element.dataset.total = String(totals[level]);
    write(element.querySelector("b") ?? element, worded(totals[level]));
  }
}

/**
 * The level buttons. The two least levels stand there once there are such lines.
 * @param {HTMLElement} place
 * @param {Totals} totals
 */
export function showLevels(place, totals) {
  writeTotals(place, totals, count);
  for (const level of /** @type {const} */ (["TRACE", "DEBUG"])) {
    const button = place.querySelector(`[data-level="${level}"]`);
    if (button instanceof HTMLElement && totals[level]) button.hidden = false;
  }
}

/**
 * The numbers beside the doughnut.
 * @param {HTMLElement} place
 * @param {Totals} totals
 */
export function showShares(place, totals) {
  const all = sum(totals);
  write(place.querySelector("[data-all]"), brief(all));
  for (const row of place.querySelectorAll("li")) {
    const level = LEVELS.find((known) => known === row.dataset.share);
    if (!level) continue;
    row.hidden = !totals[level] && (level === "TRACE" || level === "DEBUG");
    write(row.querySelector("b"), count(totals[level]));
    write(row.querySelector("span"), all ? `${((100 * totals[level]) / all).toFixed(1)} %` : "");
  }
}

/**
 * One row per service, in the order of their names so that nothing jumps.
 * @param {HTMLElement} list
 * @param {HTMLTemplateElement} template
 * @param {Map<string, Totals>} services
 * @param {string} chosen
 */
export function showServices(list, template, services, chosen) {
  const most = Math.max(1, ...[...services.values()].map(sum));
  const rows = /** @type {HTMLElement[]} */ ([...list.children]);
  const known = new Map(rows.map((row) => [row.dataset.service ?? "", row]));
  // One without lines in this span keeps its place, with nothing in it.
  for (const name of new Set([...known.keys(), ...services.keys()])) {
    const row = known.get(name) ?? newRow(list, template, name);
    const totals = services.get(name) ?? noLines();
    write(row.querySelector(".total"), brief(sum(totals)));
    writeTotals(row, totals, brief);
    row.querySelector("button")?.setAttribute("aria-pressed", String(name === chosen));
    for (const level of LEVELS) {
      const part = row.querySelector(`[data-part="${level}"]`);
      if (part instanceof HTMLElement) part.style.width = `${(100 * totals[level]) / most}%`;
      const number = row.querySelector(`[data-level="${level}"]`);
      if (number instanceof HTMLElement) number.hidden = !totals[level];
    }
  }
}

/**
 * @param {HTMLElement} list
 * @param {HTMLTemplateElement} template
 * @param {string} name
 */
function newRow(list, template, name) {
  const row = /** @type {HTMLElement} */ (/** @type {Element} */ (template.content.firstElementChild).cloneNode(true));
  row.dataset.service = name;
  write(row.querySelector(".name"), name);
  const rows = /** @type {HTMLElement[]} */ ([...list.children]);
  list.insertBefore(row, rows.find((other) => (other.dataset.service ?? "") > name) ?? null);
  return row;
}

/**
 * A service that is new gets its option, in its place; an open menu is not disturbed.
 * @param {HTMLSelectElement} select
 * @param {Iterable<string>} names
 */
export function offerServices(select, names) {
  const options = new Set([...select.options].map((option) => option.value));
  for (const name of names) {
    if (options.has(name)) continue;
    const after = [...select.options].find((option) => option.value > name);
    select.add(new Option(name, name), after ?? null);
  }
}

/** Rows of the table that says what the histogram shows. */
const TABLE_ROWS = 15;

/**
 * @param {HTMLElement} body of the table
 * @param {Span} span
 * @param {readonly Totals[]} bars
 */
export function showTable(body, span, bars) {
  const step = Math.ceil(bars.length / TABLE_ROWS);
  const rows = [];
  for (let start = 0; start < bars.length; start += step) {
    const totals = noLines();
    for (const bar of bars.slice(start, start + step)) addTo(totals, bar);
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = hourMinute((span.from + start * span.width) * 1000);
    row.append(head, ...LEVELS.map((level) => {
      const cell = document.createElement("td");
      cell.textContent = count(totals[level]);
      return cell;
    }));
    rows.push(row);
  }
  body.replaceChildren(...rows);
}
