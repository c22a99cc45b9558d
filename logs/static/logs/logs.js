// @ts-check
// The page of live logs: takes the frames in, and gives them to the lines and to the numbers.
import { count, duration } from "../realtime/format.js";
import { connect } from "../realtime/live.js";
import { showState } from "../realtime/sight.js";
import { onTheme } from "../realtime/theme.js";
import { Asking } from "./asking.js";
import { LEVELS } from "./counts.js";
import { copyText, saveLines } from "./download.js";
import { asText } from "./exports.js";
import { fromLevel, paramsOf, readFilter } from "./filter.js";
import { FilterBar } from "./filterbar.js";
import { listenToKeys } from "./keys.js";
import { LineList } from "./list.js";
import { placeMenus } from "./menus.js";
import { Numbers, RANGES } from "./numbers.js";
import { part as the } from "./page.js";
import { write } from "./panels.js";
import { Store } from "./store.js";
import { TimeMenu } from "./timemenu.js";

/**
 * @typedef {import("../realtime/live.js").Frame} Frame
 * @typedef {import("./filter.js").Filter} Filter
 */

const KEEP_LINES = 100_000;
/** Characters of all lines together. */
const KEEP_SIZE = 64 * 1024 * 1024;
const DRAW_MS = 500;

const lines = the("lines", HTMLElement);
const pill = the("pill", HTMLButtonElement);
const gone = the("gone", HTMLElement);
const empty = the("empty", HTMLElement);
const waiting = the("waiting", HTMLElement);
const nothing = the("nothing", HTMLElement);
const services = the("services", HTMLElement);
const rangeSelect = the("range", HTMLSelectElement);
const overview = the("overview", HTMLElement);
const overviewButton = the("overview-button", HTMLButtonElement);
const keys = the("keys", HTMLDialogElement);
const said = the("said", HTMLElement);

const query = new URLSearchParams(location.search);
const filter = readFilter(query);
const first = { filter, number: 1, params: paramsOf(filter) };
let range = query.get("range") ?? "";
if (!(range in RANGES)) range = "15";
let complete = false;
/** when the broker took the newest line that is not drawn yet, by the server's clock @type {number|null} */
let produced = null;

const times = new TimeMenu(() => list.rewrite());
const store = new Store(KEEP_LINES, KEEP_SIZE);
const list = new LineList(lines, store, {
  row: the("row", HTMLTemplateElement),
  details: the("details", HTMLTemplateElement),
  changed: showFollowing,
});
const numbers = new Numbers({
  levels: the("levels", HTMLElement),
  services,
  shares: the("shares", HTMLElement),
  title: the("shares-title", HTMLElement),
  serviceRow: the("service-row", HTMLTemplateElement),
  table: the("table", HTMLElement),
  foot: the("foot", HTMLElement),
  doughnut: the("doughnut", HTMLCanvasElement),
  histogram: the("histogram", HTMLCanvasElement),
});
const live = connect("logs", { params: first.params });
const asking = new Asking(live, first, {
  changed: ({ filter, number }, refused) => {
    if (!asking.mayBeRefused) list.show(filter, number);
    showFilter(filter, refused);
  },
  refused: (reason, { regex, text }) => bar.refuse(reason, regex || text),
});
const bar = new FilterBar((change, goesOn) => asking.change(change, goesOn), () => lines.focus());

showState(live);
live.addEventListener("snapshot", (event) => {
  const { frame, first, last, params, anew } = /** @type {CustomEvent} */ (event).detail;
  if (first) beginSnapshot(frame.lines ?? [], asking.take(params), anew);
  complete = last;
  take(frame);
  // While one reads, only what was asked for by a filter comes between the lines.
  if (last && (refilled || list.following)) list.rebuild();
  if (last) refilled = false;
});
live.addEventListener("delta", (event) => {
  const { frame } = /** @type {CustomEvent} */ (event).detail;
  produced = frame.produced ?? produced;
  take(frame);
});
live.addEventListener("gap", (event) => {
  const { frame } = /** @type {CustomEvent} */ (event).detail;
  store.missing("missed", frame.missed, asking.taken);
  numbers.miss(frame.missed);
  list.update();
});

let refilled = false;

/**
 * @param {readonly import("./filter.js").Line[]} firstLines
 * @param {import("./asking.js").Asked|null} taken the filter of which it is the first
 * @param {boolean} anew the numbers of the lines begin anew
 */
function beginSnapshot(firstLines, taken, anew) {
  numbers.clear();
  if (anew) {
    store.renumber();
    store.missing("missed", null, asking.taken);
  }
  if (!taken) return;
  store.cover(firstLines[0]?.n, taken.filter);
  list.show(taken.filter, taken.number);
  refilled = true;
}

/** @param {Frame} frame */
function take(frame) {
  const behind = store.add(frame.lines ?? [], frame.hidden, asking.taken);
  numbers.take(frame);
  bar.services.offer(frame.services ?? []);
  bar.services.offer((frame.counts ?? []).map((/** @type {import("./counts.js").Row} */ row) => row[1]));
  if (!behind && list.following && frame.type === "delta") list.rebuild();
  else list.update();
}

function showFollowing() {
  pill.hidden = list.following;
  lines.classList.toggle("paused", !list.following);
  write(pill, list.fresh ? `↓ ${count(list.fresh)} new ${list.fresh === 1 ? "line" : "lines"}` : "↓ Follow");
  const none = complete && !list.rows;
  waiting.hidden = complete || list.rows > 0;
  empty.hidden = !none || store.count > 0 || hasFilter();
  nothing.hidden = !none || !empty.hidden;
  if (!list.following) return;
  gone.hidden = store.dropped === 0;
  write(gone.querySelector("b"), count(store.dropped));
  if (produced === null) return;
  write(the("delay", HTMLElement), `on screen after ${duration(live.serverNow() - produced)}`);
  produced = null;
}

function hasFilter() {
  return Object.keys(paramsOf(asking.filter)).length > 0;
}

/**
 * @param {Filter} filter
 * @param {boolean} [refused]
 */
function showFilter(filter, refused = false) {
  bar.show(filter, refused);
  rangeSelect.value = range;
  numbers.choose(filter.services.length === 1 ? filter.services[0] : "", RANGES[range]);
  numbers.draw(live.serverNow() / 1000);
  const detail = { ...filter, levels: [...filter.levels] };
  document.dispatchEvent(new CustomEvent("filterchange", { detail }));
}

/**
 * Where there is little room the overview lies over the lines.
 * @param {boolean} open
 */
function showOverview(open) {
  overview.classList.toggle("open", open);
  overviewButton.setAttribute("aria-expanded", String(open));
}

/** @param {string} text for whoever hears the page, and beside the lines for whoever sees it */
function tell(text) {
  said.textContent = text;
  said.classList.remove("told");
  void said.offsetWidth; // so that it is told again
  said.classList.add("told");
}

/**
 * @param {string} text
 * @param {string} what
 */
async function copy(text, what) {
  tell((await copyText(text)) ? `${what} copied` : "This browser does not let pages copy");
}

/** @param {string} form */
async function save(form) {
  const shown = list.lines;
  tell(`${count(shown.length)} ${shown.length === 1 ? "line" : "lines"} saved as ${form.toUpperCase()}`);
  await saveLines(shown, form);
}

services.addEventListener("click", (event) => {
  const name = /** @type {Element} */ (event.target).closest("li")?.dataset.service;
  if (!name) return;
  const chosen = asking.filter.services;
  const more = event.ctrlKey || event.metaKey || event.shiftKey;
  const others = more ? chosen.filter((one) => one !== name) : [];
  asking.change({ services: chosen.includes(name) && (more || chosen.length === 1) ? others : [...others, name].sort() });
  showOverview(false);
});
rangeSelect.addEventListener("change", () => {
  range = rangeSelect.value;
  const address = new URL(location.href);
  if (range === "15") address.searchParams.delete("range");
  else address.searchParams.set("range", range);
  history.replaceState(null, "", address);
  showFilter(asking.filter);
});
the("clear", HTMLButtonElement).addEventListener("click", () => {
  asking.change({ levels: new Set(LEVELS), services: [], text: "", regex: "" });
});
lines.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("button");
  const opened = button && list.openedAt(button);
  if (!opened) return;
  const { act } = button.dataset;
  if (act === "service") asking.change({ services: [opened.line.service] });
  else if (act === "context") void list.context(opened);
  else if (act === "copy") void copy(asText(opened.line), "Line");
  else if (act === "json") void copy(JSON.stringify(opened.line, null, 2), "JSON");
});
the("download", HTMLElement).addEventListener("click", (event) => {
  const { form } = /** @type {HTMLElement} */ (event.target).dataset;
  if (!form) return;
  the("download", HTMLElement).hidePopover();
  void save(form);
});
pill.addEventListener("click", () => list.follow(true));
the("keys-button", HTMLButtonElement).addEventListener("click", () => keys.showModal());
overviewButton.addEventListener("click", () => showOverview(!overview.classList.contains("open")));
placeMenus(document.querySelectorAll(/** @type {"div"} */ (".menu[popover]")));

const errors = fromLevel("ERROR");
listenToKeys({
  "/": () => bar.seek(),
  r: () => bar.toggleRegex(),
  e: () => asking.change({ levels: asking.filter.levels.size === errors.size && asking.filter.levels.has("ERROR") ? new Set(LEVELS) : errors }),
  s: () => the("service-menu", HTMLElement).showPopover(),
  d: () => the("download", HTMLElement).showPopover(),
  t: () => times.open(),
  j: () => list.move(1),
  k: () => list.move(-1),
  g: () => list.toStart(),
  G: () => list.follow(true),
  Enter: () => list.toggle(),
  c: () => list.line && void copy(asText(list.line), "Line"),
  f: () => list.follow(true),
  " ": () => list.follow(!list.following),
  "?": () => keys.showModal(),
});

onTheme(() => numbers.recolour());
if (!asking.mayBeRefused) list.show(first.filter, first.number);
showFilter(first.filter);
setInterval(() => {
  if (!document.hidden) numbers.draw(live.serverNow() / 1000);
}, DRAW_MS);
