// @ts-check
// The page of live logs: takes the frames in, and gives them to the lines and to the numbers.
import { count } from "../realtime/format.js";
import { connect } from "../realtime/live.js";
import { showState } from "../realtime/sight.js";
import { onTheme } from "../realtime/theme.js";
import { LEVELS } from "./counts.js";
import { readFilter, writeFilter } from "./filter.js";
import { listenToKeys } from "./keys.js";
import { LineList } from "./list.js";
import { Numbers, RANGES } from "./numbers.js";
import { offerServices, write } from "./panels.js";
import { Store } from "./store.js";

/** @typedef {import("../realtime/live.js").Frame} Frame */

const KEEP_LINES = 5_000;
const DRAW_MS = 500;
const TYPING_MS = 150;

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 */
function the(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`The page has no ${id}.`);
  return element;
}

const search = the("search", HTMLInputElement);
const levels = the("levels", HTMLElement);
const service = the("service", HTMLSelectElement);
const rangeSelect = the("range", HTMLSelectElement);
const lines = the("lines", HTMLElement);
const pill = the("pill", HTMLButtonElement);
const empty = the("empty", HTMLElement);
const waiting = the("waiting", HTMLElement);
const nothing = the("nothing", HTMLElement);
const services = the("services", HTMLElement);
const keys = the("keys", HTMLDialogElement);
const overview = the("overview", HTMLElement);
const overviewButton = the("overview-button", HTMLButtonElement);

const query = new URLSearchParams(location.search);
let filter = readFilter(query);
let range = query.get("range") ?? "";
if (!(range in RANGES)) range = "15";
let complete = false;

const store = new Store(KEEP_LINES);
const list = new LineList(lines, store, filter, {
  row: the("row", HTMLTemplateElement),
  details: the("details", HTMLTemplateElement),
  changed: showFollowing,
});
const numbers = new Numbers({
  levels,
  services,
  shares: the("shares", HTMLElement),
  title: the("shares-title", HTMLElement),
  serviceRow: the("service-row", HTMLTemplateElement),
  table: the("table", HTMLElement),
  foot: the("foot", HTMLElement),
  doughnut: the("doughnut", HTMLCanvasElement),
  histogram: the("histogram", HTMLCanvasElement),
});

const live = connect("logs");
showState(live);

/** @param {Frame} frame */
function take(frame) {
  store.add(frame.lines ?? [], frame.hidden);
  numbers.take(frame);
  offerServices(service, frame.services ?? []);
  offerServices(service, (frame.counts ?? []).map((/** @type {import("./counts.js").Row} */ row) => row[1]));
  list.update();
}

live.addEventListener("snapshot", (event) => {
  const { frame, first, last } = /** @type {CustomEvent} */ (event).detail;
  if (first) {
    store.clear();
    numbers.clear();
    list.reset();
  }
  complete = last;
  take(frame);
});
live.addEventListener("delta", (event) => take(/** @type {CustomEvent} */ (event).detail.frame));
live.addEventListener("gap", (event) => {
  const { frame } = /** @type {CustomEvent} */ (event).detail;
  store.missing("missed", frame.missed);
  numbers.miss(frame.missed);
  list.update();
});

function showFollowing() {
  pill.hidden = list.following;
  lines.classList.toggle("paused", !list.following);
  write(pill, list.fresh ? `↓ ${count(list.fresh)} new ${list.fresh === 1 ? "line" : "lines"}` : "↓ Follow");
  const none = complete && !list.rows;
  waiting.hidden = complete || list.rows > 0;
  empty.hidden = !none || store.size > 0;
  nothing.hidden = !none || store.size === 0;
}

function showFilter() {
  for (const button of levels.querySelectorAll("button")) {
    const level = LEVELS.find((known) => known === button.dataset.level);
    button.setAttribute("aria-pressed", String(level !== undefined && filter.levels.has(level)));
  }
  // One that the address names may have had no lines yet.
  if (filter.service) offerServices(service, [filter.service]);
  service.value = filter.service;
  rangeSelect.value = range;
  if (document.activeElement !== search) search.value = filter.text;
  numbers.choose(filter.service, RANGES[range]);
  numbers.draw(live.serverNow() / 1000);
}

/** The address says what is shown, so that it can be sent to somebody. */
function remember() {
  const address = new URL(location.href);
  writeFilter(filter, address.searchParams);
  if (range === "15") address.searchParams.delete("range");
  else address.searchParams.set("range", range);
  history.replaceState(null, "", address);
}

/** @param {Partial<import("./filter.js").Filter>} change */
function setFilter(change) {
  filter = { ...filter, ...change };
  list.show(filter);
  remember();
  showFilter();
}

/**
 * Where there is little room the overview lies over the lines.
 * @param {boolean} open
 */
function showOverview(open) {
  overview.classList.toggle("open", open);
  overviewButton.setAttribute("aria-expanded", String(open));
}

levels.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("button");
  const level = LEVELS.find((known) => known === button?.dataset.level);
  if (!level) return;
  const chosen = new Set(filter.levels);
  if (!chosen.delete(level)) chosen.add(level);
  setFilter({ levels: chosen });
});
service.addEventListener("change", () => setFilter({ service: service.value }));
services.addEventListener("click", (event) => {
  const name = /** @type {Element} */ (event.target).closest("li")?.dataset.service;
  if (!name) return;
  setFilter({ service: name === filter.service ? "" : name });
  showOverview(false);
});
rangeSelect.addEventListener("change", () => {
  range = rangeSelect.value;
  remember();
  showFilter();
});

/** @type {ReturnType<typeof setTimeout>|undefined} */
let typing;
search.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => setFilter({ text: search.value }), TYPING_MS);
});
search.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" && event.key !== "Enter") return;
  event.preventDefault();
  lines.focus();
});
the("clear", HTMLButtonElement).addEventListener("click", () => {
  setFilter({ levels: new Set(LEVELS), service: "", text: "" });
});

lines.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("button");
  const line = button && list.lineOf(button);
  if (!line) return;
  if (button.dataset.act === "service") setFilter({ service: line.service });
  else void navigator.clipboard.writeText(JSON.stringify(line, null, 2)).then(() => write(button, "Copied"));
});
pill.addEventListener("click", () => list.follow(true));
the("keys-button", HTMLButtonElement).addEventListener("click", () => keys.showModal());
overviewButton.addEventListener("click", () => showOverview(!overview.classList.contains("open")));
listenToKeys({
  search: () => {
    search.focus();
    search.select();
  },
  move: (by) => list.move(by),
  open: () => list.toggle(),
  follow: () => list.follow(true),
  pause: () => list.follow(!list.following),
  help: () => keys.showModal(),
});

onTheme(() => numbers.recolour());
showFilter();
setInterval(() => {
  if (!document.hidden) numbers.draw(live.serverNow() / 1000);
}, DRAW_MS);
