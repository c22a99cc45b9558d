// Which transport is tried next, as values: no timers, no sockets.
import assert from "node:assert/strict";
import { test } from "node:test";

import { CUTS, SHORT_MS, TRY_BETTER_MS, afterEnding, afterOpening, firstChoice, isTrialDue, nameOf, recall, remember, tryBetter } from "../../realtime/static/realtime/fallback.js";

const NOW = 1_700_000_000_000;
const refused = { opened: false, lasted: 5, silent: false, blameless: false };
const cut = { opened: true, lasted: SHORT_MS - 1, silent: false, blameless: false };
const fresh = firstChoice(null, NOW);

/** Ends so many tries in the same way; the transports tried, with "…" where it waits before the next. */
function tries(choice, ending, count) {
  const seen = [];
  for (let n = 0; n < count; n += 1) {
    seen.push(nameOf(choice));
    choice = afterEnding(choice, ending, NOW);
    if (choice.pause) seen.push("…");
  }
  return seen.join(" ");
}

/** A choice that worked over this transport. */
const working = (name, now = NOW) => afterOpening(firstChoice({ name, until: now + TRY_BETTER_MS }, now), now);

test("a first visit goes from WebSocket to SSE to long poll without a wait, and begins again after one", () => {
  assert.equal(tries(fresh, refused, 4), "websocket sse poll … websocket");
});

test("what worked gets a second try, after a wait, before others have their turn", () => {
  const choice = afterOpening(fresh, NOW);
  assert.equal(tries(choice, refused, 8), "websocket … websocket sse poll … websocket … websocket sse poll …");
});

test("when all of them fail the server is away: it begins again with what worked", () => {
  assert.equal(tries(working("poll"), refused, 5), "poll … poll websocket sse … poll …");
});

test("what opens in a round is where the next round begins", () => {
  const sse = afterOpening(afterEnding(fresh, refused, NOW), NOW);
  assert.equal(tries(sse, refused, 3), "sse … sse poll");
});

test("a socket that is cut again and again soon after it opened is left for the next transport", () => {
  let choice = afterOpening(fresh, NOW);
  for (let n = 1; n < CUTS; n += 1) {
    choice = afterOpening(afterEnding(choice, cut, NOW), NOW);
    assert.equal(nameOf(choice), "websocket");
  }
  choice = afterEnding(choice, cut, NOW);
  assert.equal(nameOf(choice), "sse");
  assert.equal(choice.pause, false);
});

test("cuts of connections that had held, or between them, prove nothing", () => {
  let choice = afterOpening(fresh, NOW);
  for (let n = 0; n < 3 * CUTS; n += 1) {
    const lasted = n % CUTS === CUTS - 1 ? SHORT_MS : 10;
    choice = afterOpening(afterEnding(choice, { ...cut, lasted }, NOW), NOW);
  }
  assert.equal(nameOf(choice), "websocket");
});

test("the last transport is not left, however often it is cut", () => {
  let choice = working("poll");
  for (let n = 0; n < 3 * CUTS; n += 1) choice = afterOpening(afterEnding(choice, cut, NOW), NOW);
  assert.equal(nameOf(choice), "poll");
});

test("an event stream that went silent is held back by something on the way: once is enough", () => {
  const silent = { ...cut, silent: true, lasted: 25_000 };
  assert.equal(nameOf(afterEnding(working("sse"), silent, NOW)), "poll");
  assert.equal(nameOf(afterEnding(afterOpening(fresh, NOW), silent, NOW)), "websocket");
});

test("a server that says why it closes is no fault of the transport", () => {
  const told = { ...refused, blameless: true };
  assert.equal(tries(fresh, told, 3), "websocket … websocket … websocket …");
  assert.equal(tries(afterOpening(fresh, NOW), { ...told, opened: true, lasted: 5 }, 6).includes("sse"), false);
});

test("a fallback is used for half an hour, then a WebSocket has one try", () => {
  const sse = working("sse");
  assert.equal(isTrialDue(sse, NOW + TRY_BETTER_MS - 1), false);
  const later = NOW + TRY_BETTER_MS;
  assert.equal(isTrialDue(sse, later), true);
  const trial = tryBetter(sse);
  assert.equal(nameOf(trial), "websocket");
  const failed = afterEnding(trial, refused, later);
  assert.deepEqual([nameOf(failed), failed.pause, isTrialDue(failed, later + 1)], ["sse", false, false]);
  assert.equal(isTrialDue(failed, later + TRY_BETTER_MS), true);
  const worked = afterOpening(trial, later);
  assert.deepEqual([nameOf(worked), isTrialDue(worked, Infinity)], ["websocket", false]);
});

test("coming back over a fallback does not put off the next try of a WebSocket", () => {
  let choice = working("sse");
  for (let minute = 1; minute < 30; minute += 1) {
    choice = afterOpening(afterEnding(choice, { ...cut, lasted: 60_000 }, NOW + minute * 60_000), NOW + minute * 60_000);
  }
  assert.equal(isTrialDue(choice, NOW + TRY_BETTER_MS), true);
});

/** A browser's storage, of which a page only needs these. */
function storage() {
  const items = new Map();
  const all = { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value), removeItem: (key) => items.delete(key) };
  return Object.assign(() => all, { items });
}

test("the next page begins with what worked, and is told when to try better", () => {
  const store = storage();
  remember(store, working("poll"));
  const choice = firstChoice(recall(store), NOW + 60_000);
  assert.deepEqual([nameOf(choice), isTrialDue(choice, NOW + TRY_BETTER_MS)], ["poll", true]);
  remember(store, afterOpening(fresh, NOW));
  assert.equal(recall(store), null);
});

test("after a day nothing is remembered", () => {
  const choice = firstChoice({ name: "poll", until: NOW }, NOW + 25 * 3_600_000);
  assert.deepEqual(choice, fresh);
});

test("a storage that is closed, full of something else, or absent does no harm", () => {
  const closed = () => {
    throw new Error("SecurityError");
  };
  assert.equal(recall(closed), null);
  remember(closed, working("sse"));
  const store = storage();
  for (const text of ["", "{", "null", "[]", '{"name":"carrier pigeon","until":1}', '{"name":"sse","until":"x"}', '{"name":"sse"}']) {
    store.items.set("sightline.transport", text);
    assert.equal(recall(store), null, text);
  }
});
