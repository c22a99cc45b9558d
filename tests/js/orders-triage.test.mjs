// Which orders need attention, in what order lists show them, and how many rows each group gets.
import assert from "node:assert/strict";
import { test } from "node:test";
import { arrange, matches, share, troubleOf, wordsOf } from "../../orders/static/orders/triage.js";

const NOW = 1_762_424_052_948;
const MINUTE = 60_000;
const order = (more) => ({ orderId: "ORD-1", times: {}, timestamp: NOW - MINUTE, rev: 1, ...more });
const seen = (ago) => ({ name: "Asha", lat: 13, lng: 80, timestamp: NOW - ago, rev: 1, course: null, place: false, trail: [] });
const kind = (more, courier) => troubleOf(order(more), courier, NOW)?.kind ?? null;

test("a failed attempt needs somebody", () => {
  assert.equal(kind({ status: "Failed attempt", courier: "Asha" }), "failed");
});

test("an open order is late once its due time has passed, and says by how much", () => {
  assert.equal(kind({ status: "Packed", courier: "Asha", due: NOW + 1 }), null);
  assert.deepEqual(troubleOf(order({ status: "Placed", due: NOW - 14 * MINUTE }), undefined, NOW), { kind: "late", for: 14 * MINUTE });
});

test("nothing that is finished needs attention, however late it was", () => {
  for (const status of ["Delivered", "Cancelled", "Returned"]) assert.equal(kind({ status, due: NOW - MINUTE }), null);
});

test("out for delivery without a courier is trouble at once, packed without one after a while", () => {
  assert.equal(kind({ status: "Out for delivery" }), "no courier");
  assert.equal(kind({ status: "Packed", times: { Packed: NOW - 14 * MINUTE } }), null);
  assert.equal(kind({ status: "Packed", times: { Packed: NOW - 16 * MINUTE } }), "unassigned");
  assert.equal(kind({ status: "Placed", times: { Placed: NOW - 60 * MINUTE } }), null);
});

test("a courier that is silent for more than five minutes matters only while it is out for delivery", () => {
  const out = { status: "Out for delivery", courier: "Asha", times: { "Out for delivery": NOW - 20 * MINUTE } };
  assert.equal(kind(out, seen(5 * MINUTE)), null);
  assert.equal(kind(out, seen(6 * MINUTE)), "silent");
  assert.equal(kind(out, undefined), "silent", "a position that never came is silence since it left");
  assert.equal(kind({ ...out, status: "Packed" }, seen(60 * MINUTE)), null);
});

test("groups are filled by need, and their rows stand in an order that does not move without a reason", () => {
  const orders = [
    order({ orderId: "done-1", status: "Delivered", timestamp: NOW - 2 }),
    order({ orderId: "done-2", status: "Cancelled", timestamp: NOW - 1 }),
    order({ orderId: "new", status: "Placed" }),
    order({ orderId: "way-b", status: "Shipped", courier: "Asha", due: NOW + MINUTE }),
    order({ orderId: "way-a", status: "Out for delivery", courier: "Asha", eta: NOW + 9 * MINUTE }),
    order({ orderId: "late-1", status: "Packed", due: NOW - MINUTE }),
    order({ orderId: "late-9", status: "Packed", due: NOW - 9 * MINUTE }),
    order({ orderId: "failed", status: "Failed attempt" }),
    order({ orderId: "strange" }),
  ];
  const couriers = new Map([["Asha", seen(0)]]);
  const groups = arrange(orders, couriers, NOW, { words: [], status: "" });
  const ids = Object.fromEntries(Object.entries(groups).map(([name, list]) => [name, list.map((entry) => entry.order.orderId)]));
  assert.deepEqual(ids, {
    attention: ["failed", "late-9", "late-1"],
    way: ["way-a", "way-b"],
    preparing: ["new", "strange"],
    finished: ["done-2", "done-1"],
  });
});

test("a search finds all its words in id, customer or courier, whatever their case", () => {
  const one = order({ orderId: "ORD-49915", customerName: "Ravi", courier: "Asha" });
  assert.equal(matches(one, wordsOf("  asha 499 ")), true);
  assert.equal(matches(one, wordsOf("asha milan")), false);
  assert.equal(matches(one, wordsOf("")), true);
});

test("rows are bounded: the first group is served first, the later ones keep a few", () => {
  assert.deepEqual(share([4, 126, 20, 50], 300, 30), [4, 126, 20, 50]);
  assert.deepEqual(share([1_000, 1_000, 10, 1_000], 300, 30), [230, 30, 10, 30]);
  assert.deepEqual(share([0, 0, 0, 5_000], 300, 30), [0, 0, 0, 300]);
});
