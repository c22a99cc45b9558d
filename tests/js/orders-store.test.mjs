// Orders and couriers as the page holds them: newer replaces older, snapshots replace everything at once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../../orders/static/orders/store.js";

const order = (id, rev, more = {}) => ({ orderId: id, status: "Packed", times: {}, timestamp: 1, rev, ...more });
const fix = (name, rev, lat, lng, more = {}) => ({ name, lat, lng, timestamp: 1, rev, ...more });
const holding = (frame) => {
  const store = new Store();
  store.snapshot(frame, true, true);
  return store;
};

test("a delta replaces an order only by one with a higher rev", () => {
  const store = holding({ orders: [order("A", 5)] });
  assert.deepEqual([...store.delta({ orders: [order("A", 5, { status: "Placed" })] }).orders], []);
  assert.equal(store.orders.get("A").status, "Packed");
  assert.deepEqual([...store.delta({ orders: [order("A", 6, { status: "Shipped" })] }).orders], ["A"]);
  assert.equal(store.orders.get("A").status, "Shipped");
});

test("what a delta removes is gone, and said once", () => {
  const store = holding({ orders: [order("A", 1)], couriers: [fix("Asha", 1, 13, 80)] });
  const change = store.delta({ removed: { orders: ["A", "unknown"], couriers: ["Asha"] } });
  assert.deepEqual([[...change.orders], [...change.couriers]], [["A"], ["Asha"]]);
  assert.equal(store.orders.size + store.couriers.size, 0);
});

test("a snapshot in several frames shows nothing before its last one", () => {
  const store = holding({ orders: [order("old", 9)] });
  assert.equal(store.snapshot({ orders: [order("A", 1)] }, true, false), null);
  assert.deepEqual([...store.orders.keys()], ["old"]);
  const change = store.snapshot({ orders: [order("B", 1)] }, false, true);
  assert.deepEqual([...store.orders.keys()], ["A", "B"]);
  assert.deepEqual([...change.orders].sort(), ["A", "B", "old"]);
});

test("a snapshot that breaks off is forgotten when the next one begins", () => {
  const store = new Store();
  store.snapshot({ orders: [order("half", 1)] }, true, false);
  store.snapshot({ orders: [order("A", 1)] }, true, true);
  assert.deepEqual([...store.orders.keys()], ["A"]);
});

test("a snapshot of a new epoch counts though its revs are lower", () => {
  const store = holding({ orders: [order("A", 900)] });
  store.snapshot({ orders: [order("A", 2, { status: "Delivered" })] }, true, true);
  assert.equal(store.orders.get("A").status, "Delivered");
});

test("a position without heading, speed and order is a place until it moves", () => {
  const store = holding({ couriers: [fix("Warehouse A", 1, 13.08, 80.27), fix("4716", 1, 53.44, -2.92)] });
  assert.equal(store.couriers.get("Warehouse A").place, true);
  store.delta({ couriers: [fix("4716", 2, 53.45, -2.92)] });
  assert.equal(store.couriers.get("4716").place, false);
  store.delta({ couriers: [fix("4716", 3, 53.45, -2.92)] });
  assert.equal(store.couriers.get("4716").place, false, "one that stopped does not turn into a place");
});

test("where no heading is told the way it moved gives one, and noise does not turn it", () => {
  const store = holding({ couriers: [fix("Asha", 1, 13, 80, { speed: 4 })] });
  assert.equal(store.couriers.get("Asha").course, null);
  store.delta({ couriers: [fix("Asha", 2, 13, 80.01, { speed: 4 })] });
  assert.equal(Math.round(store.couriers.get("Asha").course), 90);
  store.delta({ couriers: [fix("Asha", 3, 13.00001, 80.01, { speed: 0 })] });
  assert.equal(Math.round(store.couriers.get("Asha").course), 90);
});

test("a trail is bounded, and a jump begins a new one", () => {
  const store = holding({ couriers: [fix("Asha", 0, 13, 80, { speed: 4 })] });
  for (let i = 1; i <= 100; i++) store.delta({ couriers: [fix("Asha", i, 13 + i / 10_000, 80, { speed: 4 })] });
  assert.equal(store.couriers.get("Asha").trail.length, 60);
  store.delta({ couriers: [fix("Asha", 101, 53, -3, { speed: 4 })] });
  assert.deepEqual(store.couriers.get("Asha").trail, [[53, -3]]);
});
