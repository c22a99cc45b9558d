// A view over a transport that this test plays: snapshot, deltas, resume, and an honest state.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

let now = 0;
globalThis.document = Object.assign(new EventTarget(), { visibilityState: "visible" });
globalThis.addEventListener = document.addEventListener.bind(document);
performance.now = () => now;
const { connect } = await import("../../realtime/static/realtime/live.js");

/** @type {{query: URLSearchParams, handlers: any, closed: boolean}[]} */
let connections = [];
let live;
let seen = [];

const transport = (view, query, handlers) => {
  const connection = { view, query, handlers, closed: false, close: () => { connection.closed = true; } };
  connections.push(connection);
  return connection;
};
const newest = () => connections.at(-1);
const send = (frame) => newest().handlers.frame(JSON.stringify({ now: Date.now(), ...frame }));
const states = () => seen.filter(([type]) => type === "state").map(([, { state }]) => state);

/** Lets time pass, second by second. */
function pass(ms) {
  for (let left = ms; left > 0; left -= 1_000) {
    now += Math.min(left, 1_000);
    mock.timers.tick(Math.min(left, 1_000));
  }
}

beforeEach(async () => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_700_000_000_000 });
  mock.method(Math, "random", () => 1);
  connections = [];
  seen = [];
  live = connect("logs", { params: { text: "x" }, transport });
  for (const type of ["snapshot", "delta", "gap", "state"]) {
    live.addEventListener(type, (event) => seen.push([type, event.detail]));
  }
  await null;
});
afterEach(() => {
  live.close();
  mock.timers.reset();
  mock.restoreAll();
});

test("it is live once a whole snapshot is shown, not before", () => {
  assert.equal(newest().query.get("text"), "x");
  assert.equal(newest().query.get("cursor"), null);
  send({ type: "heartbeat", cursor: "e.0.0" });
  send({ type: "snapshot", cursor: "e.5.5", more: true });
  assert.equal(live.status.state, "connecting");
  send({ type: "snapshot", cursor: "e.5.5" });
  assert.equal(live.status.state, "live");
  const parts = seen.filter(([type]) => type === "snapshot").map(([, { first, last }]) => [first, last]);
  assert.deepEqual(parts, [[true, false], [false, true]]);
});

test("it comes back with the cursor of the last frame that it showed", () => {
  send({ type: "snapshot", cursor: "e.5.5" });
  send({ type: "delta", cursor: "e.6.7", produced: Date.now() - 30 });
  assert.equal(live.status.behind, 30);
  newest().handlers.end(1012, "");
  assert.equal(live.status.state, "lost");
  pass(1_000);
  assert.equal(connections.length, 2);
  assert.equal(newest().query.get("cursor"), "e.6.7");
  assert.equal(live.status.state, "lost");
  send({ type: "heartbeat", cursor: "e.0.0" });
  assert.equal(live.status.state, "live");
  newest().handlers.end(1006, "");
  pass(2_000);
  assert.equal(newest().query.get("cursor"), "e.6.7");
});

test("half a snapshot is begun again, not resumed", () => {
  send({ type: "snapshot", cursor: "e.5.5" });
  newest().handlers.end(1006, "");
  pass(1_000);
  send({ type: "snapshot", cursor: "e.9.9", more: true });
  newest().handlers.end(1006, "");
  pass(2_000);
  assert.equal(newest().query.get("cursor"), null);
  send({ type: "snapshot", cursor: "e.9.9" });
  assert.equal(seen.filter(([type]) => type === "snapshot").at(-1)[1].first, true);
});

test("a connection that went silent is given up and made anew", () => {
  send({ type: "snapshot", cursor: "e.5.5" });
  pass(25_000);
  assert.equal(live.status.state, "live");
  pass(2_000);
  assert.equal(live.status.state, "lost");
  assert.equal(connections[0].closed, true);
  assert.equal(connections.length, 2);
});

test("what the server does not vouch for is not live until a heartbeat takes it back", () => {
  send({ type: "snapshot", cursor: "e.5.5" });
  send({ type: "heartbeat", cursor: "e.5.5", stale: true, reason: "Redis does not answer" });
  assert.deepEqual([live.status.state, live.status.reason], ["lagging", "Redis does not answer"]);
  send({ type: "delta", cursor: "e.6.6", produced: Date.now() });
  assert.equal(live.status.state, "lagging");
  send({ type: "heartbeat", cursor: "e.6.6" });
  assert.equal(live.status.state, "live");
});

test("being turned away is for good, and says what to do", () => {
  newest().handlers.end(4404, "");
  assert.equal(live.status.state, "closed");
  assert.match(live.status.reason, /not valid/);
  pass(60_000);
  assert.equal(connections.length, 1);
});

test("a network that is back is tried at once", () => {
  newest().handlers.end(1006, "");
  document.dispatchEvent(new Event("online"));
  assert.equal(connections.length, 2);
  pass(5_000);
  assert.equal(connections.length, 2);
});

test("a returning viewer is not called behind for what it missed", () => {
  send({ type: "snapshot", cursor: "e.5.5" });
  newest().handlers.end(1006, "");
  pass(1_000);
  send({ type: "delta", cursor: "e.8.8", produced: Date.now() - 20_000 });
  assert.equal(live.status.state, "live");
  send({ type: "delta", cursor: "e.9.9", produced: Date.now() - 4_000 });
  assert.equal(live.status.state, "lagging");
  assert.deepEqual(states().slice(-2), ["live", "lagging"]);
});
