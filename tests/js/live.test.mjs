// A view over transports that this test plays: snapshot, deltas, resume, fallback, sleep, and an honest state.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

let now = 0;
globalThis.document = Object.assign(new EventTarget(), { visibilityState: "visible" });
globalThis.addEventListener = document.addEventListener.bind(document);
performance.now = () => now;
const stored = new Map();
globalThis.localStorage = {
  getItem: (key) => stored.get(key) ?? null,
  setItem: (key, value) => stored.set(key, value),
  removeItem: (key) => stored.delete(key),
};
const { connect } = await import("../../realtime/static/realtime/live.js");

/** @type {{name: string, query: URLSearchParams, handlers: any, closed: boolean, said: any[]}[]} */
let connections = [];
let live;
let seen = [];

/** @param {string} name */
const played = (name) => (view, query, handlers) => {
  const connection = { name, view, query, handlers, closed: false, said: [], close: () => { connection.closed = true; } };
  if (name === "websocket") connection.say = (message) => connection.said.push(message) > 0;
  connections.push(connection);
  return connection;
};
const transports = { websocket: played("websocket"), sse: played("sse"), poll: played("poll") };
const newest = () => connections.at(-1);
const send = (frame) => newest().handlers.frame({ now: Date.now(), ...frame });
const end = (code, reason = "") => newest().handlers.end(code, reason);
const names = () => connections.map(({ name }) => name);
const states = () => seen.filter(([type]) => type === "state").map(([, { state }]) => state);

/** Lets time pass, second by second. */
function pass(ms) {
  for (let left = ms; left > 0; left -= 1_000) {
    now += Math.min(left, 1_000);
    mock.timers.tick(Math.min(left, 1_000));
  }
}

/** @param {"hidden"|"visible"} visibility */
function turn(visibility) {
  document.visibilityState = visibility;
  document.dispatchEvent(new Event("visibilitychange"));
}

/** @param {object} [options] */
async function begin(options = {}) {
  live?.close();
  connections = [];
  seen = [];
  live = connect("logs", { params: { text: "x" }, transports, ...options });
  for (const type of ["snapshot", "delta", "gap", "state", "refused"]) {
    live.addEventListener(type, (event) => seen.push([type, event.detail]));
  }
  await null;
}

beforeEach(async () => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_700_000_000_000 });
  mock.method(Math, "random", () => 1);
  stored.clear();
  document.visibilityState = "visible";
  await begin();
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
  end(1006);
  assert.equal(live.status.state, "lost");
  pass(1_000);
  assert.equal(connections.length, 2);
  assert.equal(newest().query.get("cursor"), "e.6.7");
  assert.equal(live.status.state, "lost");
  send({ type: "heartbeat", cursor: "e.0.0" });
  assert.equal(live.status.state, "live");
  end(1006);
  pass(2_000);
  assert.equal(newest().query.get("cursor"), "e.6.7");
});

test("half a snapshot is gone on with, over the next connection, and is no snapshot yet", () => {
  send({ type: "snapshot", cursor: "e.9.9~a", first: true, more: true });
  end(1006);
  pass(1_000);
  assert.equal(newest().query.get("cursor"), "e.9.9~a");
  send({ type: "heartbeat", cursor: "e.0.0" });
  send({ type: "snapshot", cursor: "e.9.9~b", more: true });
  assert.notEqual(live.status.state, "live");
  send({ type: "snapshot", cursor: "e.9.9" });
  assert.equal(live.status.state, "live");
  const parts = seen.filter(([type]) => type === "snapshot").map(([, { first, last }]) => [first, last]);
  assert.deepEqual(parts, [[true, false], [false, false], [false, true]]);
});

test("a snapshot that begins anew amid another one takes its place", () => {
  send({ type: "snapshot", cursor: "e.9.9~a", first: true, more: true });
  send({ type: "snapshot", cursor: "f.1.1", first: true });
  const parts = seen.filter(([type]) => type === "snapshot").map(([, { first, last }]) => [first, last]);
  assert.deepEqual(parts, [[true, false], [true, true]]);
  assert.equal(live.status.state, "live");
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
  end(4404);
  assert.equal(live.status.state, "closed");
  assert.match(live.status.reason, /not valid/);
  pass(60_000);
  assert.equal(connections.length, 1);
});

test("a network that is back is tried at once", () => {
  end(1006);
  document.dispatchEvent(new Event("online"));
  assert.equal(connections.length, 2);
  pass(5_000);
  assert.equal(connections.length, 2);
});

test("a returning viewer is not called behind for what it missed", () => {
  send({ type: "snapshot", cursor: "e.5.5" });
  end(1006);
  pass(1_000);
  send({ type: "delta", cursor: "e.8.8", produced: Date.now() - 20_000 });
  assert.equal(live.status.state, "live");
  send({ type: "delta", cursor: "e.9.9", produced: Date.now() - 4_000 });
  assert.equal(live.status.state, "lagging");
  assert.deepEqual(states().slice(-2), ["live", "lagging"]);
});

// --- transports ------------------------------------------------------------------------------------------------------

test("where no WebSocket opens it is live over SSE at once, where nothing streams over long poll", () => {
  end(1006);
  pass(1);
  assert.deepEqual(names(), ["websocket", "sse"]);
  assert.equal(live.status.state, "connecting");
  pass(9_000); // nothing comes
  assert.deepEqual(names(), ["websocket", "sse", "poll"]);
  assert.deepEqual(connections.map(({ closed }) => closed), [false, true, false]);
  send({ type: "snapshot", cursor: "e.5.5" });
  assert.deepEqual([live.status.state, live.status.transport], ["live", "poll"]);
});

test("a view that comes slowly is not taken for one that is swallowed", () => {
  for (let second = 0; second < 20; second += 1) {
    newest().handlers.alive();
    pass(1_000);
  }
  assert.deepEqual(names(), ["websocket"]);
  send({ type: "snapshot", cursor: "e.5.5" });
  assert.equal(live.status.state, "live");
});

test("a server that has no view to show yet is waited for on the transport over which it says so", () => {
  for (let n = 0; n < 5; n += 1) {
    send({ type: "heartbeat", stale: true, reason: "The state is being rebuilt" });
    pass(15_000);
  }
  assert.deepEqual(names(), ["websocket"]);
  assert.deepEqual([live.status.state, live.status.reason], ["connecting", "The state is being rebuilt"]);
  send({ type: "snapshot", cursor: "e.5.5" });
  assert.equal(live.status.state, "live");
});

test("the next page begins with the transport that worked, and tries a WebSocket again later", async () => {
  end(1006);
  pass(1);
  send({ type: "snapshot", cursor: "e.5.5" });
  await begin();
  assert.deepEqual(names(), ["sse"]);
  send({ type: "snapshot", cursor: "e.5.5" });
  for (let second = 0; second < 30 * 60 && newest().name === "sse"; second += 1) {
    newest().handlers.alive();
    pass(1_000);
  }
  assert.deepEqual(names(), ["sse", "websocket"]);
  assert.equal(connections[0].closed, true);
  assert.equal(newest().query.get("cursor"), "e.5.5");
  assert.equal(live.status.state, "live");
  end(1006);
  pass(1);
  assert.deepEqual(names(), ["sse", "websocket", "sse"]);
  send({ type: "heartbeat" });
  assert.equal(states().includes("lost"), false);
});

test("a socket that something cuts again and again is given up, without losing the place", () => {
  send({ type: "snapshot", cursor: "e.5.5" });
  for (let n = 6; n < 9; n += 1) {
    send({ type: "delta", cursor: `e.${n}.${n}` });
    end(1006);
    pass(2_000);
  }
  assert.deepEqual(names(), ["websocket", "websocket", "websocket", "sse"]);
  assert.equal(newest().query.get("cursor"), "e.8.8");
});

test("when the server is away it is asked now and then, not ever more", () => {
  send({ type: "snapshot", cursor: "e.5.5" });
  pass(60_000);
  end(1006);
  for (let second = 0; second < 300; second += 1) {
    if (!newest().over) {
      newest().over = true;
      end(1006);
    }
    pass(1_000);
  }
  assert.ok(connections.length < 60, `${connections.length} tries in five minutes`);
  assert.equal(live.status.state, "lost");
});

test("a server that restarts orderly is waited for as long as it says", () => {
  send({ type: "snapshot", cursor: "e.5.5" });
  end(1012, "restarting; retry=4200");
  pass(4_000);
  assert.equal(connections.length, 1);
  assert.equal(live.status.state, "lost");
  pass(1_000);
  assert.deepEqual(names(), ["websocket", "websocket"]);
});

test("an answer that the server ends in order, to be asked again, is no loss", () => {
  send({ type: "snapshot", cursor: "e.5.5" });
  send({ type: "heartbeat", stale: true, reason: "Redis does not answer" });
  end(1012, "retry=300");
  pass(300);
  assert.equal(connections.length, 2);
  assert.deepEqual([live.status.state, live.status.reason], ["lagging", "Redis does not answer"]);
  send({ type: "delta", cursor: "e.6.6" });
  assert.equal(live.status.state, "live");
  end(1012, "retry=300");
  assert.equal(live.status.state, "live");
  pass(3_000);
  assert.equal(live.status.state, "lost", "it does not come back, after all");
});

test("who is told that there are too many waits, whatever happens on this side", () => {
  end(4429, "Too many viewers at once. retry=10000");
  globalThis.dispatchEvent?.(new Event("online"));
  document.dispatchEvent(new Event("online"));
  turn("hidden");
  turn("visible");
  pass(9_000);
  assert.equal(connections.length, 1);
  pass(7_000);
  assert.deepEqual(names(), ["websocket", "websocket"]);
});

test("a network that goes is said at once, and is no fault of the transport", () => {
  send({ type: "snapshot", cursor: "e.5.5" });
  document.dispatchEvent(new Event("offline"));
  assert.equal(live.status.state, "lost");
  assert.equal(connections[0].closed, true);
  pass(1_000);
  assert.deepEqual(names(), ["websocket", "websocket"]);
  // That try hangs in a network that is not there; the one after it is made as soon as there is one.
  document.dispatchEvent(new Event("online"));
  assert.equal(connections[1].closed, true);
  assert.equal(connections.length, 3);
});

// --- sleep -----------------------------------------------------------------------------------------------------------

test("a page that nobody sees for a minute stops listening, and catches up when it is seen", () => {
  send({ type: "snapshot", cursor: "e.5.5" });
  turn("hidden");
  for (let n = 0; n < 3; n += 1) {
    pass(19_000);
    send({ type: "heartbeat" });
  }
  assert.equal(connections[0].closed, false);
  send({ type: "delta", cursor: "e.6.6" });
  pass(4_000);
  assert.equal(connections[0].closed, true);
  assert.equal(live.status.state, "asleep");
  pass(3_600_000);
  assert.equal(connections.length, 1);
  turn("visible");
  assert.equal(connections.length, 2);
  assert.equal(newest().query.get("cursor"), "e.6.6");
  assert.equal(live.status.state, "connecting");
  send({ type: "delta", cursor: "e.9999.9999", produced: Date.now() - 3_000_000 });
  assert.equal(live.status.state, "live");
});

test("a page that is hidden for a short while, or says so, is kept up to date", async () => {
  send({ type: "snapshot", cursor: "e.5.5" });
  for (let n = 0; n < 5; n += 1) {
    turn("hidden");
    pass(20_000);
    turn("visible");
    send({ type: "heartbeat" });
  }
  assert.equal(connections.length, 1);
  await begin({ sleepAfter: Infinity });
  send({ type: "snapshot", cursor: "e.5.5" });
  turn("hidden");
  for (let n = 0; n < 20; n += 1) {
    pass(20_000);
    send({ type: "heartbeat" });
  }
  assert.equal(connections.length, 1);
});

test("a tab that was opened behind others gets its view, then sleeps", async () => {
  document.visibilityState = "hidden";
  await begin();
  send({ type: "snapshot", cursor: "e.5.5" });
  pass(61_000);
  assert.equal(live.status.state, "asleep");
});

// --- filters ---------------------------------------------------------------------------------------------------------

test("a filter is sent over the socket, and what comes before its snapshot is not resumed from", () => {
  send({ type: "snapshot", cursor: "e.5.5", first: true });
  live.filter({ levels: "ERROR" });
  assert.deepEqual(newest().said, [{ type: "filter", levels: "ERROR" }]);
  send({ type: "delta", cursor: "e.6.6" });
  assert.equal(live.status.state, "live");
  end(1006);
  pass(1_000);
  assert.equal(newest().query.toString(), "levels=ERROR");
  send({ type: "snapshot", cursor: "e.7.7", first: true });
  send({ type: "delta", cursor: "e.8.8" });
  end(1006);
  pass(2_000);
  assert.equal(newest().query.toString(), "levels=ERROR&cursor=e.8.8");
});

test("of filters in quick succession the last one wins, one at a time", () => {
  send({ type: "snapshot", cursor: "e.5.5", first: true });
  for (const text of ["a", "ab", "abc"]) live.filter({ text });
  assert.deepEqual(newest().said.map(({ text }) => text), ["a"]);
  send({ type: "snapshot", cursor: "e.6.6", first: true });
  assert.deepEqual(newest().said.map(({ text }) => text), ["a", "abc"]);
  end(1006);
  pass(1_000);
  assert.equal(newest().query.toString(), "text=abc", "the snapshot of another filter is nothing to resume from");
});

test("other transports ask again for another filter, and the page stays live", () => {
  end(1006);
  pass(1);
  send({ type: "snapshot", cursor: "e.5.5", first: true });
  live.filter({ levels: "ERROR" });
  assert.deepEqual(connections.map(({ name, closed }) => [name, closed]), [["websocket", false], ["sse", true], ["sse", false]]);
  assert.equal(newest().query.toString(), "levels=ERROR");
  assert.equal(live.status.state, "live");
  send({ type: "snapshot", cursor: "e.6.6", first: true });
  assert.equal(live.status.state, "live");
  assert.equal(states().includes("connecting"), false);
});

test("a filter that is set while there is no connection is the next one's", () => {
  send({ type: "snapshot", cursor: "e.5.5", first: true });
  end(1006);
  live.filter({ levels: "WARN" });
  assert.equal(connections.length, 1);
  pass(1_000);
  assert.equal(newest().query.toString(), "levels=WARN");
});

test("a filter that the server refuses gives way to the one before, and the page hears why", () => {
  send({ type: "snapshot", cursor: "e.5.5", first: true });
  live.filter({ regex: "(" });
  end(4400, "regex: missing )");
  const refused = seen.filter(([type]) => type === "refused").map(([, detail]) => detail);
  assert.deepEqual(refused, [{ params: { regex: "(" }, reason: "regex: missing )" }]);
  pass(1_000);
  assert.deepEqual([names(), newest().query.toString()], [["websocket", "websocket"], "text=x"]);
  end(4400, "text: too long"); // the first one, too, by now
  pass(1_000);
  assert.equal(live.status.state, "closed");
});

test("a page that begins with a filter that is refused shows everything", async () => {
  await begin({ params: { regex: "(" } });
  end(4400, "regex: missing )");
  pass(1_000);
  assert.equal(newest().query.toString(), "");
  end(4400, "no reason that is ours");
  assert.equal(live.status.state, "closed");
});
