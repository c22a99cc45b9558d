// What a customer reads: the steps of an order, the answer in plain words, what happened.
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, fill, happened, withUnit } from "../../orders/static/orders/answer.js";
import { shortSteps, steps } from "../../orders/static/orders/steps.js";

const NOW = 1_762_424_052_948;
const MINUTE = 60_000;
const clock = (ms) => `T${Math.round((ms - NOW) / MINUTE)}`;
const words = {
  headlines: {
    Packed: "Your order is packed", "Out for delivery": "{courier} is on the way", Delivered: "Delivered", gone: "No longer here",
    other: "Your order: {status}", arriving: "{courier} is almost there", arrived: "{courier} has arrived",
    minute: "About a minute away", minutes: "About {n} minutes away", hours: "About {n} hours away",
  },
  details: {
    Packed: "Stay", gone: "Ask", expected: "Expected about {time}.", late: "It was expected at {time}.", far: "About {far} from you.",
    way: "{courier} is on the way with your order, expected at {time}.", arrived: "{courier} is at the address with your order.",
    wayFar: "{courier} is on the way with your order, about {far} from you, expected at {time}.",
    near: "{courier} is about {far} from you.", nearTime: "{courier} is about {far} from you, expected at {time}.",
  },
  steps: {},
  happened: { Placed: "We got your order", with: "{what} with {courier}" },
  notes: { courier: "Your courier" },
  units: {},
};
const told = (order, position = null) => answer(order && { times: {}, ...order }, position, NOW, words, clock);
const shape = (list) => list.map(({ status, state }) => `${status}:${state}`).join(" ");

test("steps show what is behind, now and ahead; Confirmed only where it was taken", () => {
  const plain = "Placed:done Packed:now Shipped:todo Out for delivery:todo Delivered:todo";
  assert.equal(shape(steps("Packed", { Placed: 1, Packed: 2 })), plain);
  assert.equal(shape(steps("Packed", {})), plain, "a step nobody told us of was taken all the same");
  assert.equal(shape(steps("Packed", { Placed: 1, Confirmed: 2, Packed: 3 })), plain.replace("Packed:now", "Confirmed:done Packed:now"));
});

test("a customer sees Confirmed as a step only while it is the newest", () => {
  assert.match(shape(shortSteps("Confirmed", { Confirmed: 2 })), /^Placed:done Confirmed:now Packed:todo/);
  assert.match(shape(shortSteps("Packed", { Confirmed: 2, Packed: 3 })), /^Placed:done Packed:now/);
});

test("a finished order has nothing ahead, a cancelled one only what it reached", () => {
  assert.equal(shape(steps("Delivered", { Delivered: 9 })), "Placed:done Packed:done Shipped:done Out for delivery:done Delivered:now");
  assert.equal(shape(steps("Cancelled", { Placed: 1, Packed: 2, Cancelled: 3 })), "Placed:done Packed:done Cancelled:now");
});

test("a failed attempt stands in the story, and delivery is still ahead", () => {
  const times = { Placed: 1, "Out for delivery": 4, "Failed attempt": 5 };
  assert.equal(shape(steps("Failed attempt", times)), "Placed:done Out for delivery:done Failed attempt:now Delivered:todo");
  const again = steps("Delivered", { ...times, Delivered: 9 });
  assert.equal(shape(again.slice(-2)), "Failed attempt:done Delivered:now");
});

test("the answer never guesses: minutes only where there is an ETA", () => {
  assert.equal(told({ status: "Out for delivery", courier: "Asha" }).headline, "Asha is on the way");
  assert.equal(told({ status: "Out for delivery" }).headline, "Your courier is on the way");
  const { headline, detail } = told({ status: "Out for delivery", courier: "Asha", eta: NOW + 12 * MINUTE });
  assert.equal(headline, "About 12 minutes away");
  assert.equal(detail, "Asha is on the way with your order, expected at T12.");
});

test("an ETA that has passed is said to have passed", () => {
  const { headline, detail } = told({ status: "Out for delivery", courier: "Asha", eta: NOW - 3 * MINUTE });
  assert.equal(headline, "Asha is on the way");
  assert.equal(detail, "It was expected at T-3.");
});

test("a distance is told only where both ends are known", () => {
  const position = { lat: 13.08, lng: 80.27, timestamp: NOW, accuracy: 50 };
  const order = { status: "Out for delivery", courier: "Asha", eta: NOW + 12 * MINUTE };
  const destination = { lat: 13.09, lng: 80.28 };
  assert.match(told({ ...order, destination }, position).detail, /about 1\.6 km from you, expected/);
  assert.doesNotMatch(told({ ...order, destination }).detail, /km/);
  assert.equal(told({ status: "Out for delivery", destination }, position).detail, "About 1.6 km from you.");
});

test("who is near is said to be almost there, and then to have arrived", () => {
  const destination = { lat: 13.09, lng: 80.28 };
  const order = { status: "Out for delivery", courier: "Asha", destination, eta: NOW + MINUTE };
  const at = (metres) => ({ lat: 13.09 + metres / 111_195, lng: 80.28, timestamp: NOW, accuracy: 50 });
  assert.deepEqual(told(order, at(400)), { headline: "Asha is almost there", detail: "Asha is about 400 m from you, expected at T1." });
  assert.equal(told({ ...order, eta: NOW - 1 }, at(400)).detail, "Asha is about 400 m from you.");
  assert.deepEqual(told(order, at(60)), { headline: "Asha has arrived", detail: "Asha is at the address with your order." });
  assert.equal(told(order, at(600)).headline, "About a minute away");
  assert.equal(told({ ...order, status: "Delivered" }, at(60)).headline, "Delivered");
});

test("units and what is filled in are the reader's", () => {
  assert.equal(withUnit("2.1 km", { ...words, units: { km: "किमी" } }), "2.1 किमी");
  assert.equal(withUnit("2.1 km", words), "2.1 km");
  assert.equal(withUnit("2.1 km", words, ","), "2,1 km");
  assert.equal(withUnit("240 m", words), "240 m");
  assert.equal(fill("{courier} {n} {other}", { courier: "$& {n}", n: 2 }), "$& {n} 2 {other}");
});

test("other statuses say themselves, when they expect, and what is gone", () => {
  assert.deepEqual(told({ status: "Packed" }), { headline: "Your order is packed", detail: "Stay" });
  assert.equal(told({ status: "Packed", eta: NOW + MINUTE }).detail, "Expected about T1.");
  assert.equal(told({ status: "Delivered", eta: NOW + MINUTE }).detail, "");
  assert.equal(told({ status: "Held at customs" }).headline, "Your order: Held at customs");
  assert.deepEqual(told(null), { headline: "No longer here", detail: "Ask" });
});

test("what happened is told newest first, with the courier while it is on the way", () => {
  const order = { status: "Out for delivery", courier: "Asha", times: { Placed: 1, "Out for delivery": 3, Packed: 2 } };
  assert.deepEqual(happened(order, words).map(({ text }) => text), ["Out for delivery with Asha", "Packed", "We got your order"]);
});
