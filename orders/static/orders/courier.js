// @ts-check
// The courier's page: its open orders, the steps it takes, where it is. What cannot be sent waits, with its own time.
import { connect } from "../realtime/live.js";
import { showState } from "../realtime/sight.js";
import { askNote } from "./asknote.js";
import { cardRow } from "./couriercard.js";
import { Orders, statusOf, waits, whyRefused } from "./courierorders.js";
import { KeyedRows, setText } from "./keyed.js";
import { given, part } from "./page.js";
import { Queue, storage } from "./queue.js";
import { Sender } from "./sender.js";
import { Sharing } from "./sharing.js";

/**
 * @typedef {{courier: string, id: number, view: string, steps: Record<string, string[]>, noteFor: string, most: number,
 *   now: number}} Config
 */

/** @type {Config} */
const config = given("config");
const loaded = performance.now();
const OUT = "Out for delivery";
const SETTLED_MS = 8_000;
/** @type {import("./courierorders.js").Words} */
const words = given("words");

const kept = storage();
const wish = `courier.${config.id}.shares`;
const live = connect(config.view);
const orders = new Orders();
const queue = new Queue(kept, `courier.${config.id}.report.`);
const sender = new Sender(new URL("report", location.href).pathname, queue, config.most);
const sharing = new Sharing();
const rows = new KeyedRows((id) => cardRow(id, words));
/** @type {Map<string, {step: import("./queue.js").Step, until: number}>} sent, and not yet come back as the order's status */
const settling = new Map();
let ready = false;

showState(live, false);
live.addEventListener("snapshot", (event) => {
  const { frame, first, last } = /** @type {CustomEvent} */ (event).detail;
  orders.snapshot(frame, first, last);
  if (!last) return;
  ready = true;
  document.body.dataset.ready = "true";
  show();
});
live.addEventListener("delta", (event) => {
  const { frame } = /** @type {CustomEvent} */ (event).detail;
  orders.delta(frame);
  for (const { orderId, status } of frame.orders ?? []) if (settling.get(orderId)?.step.status === status) settling.delete(orderId);
  show();
});
live.addEventListener("state", () => live.status.code === 4404 && end());
sender.addEventListener("answered", (event) => {
  const { accepted, refused } = /** @type {CustomEvent} */ (event).detail;
  const steps = queue.next(Infinity).filter(({ type }) => type === "step");
  for (const step of /** @type {import("./queue.js").Step[]} */ (steps)) {
    const shown = orders.all.get(step.orderId);
    // The frame that tells of it may have been quicker than the answer.
    if (accepted.includes(step.id) && shown && shown.status !== step.status) settling.set(step.orderId, { step, until: Date.now() + SETTLED_MS });
    const why = refused.find((/** @type {{id: string}} */ { id }) => id === step.id);
    if (why) tell(`${step.orderId}, ${words.statuses[step.status] ?? step.status}: ${whyRefused(why, step.orderId, words.refused)}`);
  }
});
sender.addEventListener("state", () => (sender.ended ? end() : show()));
sharing.addEventListener("state", showSharing);
sharing.addEventListener("spot", (event) => reportSpot(/** @type {CustomEvent} */ (event).detail));
part(".share button").addEventListener("click", () => share(!sharing.wanted));
setInterval(show, 1_000);
showSharing();
show();
sender.send();
if (kept?.getItem(wish)) share(true);

/** The server's time, also before its first frame and without a network. */
function now() {
  return Math.round(live.status.since === null ? config.now + performance.now() - loaded : live.serverNow());
}

/** @param {boolean} wanted */
function share(wanted) {
  if (wanted) sharing.start();
  else sharing.stop();
  if (wanted && sharing.wanted) kept?.setItem(wish, "yes");
  else kept?.removeItem(wish);
  showSharing();
}

/** @param {import("./sharing.js").Spot} spot */
function reportSpot({ lat, lng, accuracy, speed, heading, at }) {
  const carried = [...orders.all.values()].filter((order) => statusShown(order) === OUT);
  queue.add({
    id: newId(),
    type: "fix",
    lat: Number(lat.toFixed(6)),
    lng: Number(lng.toFixed(6)),
    timestamp: now() - Math.max(0, Date.now() - at),
    accuracy: Math.round(accuracy),
    ...(speed === null ? {} : { speed: Math.round(speed * 10) / 10 }),
    ...(heading === null ? {} : { heading: Math.round(heading) % 360 }),
    ...(carried.length === 1 ? { orderId: carried[0].orderId } : {}),
  });
  sender.send();
  show();
}

/**
 * @param {string} orderId
 * @param {string} status
 */
async function take(orderId, status) {
  const timestamp = now();
  const note = status === config.noteFor ? await askNote(orderId) : "";
  if (note === null) return;
  queue.add({ id: newId(), type: "step", orderId, status, timestamp, ...(note ? { note } : {}) });
  sender.send();
  show();
}

/** @param {import("./courierorders.js").Order} order */
function statusShown(order) {
  return statusOf(order, queue.stepOf(order.orderId) ?? settling.get(order.orderId)?.step);
}

function show() {
  for (const [id, { until }] of settling) if (until < Date.now()) settling.delete(id);
  const list = orders.sorted();
  const items = list.map((order) => {
    const status = statusShown(order);
    const steps = config.steps[status ?? ""] ?? [];
    const sent = queue.stepOf(order.orderId) ? (sender.away ? words.card.waits : words.card.sending) : "";
    return /** @type {[string, import("./couriercard.js").Item]} */ ([order.orderId, { order, status, steps, sent, now: now(), take }]);
  });
  rows.show([{ into: part(".orders ul"), items }]);
  setText(part("#own span"), ready ? String(list.length) : "");
  part("[data-waiting]").hidden = ready;
  part("[data-none]").hidden = !ready || list.length > 0;
  const text = waits(queue.size(), sender.away, queue.kept, words.waits);
  part(".waits").hidden = !text;
  setText(part(".waits"), text);
}

function showSharing() {
  const button = /** @type {HTMLButtonElement} */ (part(".share button"));
  setText(part(".share .now"), words.sharing[sharing.state]);
  setText(button, sharing.wanted ? words.sharing.stop : words.sharing.start);
  button.setAttribute("aria-pressed", String(sharing.wanted));
  button.classList.toggle("primary", !sharing.wanted);
  button.hidden = sharing.state === "insecure" || sharing.state === "missing";
  part(".share").dataset.state = sharing.state;
  const awake = sharing.awake ? words.sharing.awake : sharing.awake === null ? words.sharing.sleepy : "";
  setText(part(".awake"), sharing.wanted ? awake : "");
}

/** @param {string} text */
function tell(text) {
  const item = document.createElement("li");
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button";
  close.textContent = words.refused.ok;
  close.addEventListener("click", () => item.remove());
  item.append(text, close);
  part(".problems").append(item);
}

/** The link ended: what it showed is no longer this page's to show, and nothing is taken from it any more. */
function end() {
  sharing.stop();
  live.close();
  location.reload();
}

/** randomUUID needs https, which a trial on this network may not have. */
function newId() {
  return crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
