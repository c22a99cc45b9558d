// The lines that the tab keeps, and what is missing between them.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Store } from "../../logs/static/logs/store.js";

const line = (n) => ({ id: `k-0-${n}`, n, timestamp: n, level: "INFO", service: "auth", message: `line ${n}` });
const shown = (store) => store.between(0).map((item) => ("line" in item ? item.line.n : `${item.missing} ${item.n}`));

test("what was left out stands where the numbers jump", () => {
  const store = new Store(100);
  store.add([line(1), line(2)]);
  store.add([line(45), line(46)], 42);
  store.add([line(47), line(60)], 12);
  store.add([], 3);
  assert.deepEqual(shown(store), [1, 2, "hidden 42", 45, 46, 47, "hidden 12", 60, "hidden 3"]);
});

test("a line that is there already is not shown twice", () => {
  const store = new Store(100);
  store.add([line(1), line(2)]);
  store.add([line(2), line(3)]);
  assert.deepEqual(shown(store), [1, 2, 3]);
});

test("a new snapshot may number its lines anew", () => {
  const store = new Store(100);
  store.add([line(90)]);
  const before = store.newest;
  store.clear();
  store.add([line(1)]);
  assert.deepEqual(shown(store), [1]);
  assert.ok(store.newest > before);
});

test("only the newest lines are kept", () => {
  const store = new Store(10);
  for (let n = 1; n <= 100; n += 1) store.add([line(n)]);
  assert.ok(store.size <= 12);
  assert.equal(shown(store).at(-1), 100);
});

test("items are found by when they came", () => {
  const store = new Store(100);
  store.add([line(1), line(2), line(3)]);
  store.missing("missed", null);
  assert.deepEqual(store.between(1, 3).map((item) => item.line.n), [2, 3]);
  assert.deepEqual(store.between(3), [{ seq: 4, missing: "missed", n: null }]);
});
