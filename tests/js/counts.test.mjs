// The counts of the log page: totals of buckets in, exact sums of a time range out.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Counts, spanUntil, sum } from "../../logs/static/logs/counts.js";
import { errorRate } from "../../logs/static/logs/rates.js";

test("a bucket's total is not an increment: the larger wins, in any order", () => {
  const counts = new Counts(900);
  counts.add([[100, "auth", "INFO", 7]]);
  counts.add([[100, "auth", "INFO", 5], [100, "auth", "INFO", 9], [100, "auth", "INFO", 9]]);
  assert.equal(counts.services({ from: 0, width: 10, bars: 90 }).get("auth").INFO, 9);
});

test("the bars of a span add up to its total, and the last one takes what a faster clock sent", () => {
  const counts = new Counts(900);
  counts.add([[99, "auth", "INFO", 50], [100, "auth", "INFO", 1], [119, "auth", "ERROR", 2], [125, "pay", "INFO", 4]]);
  const span = { from: 100, width: 10, bars: 2 };
  const bars = counts.bars(span, "");
  assert.deepEqual(bars.map(sum), [1, 6]);
  assert.deepEqual(counts.bars(span, "auth").map(sum), [1, 2]);
  assert.deepEqual([...counts.services(span)].map(([name, totals]) => [name, sum(totals)]), [["auth", 3], ["pay", 4]]);
});

test("a span ends with the bar that holds the present second", () => {
  assert.deepEqual(spanUntil(1_000.9, 10, 90), { from: 110, width: 10, bars: 90 });
  assert.deepEqual(spanUntil(999, 10, 2), { from: 980, width: 10, bars: 2 });
});

test("what is older than the ranges is forgotten", () => {
  const counts = new Counts(60);
  counts.add([[100, "auth", "INFO", 1], [160, "auth", "INFO", 1]]);
  counts.forget(161);
  assert.equal(sum(counts.services({ from: 0, width: 1, bars: 1 }).get("auth")), 1);
});

test("the rate is that of complete seconds, of one service or of all", () => {
  const counts = new Counts(60);
  counts.add([[98, "auth", "INFO", 10], [99, "pay", "FATAL", 4], [99, "pay", "ERROR", 2], [100, "auth", "INFO", 999]]);
  assert.deepEqual(counts.rate(100.2, 2, ""), { lines: 8, errors: 3 });
  assert.deepEqual(counts.rate(100.2, 2, "auth"), { lines: 5, errors: 0 });
});

test("a level that nobody knows is left out", () => {
  const counts = new Counts(60);
  counts.add([[100, "auth", "LOUD", 3]]);
  assert.equal(counts.services({ from: 0, width: 1, bars: 1 }).size, 0);
});

test("the sum over all services follows every larger total, and what is forgotten is gone from it", () => {
  const counts = new Counts(60);
  const span = { from: 90, width: 10, bars: 2 };
  counts.add([[95, "auth", "INFO", 3], [95, "pay", "ERROR", 2]]);
  counts.add([[95, "auth", "INFO", 7], [95, "pay", "ERROR", 1]]);
  assert.deepEqual(counts.bars(span, "").map(sum), [9, 0]);
  counts.forget(156);
  assert.deepEqual(counts.bars(span, "").map(sum), [0, 0]);
});

test("where another source counts what is earlier, only what is later is taken", () => {
  const counts = new Counts(900);
  counts.add([[100, "auth", "INFO", 1], [105, "auth", "INFO", 2]]);
  const span = { from: 100, width: 10, bars: 1 };
  assert.deepEqual(counts.bars(span, "", 105).map(sum), [2]);
  assert.equal(counts.services(span, 105).get("auth").INFO, 2);
});

test("the error rate is a share of all lines, and where some levels are filtered out only a rate by time", () => {
  const totals = { TRACE: 0, DEBUG: 0, INFO: 970, WARN: 0, ERROR: 20, FATAL: 10 };
  assert.equal(errorRate(totals, { all: true, errors: true, seconds: 300 }), "3.0 % errors, 6.0/min");
  assert.equal(errorRate(totals, { all: false, errors: true, seconds: 60 }), "30 errors/min");
  assert.equal(errorRate(totals, { all: false, errors: false, seconds: 60 }), "");
  assert.equal(errorRate({ ...totals, INFO: 99_999 }, { all: true, errors: true, seconds: 3_600 }), "< 0.1 % errors, 0.5/min");
});
