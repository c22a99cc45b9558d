// The lines that the tab keeps, and what is missing between them.
import assert from "node:assert/strict";
import { test } from "node:test";

import { OPEN, readFilter } from "../../logs/static/logs/filter.js";
import { Store } from "../../logs/static/logs/store.js";

const line = (n, life = "k") => ({ id: `${life}-0-${n}`, n, timestamp: n, level: "INFO", service: "auth", message: `line ${n}` });
const lines = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => line(from + index));
const items = (store) => store.after(-Infinity);
const shown = (store) => items(store).map((item) => ("line" in item ? item.line.n : `${item.missing} ${item.n}`));
const errors = readFilter(new URLSearchParams("levels=ERROR"));

test("what was left out stands where the numbers jump", () => {
  const store = new Store(100);
  store.add([line(1), line(2)]);
  store.add([line(45), line(46)], 42);
  store.add([line(47), line(60)], 12);
  store.add([], 3);
  assert.deepEqual(shown(store), [1, 2, "hidden 42", 45, 46, 47, "hidden 12", 60, "hidden 3"]);
});

test("a line that is there already is not shown twice, and one that comes late stands in its place", () => {
  const store = new Store(100);
  assert.ok(store.add([line(1), line(2), line(9)]));
  assert.ok(!store.add([line(2), line(3), line(9), line(10)]));
  assert.deepEqual(shown(store), [1, 2, 3, 9, 10]);
  assert.ok(!store.add([line(4), line(5)]));
  assert.ok(store.add([line(11)]));
  assert.deepEqual(shown(store), [1, 2, 3, 4, 5, 9, 10, 11]);
  const places = items(store).map(({ at }) => at);
  assert.deepEqual(places, [...places].sort((a, b) => a - b));
});

test("a filter's snapshot loses nothing that the tab has, and tells by which filter a line came last", () => {
  const store = new Store(100);
  store.add(lines(1, 6), 0, 1);
  store.cover(4, errors);
  store.add([line(4), line(6)], 0, 2);
  assert.deepEqual(items(store).map(({ line, by }) => [line.n, by]), [[1, 1], [2, 1], [3, 1], [4, 2], [5, 1], [6, 2]]);
});

test("what was hidden under one filter is asked anew from the next one's snapshot on", () => {
  const store = new Store(100);
  store.add([line(1), line(10)], 8);
  store.add([line(30)], 19);
  store.cover(20, errors);
  assert.deepEqual(shown(store), [1, "hidden 8", 10, 30]);
});

test("lines of a time when a narrower filter was in force may be lacking", () => {
  const store = new Store(100);
  store.cover(1, OPEN);
  store.add(lines(1, 5));
  assert.equal(store.unaskedBefore(OPEN), null);
  assert.equal(store.unaskedBefore(errors), null);
  store.cover(6, errors);
  store.add([line(6)]);
  assert.equal(store.unaskedBefore(errors), null);
  store.cover(10, OPEN);
  store.add([line(10)]);
  assert.equal(store.unaskedBefore(OPEN), 10);
  store.cover(3, OPEN); // what a later snapshot brings reaches back over it
  assert.equal(store.unaskedBefore(OPEN), null);
});

test("a new life numbers its lines anew: they come after the old ones, and none is there twice", () => {
  const store = new Store(100);
  store.add([line(90), line(91), line(92)]);
  store.renumber();
  assert.ok(store.add([{ ...line(92), n: 1 }, line(2, "new")]));
  assert.deepEqual(shown(store), [90, 91, 1, 2]);
  store.add([line(3, "new")]);
  assert.deepEqual(shown(store).at(-1), 3);
});

test("only the newest lines are kept, by number and by size, and those let go are counted", () => {
  const store = new Store(10);
  for (let n = 1; n <= 100; n += 1) store.add([line(n)]);
  assert.deepEqual(shown(store), [91, 92, 93, 94, 95, 96, 97, 98, 99, 100]);
  assert.equal(store.dropped, 90);
  const large = new Store(1_000, 10_000);
  large.add(lines(1, 9).map((one) => ({ ...one, message: "x".repeat(2_000) })));
  assert.deepEqual(shown(large), [6, 7, 8, 9]);
  assert.equal(large.dropped, 5);
});

test("items are found by their place", () => {
  const store = new Store(100);
  store.add(lines(1, 3));
  store.missing("missed", null);
  assert.deepEqual(store.after(2).map((item) => item.line?.n ?? item.missing), [3, "missed"]);
  assert.deepEqual(store.after(3.5), []);
});
