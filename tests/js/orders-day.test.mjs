// A replayed day, the page's address, the part of the map that is asked for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { read, write } from "../../orders/static/orders/address.js";
import { box } from "../../orders/static/orders/area.js";
import { Picks } from "../../orders/static/orders/change.js";
import { dateOf, passed, span, spotAt, ways } from "../../orders/static/orders/day.js";

const MINUTE = 60_000;
const points = [[0, 10, 20, 90], [MINUTE, 11, 20, null], [30 * MINUTE, 12, 20, 0]];

test("between two fixes it is on its way, after the last and in a gap where the last one was, before the first nowhere", () => {
  assert.equal(spotAt(points, -1), null);
  assert.deepEqual(spotAt(points, 0), { lat: 10, lng: 20, heading: 90, at: 0 });
  assert.deepEqual(spotAt(points, MINUTE / 2), { lat: 10.5, lng: 20, heading: 90, at: 0 });
  assert.deepEqual(spotAt(points, 15 * MINUTE), { lat: 11, lng: 20, heading: null, at: MINUTE });
  assert.deepEqual(spotAt(points, 99 * MINUTE), { lat: 12, lng: 20, heading: 0, at: 30 * MINUTE });
  assert.deepEqual([-1, 0, 1, MINUTE, 99 * MINUTE].map((time) => passed(points, time)), [0, 1, 1, 2, 3]);
});

test("nobody draws a way over a gap", () => {
  assert.deepEqual(ways(points), [[[10, 20], [11, 20]], [[12, 20]]]);
  assert.deepEqual(ways([]), []);
});

test("a day is the day here, whatever its length", () => {
  const [from, to] = span("2026-03-29");
  assert.equal(dateOf(from), "2026-03-29");
  assert.equal(dateOf(to), "2026-03-30");
  assert.equal(dateOf(to - 1), "2026-03-29");
});

test("the address says what is looked for and nothing else, and is read back", () => {
  const place = { q: "a b&c", status: "Out for delivery", order: "ORD-<1>" };
  assert.deepEqual(read(write(place)), place);
  assert.equal(write({ q: "", status: "", show: "" }), "");
  assert.deepEqual(read("?status=&evil=1"), {});
});

test("what is in sight stays on the Earth", () => {
  const bounds = (w, s, e, n) => ({ getWest: () => w, getSouth: () => s, getEast: () => e, getNorth: () => n });
  assert.equal(box(bounds(80.1234567, 13, 80.3, 13.1)), "80.12346,13.00000,80.30000,13.10000");
  assert.equal(box(bounds(-900, -91, 900, 91)), "-180.00000,-90.00000,180.00000,90.00000");
});

test("no more is picked than the server takes at once", () => {
  const picks = new Picks();
  for (let i = 0; i < 300; i += 1) picks.toggle(`A${i}`);
  assert.equal(picks.ids.size, 200);
  picks.toggle("A0");
  assert.equal(picks.ids.size, 199);
  picks.turn(false);
  assert.equal(picks.ids.size, 0);
});
