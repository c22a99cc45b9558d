// @ts-check
// Open incidents above the lines: asked for now and then, and honest where nobody answers.
import { duration, hourMinute } from "../realtime/format.js";

const ASK_MS = 5_000;
/** After so long without an answer the page no longer says how the rules stand. */
const OLD_MS = 30_000;

/**
 * @typedef {{id: number, rule: string, condition: string, lines: number, opened: number, url: string}} Incident
 * @typedef {{incidents: Incident[], unknown: {rule: string, why: string}[]}} Standing
 */

const section = /** @type {HTMLElement} */ (document.getElementById("alerts"));
const list = /** @type {HTMLElement} */ (document.getElementById("incidents"));
const unjudged = /** @type {HTMLElement} */ (document.getElementById("unjudged"));
const said = /** @type {HTMLElement} */ (document.getElementById("alerts-said"));

let heard = Date.now();
let over = false;

/**
 * @param {string} id of a template with one element
 * @returns {HTMLElement}
 */
function made(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (/** @type {Element} */ (template.content.firstElementChild).cloneNode(true));
}

/**
 * @param {Element} parent
 * @param {string} selector
 * @param {string} text
 */
function write(parent, selector, text) {
  const element = parent.querySelector(selector);
  if (element && element.textContent !== text) element.textContent = text;
}

/** @param {Incident} incident */
function rowOf(incident) {
  const row = made("incident");
  row.dataset.incident = String(incident.id);
  row.dataset.opened = String(incident.opened);
  write(row, "b", incident.rule);
  write(row, ".condition", incident.condition);
  write(row, "a .hush", ` the lines of incident ${incident.id}`);
  row.querySelector("a")?.setAttribute("href", incident.url);
  return row;
}

/** @param {{rule: string, why: string}} rule */
function unjudgedRow({ rule, why }) {
  const row = made("unjudged-rule");
  write(row, "b", rule);
  write(row, "span", why);
  return row;
}

/** Rows stay in place, so that a link under the finger is not taken away. @param {Standing} standing */
function show({ incidents, unknown }) {
  const rows = /** @type {HTMLElement[]} */ ([...list.children]);
  const shown = new Map(rows.map((row) => [row.dataset.incident, row]));
  const open = new Set(incidents.map(({ id }) => String(id)));
  for (const [id, row] of shown) if (!open.has(id ?? "")) row.remove();
  for (const incident of incidents) if (!shown.has(String(incident.id))) list.append(rowOf(incident));
  unjudged.replaceChildren(...unknown.map(unjudgedRow));
  tell();
}

function tell() {
  for (const row of list.children) {
    const opened = Number(/** @type {HTMLElement} */ (row).dataset.opened);
    write(row, ".since", `since ${hourMinute(opened)}, ${duration(Date.now() - opened)}`);
  }
  section.hidden = !list.childElementCount && !unjudged.childElementCount;
  const n = list.childElementCount;
  const words = n ? `${n} open ${n === 1 ? "incident" : "incidents"}: ${names().join(", ")}` : "";
  if (said.textContent !== words) said.textContent = words;
}

const names = () => [...list.querySelectorAll("b")].map((name) => name.textContent);

async function ask() {
  if (document.hidden || over) return;
  try {
    const response = await fetch(section.dataset.url ?? "", { headers: { accept: "application/json" } });
    over = response.redirected || response.status === 403; // signed out, or no longer allowed
    if (response.ok && !over) {
      show(await response.json());
      heard = Date.now();
      return;
    }
  } catch {
    // Said below, once it has lasted.
  }
  if (over || Date.now() - heard > OLD_MS) {
    unjudged.replaceChildren(unjudgedRow({ rule: "Alerts", why: `nobody has answered since ${hourMinute(heard)}` }));
  }
  tell();
}

tell();
setInterval(() => void ask(), ASK_MS);
document.addEventListener("visibilitychange", () => void ask());
