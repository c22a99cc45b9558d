// When the page comes back, what it takes for the server's time, and which state it may claim.
import assert from "node:assert/strict";
import { test } from "node:test";

import { LAG_MS, ServerClock, behindAfter, mayComeBack, stateOf, toldWait, waitBefore } from "../../realtime/static/realtime/timing.js";

test("only a close that speaks of us is for good", () => {
  for (const code of [4400, 4401, 4403, 4404, 4499]) assert.equal(mayComeBack(code), false, String(code));
  for (const code of [1000, 1001, 1006, 1009, 1011, 1012, 4408, 4429]) assert.equal(mayComeBack(code), true, String(code));
});

const wait = (failures, code, random, reason = "") => waitBefore(failures, { code, reason }, random);

test("the wait doubles, is jittered over its whole span, and has an end", () => {
  assert.deepEqual([1, 2, 3, 4].map((failures) => wait(failures, 1006, 1)), [500, 1000, 2000, 4000]);
  assert.equal(wait(3, 1006, 0), 0);
  assert.equal(wait(1000, 1006, 1), 30_000);
});

test("a busy server is given more time", () => {
  assert.equal(wait(1, 4429, 1), 5_000);
  assert.equal(wait(1, 4408, 1), 2_000);
  assert.equal(wait(1, 1012, 1), 1_000);
});

test("a server that says when to come back is believed, within reason", () => {
  assert.equal(toldWait("restarting; retry=1234"), 1_234);
  assert.equal(toldWait("Too many; come back in 7 s. retry=7000"), 7_000);
  for (const reason of ["", "restarting", "retry=", "retry=-5", "noretry=5"]) assert.equal(toldWait(reason), null, reason);
  assert.equal(toldWait("retry=99999999999999999999"), 300_000);
  assert.equal(wait(9, 1012, 0.7, "restarting; retry=1234"), 1_234);
});

test("those who are told together that they are too many do not come back together, and not before the time", () => {
  assert.deepEqual([0, 0.5, 1].map((random) => wait(1, 4429, random, "retry=10000")), [10_000, 12_500, 15_000]);
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

test("a clock that ran otherwise while the machine slept is measured anew", () => {
  const clock = new ServerClock();
  clock.note(100_000, 0);
  clock.note(115_000, 15_000);
  clock.note(116_000, 3_600_000);
  assert.equal(clock.now(3_600_000), 116_000);
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

const fine = { ended: false, asleep: false, open: true, failed: false, silent: false, behind: 38, stale: false };

test("live is claimed only when it is so", () => {
  assert.equal(stateOf(fine), "live");
  assert.equal(stateOf({ ...fine, behind: null }), "live");
  assert.equal(stateOf({ ...fine, behind: LAG_MS + 1 }), "lagging");
  assert.equal(stateOf({ ...fine, stale: true }), "lagging");
  assert.equal(stateOf({ ...fine, silent: true }), "lost");
  assert.equal(stateOf({ ...fine, open: false, asleep: true }), "asleep");
  assert.equal(stateOf({ ...fine, open: false, failed: true }), "lost");
  assert.equal(stateOf({ ...fine, open: false }), "connecting");
  assert.equal(stateOf({ ...fine, ended: true }), "closed");
});
