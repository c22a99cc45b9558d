// Couriers on the map: how fresh, where between two fixes, which stand in a crowd; and the arithmetic of the map.
import assert from "node:assert/strict";
import { test } from "node:test";
import { crowd, freshness, roster, tally } from "../../orders/static/orders/fleet.js";
import { bearing, distance, farInWords, gridStep, mercator } from "../../orders/static/orders/geo.js";
import { glide, heading, isMoving, where } from "../../orders/static/orders/glide.js";

const courier = (name, age, more = {}) => ({ name, lat: 13, lng: 80, timestamp: 1_000_000_000 - age, rev: 1, course: null, place: false, trail: [], ...more });

test("a position is fresh for a minute, then old, and silent after five", () => {
  assert.deepEqual([0, 59_999, 60_000, 300_000, 300_001].map(freshness), ["fresh", "fresh", "old", "old", "silent"]);
});

test("the legend counts couriers by freshness and leaves places out", () => {
  const all = [courier("a", 0), courier("b", 90_000), courier("c", 400_000), courier("Warehouse A", 9_999_999, { place: true })];
  assert.deepEqual(tally(all, 1_000_000_000), { fresh: 1, old: 1, silent: 1 });
});

test("the list of couriers is sorted as people count, with places apart", () => {
  const { moving, places } = roster([courier("4716", 0), courier("Asha", 0), courier("512", 0), courier("Depot", 0, { place: true })], []);
  assert.deepEqual(moving.map(({ name }) => name), ["512", "4716", "Asha"]);
  assert.deepEqual(places.map(({ name }) => name), ["Depot"]);
});

test("many in one cell become a crowd, few stay alone", () => {
  const near = Array.from({ length: 5 }, (_, i) => ({ x: 100 + i, y: 100 }));
  const far = [{ x: 900, y: 900 }];
  const { alone, crowds } = crowd([...near, ...far], 50, 5);
  assert.deepEqual([alone, crowds], [far, [{ x: 102, y: 100, points: near }]]);
});

test("crowds that would cover each other are one, with all of their points", () => {
  const left = Array.from({ length: 6 }, () => ({ x: 98, y: 20 }));
  const right = Array.from({ length: 5 }, () => ({ x: 102, y: 20 }));
  const { crowds } = crowd([...right, ...left], 50, 5);
  assert.deepEqual(crowds.map(({ x, points }) => [x, points.length]), [[98, 11]]);
});

test("a marker glides as long as the last pause was, and never longer than a second", () => {
  const first = glide(undefined, [0.5, 0.5], 0, 1_000, 1);
  assert.equal(isMoving(first, 1_000), false);
  const quick = glide(first, [0.6, 0.5], 90, 1_400, 1);
  assert.equal(quick.lasts, 400);
  assert.deepEqual(where(quick, 1_400), [0.5, 0.5]);
  assert.deepEqual(where(quick, 1_800), [0.6, 0.5]);
  assert.equal(glide(quick, [0.7, 0.5], 90, 60_000, 1).lasts, 1_000);
});

test("a new fix in the middle of a movement goes on from where the marker is", () => {
  const first = glide(glide(undefined, [0, 0], 0, 0, 1), [0.4, 0], 0, 1_000, 1);
  const next = glide(first, [0.4, 0.4], 0, 1_500, 1);
  assert.deepEqual(where(next, 1_500).map((n) => Math.round(n * 100) / 100), [0.2, 0]);
});

test("too long a way is jumped", () => {
  const jump = glide(glide(undefined, [0, 0], 0, 0, 0.1), [0.5, 0], 0, 1_000, 0.1);
  assert.equal(isMoving(jump, 1_000), false);
  assert.deepEqual(where(jump, 1_000), [0.5, 0]);
});

test("an arrow turns the short way round", () => {
  const turn = glide(glide(undefined, [0, 0], 350, 0, 1), [0.1, 0], 10, 900, 1);
  assert.equal(heading(turn, 900), 350);
  assert.equal(Math.round(heading(turn, 1_050)), 0);
  assert.equal(heading(turn, 1_800), 10);
});

test("distances, directions and their words", () => {
  const [paris, london] = [{ lat: 48.8566, lng: 2.3522 }, { lat: 51.5074, lng: -0.1278 }];
  assert.equal(Math.round(distance(paris, london) / 1000), 344);
  assert.equal(Math.round(bearing({ lat: 0, lng: 0 }, { lat: 0, lng: 1 })), 90);
  assert.deepEqual([3, 244, 2_130, 31_200].map(farInWords), ["10 m", "240 m", "2.1 km", "31 km"]);
});

test("the projection puts zero in the middle and ends at its square's corners", () => {
  assert.deepEqual(mercator(0, 0), [0.5, 0.5]);
  assert.ok(Math.abs(mercator(90, -180)[1]) < 1e-9);
  assert.equal(mercator(0, 180)[0], 1);
});

test("a grid has round steps that leave room for their words", () => {
  assert.deepEqual([2, 8, 14].map((zoom) => gridStep(zoom, 140)), [30, 1, 0.02]);
});

test("three on the same spot are a crowd, two side by side are not", () => {
  const spot = [{ x: 10, y: 10 }, { x: 12, y: 10 }, { x: 10, y: 13 }];
  assert.equal(crowd(spot, 50, 8).crowds.length, 1);
  assert.equal(crowd(spot.slice(1), 50, 8).crowds.length, 0);
  assert.equal(crowd([...spot.slice(1), { x: 45, y: 10 }], 50, 8).crowds.length, 0);
});
