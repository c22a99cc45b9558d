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

/** So many services stand there at once; a button shows the others. */
const TOP = 12;

/**
 * One row per service. They keep their places until `sort` asks for the order of their lines, so that nothing jumps.
 * @param {HTMLElement} list
 * @param {HTMLTemplateElement} template
 * @param {Map<string, Totals>} services
 * @param {{chosen: readonly string[], sort: boolean, rated: (totals: Totals) => string}} how
 */
export function showServices(list, template, services, { chosen, sort, rated }) {
  const most = Math.max(1, ...[...services.values()].map(sum));
  const rows = /** @type {HTMLElement[]} */ ([...list.children]);
  const known = new Map(rows.map((row) => [row.dataset.service ?? "", row]));
  // One without lines in this span keeps its place, with nothing in it.
  for (const name of new Set([...known.keys(), ...services.keys()])) {
    const row = known.get(name) ?? newRow(list, template, name);
    const totals = services.get(name) ?? noLines();
    write(row.querySelector(".total"), brief(sum(totals)));
    writeTotals(row, totals, brief);
    write(row.querySelector(".rate"), rated(totals));
    row.querySelector("button")?.setAttribute("aria-pressed", String(chosen.includes(name)));
    for (const level of LEVELS) {
      const part = row.querySelector(`[data-part="${level}"]`);
      if (part instanceof HTMLElement) part.style.width = `${(100 * totals[level]) / most}%`;
      const number = row.querySelector(`[data-level="${level}"]`);
      if (number instanceof HTMLElement) number.hidden = !totals[level];
    }
  }
  if (sort) sortRows(list, services);
  const all = list.nextElementSibling;
  if (!(all instanceof HTMLButtonElement)) return;
  all.hidden = list.childElementCount <= TOP || !list.classList.contains("top");
  write(all, `Show all ${count(list.childElementCount)} services`);
}

/**
 * @param {HTMLElement} list
 * @param {Map<string, Totals>} services
 */
function sortRows(list, services) {
  const lines = (/** @type {Element} */ row) => sum(services.get(/** @type {HTMLElement} */ (row).dataset.service ?? "") ?? noLines());
  const rows = [...list.children];
  const sorted = [...rows].sort((one, other) => lines(other) - lines(one));
  if (sorted.some((row, index) => row !== rows[index])) list.append(...sorted);
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
  list.append(row);
  return row;
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
