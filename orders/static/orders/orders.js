// @ts-check
// The page of all orders: a map and lists in step, kept live.
import { count } from "../realtime/format.js";
import { connect } from "../realtime/live.js";
import { showState } from "../realtime/sight.js";
import { read, replace } from "./address.js";
import { onlyInSight } from "./area.js";
import { Card } from "./card.js";
import { ChangeForm, Picks } from "./change.js";
import { freshness, tally } from "./fleet.js";
import { setText } from "./keyed.js";
import { listenToKeys } from "./keys.js";
import { L } from "./leaflet.js";
import { Lists } from "./lists.js";
import { afterZoom, createMap } from "./map.js";
import { Markers } from "./markers.js";
import { given, part } from "./page.js";
import { Replay } from "./replay.js";
import { STATUSES } from "./steps.js";
import { Store } from "./store.js";

/**
 * @typedef {import("./lists.js").Open} Open
 * @typedef {import("./geo.js").Place} Place
 */

/** The lists are written at most this often, and take no more than a tenth of the time; positions alone wait for a second. */
const LIST_MS = 100;
const LIST_SHARE = 10;
const STREET_ZOOM = 15;
/** From further out than this nobody sees where in a town something is. */
const TOWN_ZOOM = 12;

/** @type {import("./map.js").Config & {steps: Record<string, string[]>, couriers: string[], mayChange: boolean}} */
const config = given("config");
const live = connect("orders");
const store = new Store();
const map = createMap(part("#map"), config);
const markers = new Markers(map, () => live.serverNow());
const picks = new Picks();
const lists = new Lists(picks, showSoon, (what) => open(what));
const card = new Card(() => open({}), toggleFollow);
const replay = new Replay(map, showSoon);
const changeOne = new ChangeForm(part(".card .change"), () => (opened.order ? [opened.order] : []), showSoon);
const changeMany = new ChangeForm(part(".bulk"), () => [...picks.ids], ({ done }) => {
  for (const id of done) picks.ids.delete(id);
  showLists();
});
const legend = { fresh: part("#fresh"), old: part("#old"), silent: part("#silent") };

/** @type {Open} */
let opened = {};
let following = false;
let fitted = false;
/** @type {ReturnType<typeof setTimeout>|undefined} */
let waiting;
/** ms that the lists took the last time */
let took = 0;

const { q, status, show, ...asked } = read(location.search);
if (q || status || show) lists.seekFor({ q, status, show });
opened = asked.order ? { order: asked.order } : asked.courier ? { courier: asked.courier } : {};

showState(live);
live.addEventListener("snapshot", (event) => {
  const { frame, first, last } = /** @type {CustomEvent} */ (event).detail;
  take(store.snapshot(frame, first, last));
  if (!last) return;
  showLists();
  document.body.dataset.ready = "true";
});
live.addEventListener("delta", (event) => take(store.delta(/** @type {CustomEvent} */ (event).detail.frame)));
setInterval(() => {
  showLists();
  markers.redraw(); // they grow old without any news
}, 1_000);

/** @param {import("./store.js").Change|null} change */
function take(change) {
  if (!change) return;
  for (const name of change.couriers) {
    const courier = store.couriers.get(name);
    if (courier) markers.put(courier);
    else markers.remove(name);
  }
  if (!fitted && store.couriers.size) {
    fitted = true;
    showBusy();
    if (opened.order || opened.courier) open(opened);
  }
  const watched = change.couriers.has(courierInSight()?.name ?? "");
  if (following && watched) keepInSight();
  // Couriers move all the time: sorting thousands of orders for each of them would leave the map no time.
  if (change.orders.size || watched || lists.showsCouriers) showSoon();
}

function showSoon() {
  waiting ??= setTimeout(showLists, Math.max(LIST_MS, took * LIST_SHARE));
}

function showLists() {
  clearTimeout(waiting);
  waiting = undefined;
  const started = performance.now();
  const now = live.serverNow();
  lists.show(store, opened, now);
  card.show(store, opened, following, now);
  const counts = tally(store.couriers.values(), now);
  for (const fresh of /** @type {const} */ (["fresh", "old", "silent"])) setText(legend[fresh], count(counts[fresh]));
  const order = store.orders.get(opened.order ?? "");
  showChanges(order);
  replace({ ...lists.sought, ...opened });
  markers.choose({ name: courierInSight()?.name, destination: order?.destination });
  took = performance.now() - started;
}

/** @param {import("./store.js").Order|undefined} order the one that is open */
function showChanges(order) {
  part(".card .change").hidden = !config.mayChange || !order;
  if (config.mayChange && order) changeOne.offer(order.status ? config.steps[order.status] ?? [] : STATUSES, names());
  const button = part("#pick");
  button.hidden = !config.mayChange || lists.sought.show === "couriers";
  button.setAttribute("aria-pressed", String(picks.picking));
  part(".bulk").hidden = !picks.picking || button.hidden;
  setText(part(".bulk b"), count(picks.ids.size));
  if (config.mayChange && picks.picking) changeMany.offer(STATUSES, names());
  /** @type {HTMLButtonElement} */ (part(".card .replay")).disabled = courierInSight() === undefined || courierInSight()?.place === true;
  part(".card .replay").setAttribute("aria-pressed", String(replay.courier !== null && replay.courier === courierInSight()?.name));
}

/** Who can be given an order. */
function names() {
  const moving = [...store.couriers.values()].filter((one) => !one.place);
  return [...new Set([...config.couriers, ...moving.map(({ name }) => name)])];
}

function toggleReplay() {
  const target = lists.focused();
  if (target && (target.order !== opened.order || target.courier !== opened.courier)) open(target);
  const courier = courierInSight();
  if (!courier || replay.courier === courier.name) replay.end();
  else replay.begin(courier.name, live.serverNow());
}

/** @param {boolean} picking */
function turnPicking(picking) {
  picks.turn(picking);
  showLists();
}

/** The courier that is open, by itself or with its order. */
function courierInSight() {
  return store.couriers.get(opened.courier ?? store.orders.get(opened.order ?? "")?.courier ?? "");
}

/** @param {Open} what */
function open(what) {
  opened = what;
  following = false;
  showLists();
  const destination = store.orders.get(opened.order ?? "")?.destination;
  reveal([courierInSight(), destination].filter((place) => place !== undefined));
}

/**
 * Moves the map only where one of these is out of sight, or too small to be seen.
 * @param {Place[]} places
 */
function reveal(places) {
  const bounds = map.getBounds().pad(-0.05);
  if (!places.length || (map.getZoom() >= TOWN_ZOOM && places.every((place) => bounds.contains(place)))) return;
  afterZoom(map, () => map.fitBounds(L.latLngBounds(places.map(({ lat, lng }) => [lat, lng])), { ...room(), maxZoom: STREET_ZOOM }));
}

/** What lies over the map: the card on the right where there is room for it, the legend below. */
function room() {
  const wide = map.getSize().x > 700;
  const right = wide && (opened.order || opened.courier) ? 340 : 40;
  return { paddingTopLeft: L.point(40, 60), paddingBottomRight: L.point(right, 70) };
}

function showAll() {
  following = false;
  fit([...store.couriers.values()]);
  showLists();
}

/** All of whom there is news: one that went silent far away would make everything small. */
function showBusy() {
  const now = live.serverNow();
  const busy = [...store.couriers.values()].filter((one) => !one.place && freshness(now - one.timestamp) !== "silent");
  fit(busy.length ? busy : [...store.couriers.values()]);
}

/** @param {Place[]} places */
function fit(places) {
  if (!places.length) return;
  afterZoom(map, () => map.fitBounds(L.latLngBounds(places.map(({ lat, lng }) => [lat, lng])), { ...room(), maxZoom: STREET_ZOOM }));
}

function toggleFollow() {
  const target = lists.focused();
  if (target && (target.order !== opened.order || target.courier !== opened.courier)) open(target);
  following = !following && courierInSight() !== undefined;
  const courier = courierInSight();
  if (following && courier) afterZoom(map, () => map.setView(courier, Math.max(STREET_ZOOM, map.getZoom())));
  showLists();
}

function keepInSight() {
  const courier = courierInSight();
  if (courier) map.panTo(courier, { duration: 0.9, easeLinearity: 1 });
}

/**
 * A courier stands for its order where it carries just one.
 * @param {string} name
 * @returns {Open}
 */
function behind(name) {
  const own = store.couriers.get(name)?.orderId;
  if (own && store.orders.has(own)) return { order: own };
  const carried = [...store.orders.values()].filter((order) => order.courier === name && order.status === "Out for delivery");
  return carried.length === 1 ? { order: carried[0].orderId } : { courier: name };
}

map.on("click", (event) => {
  const hit = markers.at(event.containerPoint);
  if (!hit) return open({});
  if ("name" in hit) return open(behind(hit.name));
  afterZoom(map, () => map.fitBounds(L.latLngBounds(hit.crowd.map(({ lat, lng }) => [lat, lng])).pad(0.2), { maxZoom: 18 }));
});
map.on("mousemove", (event) => {
  const hit = markers.at(event.containerPoint);
  markers.hover(hit && "name" in hit ? hit.name : null);
  map.getContainer().classList.toggle("pointing", hit !== null);
});
map.on("dragstart", () => {
  following = false;
  showLists();
});
part("#all").addEventListener("click", showAll);
onlyInSight(map, live, part("#area"));
part("#pick").addEventListener("click", () => turnPicking(!picks.picking));
part("[data-all]").addEventListener("click", () => {
  for (const id of lists.listed()) if (!picks.ids.has(id)) picks.toggle(id);
  showLists();
});
part("[data-none-picked]").addEventListener("click", () => turnPicking(false));
part(".card .replay").addEventListener("click", toggleReplay);
listenToKeys({
  "/": () => lists.seek(),
  j: () => lists.step(1),
  k: () => lists.step(-1),
  f: toggleFollow,
  a: showAll,
  r: toggleReplay,
  x: () => {
    const { order } = lists.focused() ?? {};
    if (order && config.mayChange) lists.pick(order);
  },
  " ": () => replay.toggle(),
  Escape: () => {
    if (replay.courier) replay.end();
    else if (picks.picking) turnPicking(false);
    else if (lists.forgetSearch()) showLists();
    else open({});
  },
});
