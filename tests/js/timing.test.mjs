// When the page comes back, what it takes for the server's time, and which state it may claim.
import assert from "node:assert/strict";
import { test } from "node:test";

import { LAG_MS, SILENCE_MS, ServerClock, behindAfter, mayComeBack, stateOf, waitBefore } from "../../realtime/static/realtime/timing.js";

test("only a close that speaks of us is for good", () => {
  for (const code of [4400, 4401, 4403, 4404, 4499]) assert.equal(mayComeBack(code), false, String(code));
  for (const code of [1000, 1001, 1006, 1009, 1011, 1012, 4408, 4429]) assert.equal(mayComeBack(code), true, String(code));
});

test("the wait doubles, is jittered over its whole span, and has an end", () => {
  assert.deepEqual([1, 2, 3, 4].map((failures) => waitBefore(failures, 1006, 1)), [500, 1000, 2000, 4000]);
  assert.equal(waitBefore(3, 1006, 0), 0);
  assert.equal(waitBefore(1000, 1006, 1), 30_000);
});

test("a busy server is given more time", () => {
  assert.equal(waitBefore(1, 4429, 1), 5_000);
  assert.equal(waitBefore(1, 4408, 1), 2_000);
  assert.equal(waitBefore(1, 1012, 1), 1_000);
});

test("the fastest frame tells the server's time, not the latest", () => {
  const clock = new ServerClock();
  assert.equal(clock.now(0), null);
  clock.note(10_000, 130); // took longest
  clock.note(10_100, 140);
  clock.note(10_200, 320);
  assert.equal(clock.now(400), 10_360);
});

test("a frame that stood in a queue for long does not make the server look late", () => {
  const clock = new ServerClock();
  clock.note(10_000, 0);
  for (let second = 1; second <= 60; second += 1) clock.note(10_000 + second * 1000 - 5_000, second * 1000);
  assert.equal(clock.now(60_000), 70_000);
});

test("a clock that was set back is believed after five minutes", () => {
  const clock = new ServerClock();
  clock.note(100_000, 0);
  for (let second = 1; second <= 400; second += 1) clock.note(40_000 + second * 1000, second * 1000);
  assert.equal(clock.now(400_000), 440_000);
});

test("a delta is as far behind as its newest record is old when it is shown", () => {
  assert.equal(behindAfter({ type: "delta", now: 990, produced: 950 }, null, 1_000, false), 50);
});

test("what a returning viewer missed is not slow, only missed", () => {
  assert.equal(behindAfter({ type: "delta", now: 99_990, produced: 10_000 }, null, 100_000, true), null);
});

test("a snapshot of a quiet system is not old", () => {
  assert.equal(behindAfter({ type: "snapshot", now: 99_990, produced: 5 }, null, 100_000, true), null);
});

test("a heartbeat in time ends a lag, and leaves a good measure alone", () => {
  const beat = { type: "heartbeat", now: 99_990 };
  assert.equal(behindAfter(beat, 4_000, 100_000, false), null);
  assert.equal(behindAfter(beat, 38, 100_000, false), 38);
  assert.equal(behindAfter({ type: "heartbeat", now: 95_000 }, 38, 100_000, false), 5_000);
});

const fine = { ended: false, open: true, failed: false, silence: 0, behind: 38, stale: false };

test("live is claimed only when it is so", () => {
  assert.equal(stateOf(fine), "live");
  assert.equal(stateOf({ ...fine, behind: null }), "live");
  assert.equal(stateOf({ ...fine, behind: LAG_MS + 1 }), "lagging");
  assert.equal(stateOf({ ...fine, stale: true }), "lagging");
  assert.equal(stateOf({ ...fine, silence: SILENCE_MS + 1 }), "lost");
  assert.equal(stateOf({ ...fine, open: false, failed: true }), "lost");
  assert.equal(stateOf({ ...fine, open: false }), "connecting");
  assert.equal(stateOf({ ...fine, ended: true }), "closed");
});
