// @ts-check
// One order for its customer, kept live: the answer first, then the map, then what happened.
import { ago } from "../realtime/format.js";
import { connect } from "../realtime/live.js";
import { showState } from "../realtime/sight.js";
import { answer, fill, happened, withUnit } from "./answer.js";
import { fitChildren, setText } from "./keyed.js";
import { given, part } from "./page.js";
import { isFinished, shortSteps } from "./steps.js";
import { clock } from "./times.js";
import { TrackMap } from "./trackmap.js";

/**
 * @typedef {import("./answer.js").Order} Order
 * @typedef {import("./answer.js").Position} Position
 */

const NOT_FOUND = 4404;

/** @type {{order: Order|null, position: Position|null}} */
const view = given("view");
/** @type {import("./answer.js").Words} */
const words = given("words");
const live = connect(given("stream"));
const map = new TrackMap(part(".map"), given("config"));

showState(live, false);
live.addEventListener("snapshot", (event) => take(/** @type {CustomEvent} */ (event).detail.frame, true));
live.addEventListener("delta", (event) => take(/** @type {CustomEvent} */ (event).detail.frame, false));
live.addEventListener("state", () => {
  if (live.status.state !== "closed" || live.status.code !== NOT_FOUND) return;
  // The link has ended: what it showed is nobody's to see any longer.
  view.order = view.position = null;
  show();
});
setInterval(show, 1_000);
show();

/**
 * @param {Partial<typeof view>} frame
 * @param {boolean} whole a snapshot stands for itself; a delta brings what changed, and only what is newer counts
 */
function take(frame, whole) {
  if (frame.order !== undefined && (whole || !frame.order || isNewer(frame.order, view.order))) view.order = frame.order;
  if (frame.position !== undefined && (whole || !frame.position || isNewer(frame.position, view.position))) {
    view.position = frame.position;
  }
  document.body.dataset.ready = "true";
  show();
}

/**
 * @param {{rev?: number}} now
 * @param {{rev?: number}|null} before
 */
const isNewer = (now, before) => (now.rev ?? 0) > (before?.rev ?? -1);

function show() {
  const { order, position } = view;
  const now = live.serverNow();
  const local = (/** @type {number} */ ms) => clock(ms, now);
  const { headline, detail } = answer(order, position, now, words, local, given("config").near);
  setText(part(".answer h1"), headline);
  setText(part(".answer .detail"), detail);
  setText(part(".answer .note"), order?.publicNote ?? "");
  part(".answer .note").hidden = !order?.publicNote;
  showSteps(order, local);
  showHappened(order, local);
  showGoing(order, local);
  map.show(order, position, now, note(order, position, now));
}

/**
 * @param {Order|null} order
 * @param {(ms: number) => string} local
 */
function showSteps(order, local) {
  const list = order ? shortSteps(order.status ?? undefined, order.times) : [];
  const into = part(".answer .steps");
  fitChildren(into, list.length, "li", ["span", "time"]);
  list.forEach(({ status, at, state }, i) => {
    into.children[i].className = state;
    setText(into.children[i].children[0], words.steps[status] ?? status);
    setTime(into.children[i].children[1], at, local);
  });
}

/**
 * @param {Order|null} order
 * @param {(ms: number) => string} local
 */
function showHappened(order, local) {
  const list = order ? happened(order, words) : [];
  part(".happened").hidden = !list.length;
  const into = part(".happened dl");
  fitChildren(into, list.length, "div", ["dt", "dd"]);
  list.forEach(({ text, at }, i) => {
    setText(into.children[i].children[0], text);
    setText(into.children[i].children[1], local(at));
  });
}

/**
 * @param {Order|null} order
 * @param {(ms: number) => string} local
 */
function showGoing(order, local) {
  const name = order?.destination?.name ?? "";
  const eta = order && !isFinished(order.status ?? undefined) ? order.eta ?? null : null;
  part(".going").hidden = !name && eta === null;
  part(".to").hidden = !name;
  part(".eta").hidden = eta === null;
  setText(part(".to p"), name);
  setTime(part(".eta time"), eta, local);
}

/**
 * @param {Element} element
 * @param {number|null} at
 * @param {(ms: number) => string} local
 */
function setTime(element, at, local) {
  setText(element, at === null ? "" : local(at));
  if (at === null) element.removeAttribute("datetime");
  else element.setAttribute("datetime", new Date(at).toISOString());
}

/**
 * What the map says of itself.
 * @param {Order|null} order
 * @param {Position|null} position
 * @param {number} now
 */
function note(order, position, now) {
  if (position) {
    const old = withUnit(ago(Math.max(1_000, now - position.timestamp)), words);
    return fill(words.notes.position, { ago: old, far: withUnit(`${position.accuracy} m`, words) });
  }
  if (!order || isFinished(order.status ?? undefined)) return "";
  return order.status === "Out for delivery" ? words.notes.none : words.notes.later;
}
