// What waits to be sent is kept, bounded and sent in order; a courier sees at once what it reported.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Orders, statusOf, waits, whyRefused } from "../../orders/static/orders/courierorders.js";
import { Queue } from "../../orders/static/orders/queue.js";

class Store {
  items = new Map();
  full = false;
  get length() {
    return this.items.size;
  }
  key(i) {
    return [...this.items.keys()][i] ?? null;
  }
  getItem(key) {
    return this.items.get(key) ?? null;
  }
  setItem(key, value) {
    if (this.full) throw new Error("QuotaExceededError");
    this.items.set(key, value);
  }
  removeItem(key) {
    this.items.delete(key);
  }
}

const fix = (timestamp) => ({ id: `f${timestamp}`, type: "fix", lat: 1, lng: 2, timestamp });
const step = (timestamp, orderId = "A", status = "Delivered") => ({ id: `s${timestamp}`, type: "step", orderId, status, timestamp });
const ids = (reports) => reports.map(({ id }) => id);

test("what waits survives a reload, in the order of time, and other keys are nobody's business", () => {
  const store = new Store();
  store.setItem("theme", "dark");
  store.setItem("c.broken", "{");
  const before = new Queue(store, "c.");
  for (const time of [30, 9, 100]) before.add(fix(time));
  const after = new Queue(store, "c.");
  assert.deepEqual(ids(after.next(9)), ["f9", "f30", "f100"]);
  after.remove(["f9", "f30", "f100"]);
  assert.deepEqual([...store.items.keys()], ["theme", "c.broken"]);
});

test("steps are sent before fixes, and a batch is bounded", () => {
  const queue = new Queue(new Store(), "c.");
  for (const report of [fix(1), fix(2), step(3), fix(4), step(5)]) queue.add(report);
  assert.deepEqual(ids(queue.next(3)), ["s3", "s5", "f1"]);
  assert.deepEqual(queue.size(), { steps: 2, fixes: 3 });
});

test("of too many fixes every second old one goes, never a step, never the newest", () => {
  const store = new Store();
  const queue = new Queue(store, "c.", 100);
  queue.add(step(0));
  for (let time = 1; time <= 1_000; time += 1) queue.add(fix(time));
  const { steps, fixes } = queue.size();
  assert.equal(steps, 1);
  assert.ok(fixes > 50 && fixes <= 100);
  assert.equal(store.length, fixes + 1);
  assert.ok(ids(queue.next(999)).includes("f1000"));
  assert.ok(ids(queue.next(999)).includes("f1"));
});

test("a store that is full or missing loses nothing while the page is open, and the page knows", () => {
  const store = new Store();
  const queue = new Queue(store, "c.");
  store.full = true;
  queue.add(step(1));
  assert.equal(queue.kept, false);
  assert.deepEqual(ids(queue.next(9)), ["s1"]);
  const bare = new Queue(null, "c.");
  bare.add(step(1));
  assert.equal(bare.kept, false);
  assert.equal(bare.stepOf("A").status, "Delivered");
});

test("two tabs of one page do not undo each other's reports", () => {
  const store = new Store();
  const [one, two] = [new Queue(store, "c."), new Queue(store, "c.")];
  one.add(step(1, "A"));
  two.add(step(2, "B"));
  one.remove(["s1"]);
  assert.deepEqual(ids(new Queue(store, "c.").next(9)), ["s2"]);
});

test("the newest step that waits is what an order shows", () => {
  const queue = new Queue(new Store(), "c.");
  queue.add(step(2, "A", "Delivered"));
  queue.add(step(1, "A", "Out for delivery"));
  assert.equal(statusOf({ orderId: "A", status: "Packed", rev: 1 }, queue.stepOf("A")), "Delivered");
  assert.equal(statusOf({ orderId: "B", status: "Packed", rev: 1 }, queue.stepOf("B")), "Packed");
});

test("what is due first comes first, and a step moves no card", () => {
  const orders = new Orders();
  orders.snapshot({ orders: [{ orderId: "C", status: "Packed", due: 1, rev: 1 }] }, true, false);
  assert.equal(orders.all.size, 0);
  orders.snapshot({ orders: [{ orderId: "B", status: "Out for delivery", due: 9, rev: 1 }, { orderId: "A", status: "Out for delivery", rev: 1 }, { orderId: "D", rev: 1 }] }, false, true);
  assert.deepEqual(orders.sorted().map(({ orderId }) => orderId), ["C", "B", "A", "D"]);
  orders.delta({ orders: [{ orderId: "A", status: "Packed", rev: 0 }], removed: { orders: ["B"] } });
  assert.deepEqual(orders.sorted().map(({ orderId }) => orderId), ["C", "A", "D"]);
});

test("what waits is told only while there is no connection", () => {
  const words = { step: "1 step", steps: "{n} steps", fix: "1 position", fixes: "{n} positions", both: "{steps} and {fixes}", kept: "kept: {what}", unkept: "only here: {what}" };
  assert.equal(waits({ steps: 1, fixes: 2 }, false, true, words), "");
  assert.equal(waits({ steps: 0, fixes: 0 }, true, true, words), "");
  assert.equal(waits({ steps: 1, fixes: 0 }, true, true, words), "kept: 1 step");
  assert.equal(waits({ steps: 0, fixes: 3 }, true, true, words), "kept: 3 positions");
  assert.equal(waits({ steps: 2, fixes: 1 }, true, false, words), "only here: 2 steps and 1 position");
});

test("a refusal is told in the page's words where it has any, else in the server's", () => {
  const words = { foreign: "{order} is not yours", other: "Not taken: {reason}" };
  assert.equal(whyRefused({ reason: "A is not among your orders.", code: "foreign" }, "A", words), "A is not yours");
  for (const code of ["", undefined, "new"]) assert.equal(whyRefused({ reason: "Too far.", code }, "A", words), "Not taken: Too far.");
});
