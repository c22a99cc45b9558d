// Where rows lie, and what lines look like when they leave the page.
import assert from "node:assert/strict";
import { test } from "node:test";

import { FORMS } from "../../logs/static/logs/exports.js";
import { Heights } from "../../logs/static/logs/heights.js";
import { useZone } from "../../realtime/static/realtime/format.js";
import { shownTime, rememberTimes, recallTimes } from "../../realtime/static/realtime/times.js";

test("rows lie where the sum of those before them ends, whatever was dropped, added or opened", () => {
  const [heights, plain] = [new Heights(), []];
  let seed = 7;
  const random = (below) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (let step = 0; step < 3_000; step += 1) {
    const height = 20 + random(40);
    heights.push(height);
    plain.push(height);
    if (step % 7 === 0) {
      const index = random(plain.length);
      plain[index] = 300;
      heights.set(index, 300);
    }
    if (step % 5 === 0) {
      const gone = random(6);
      plain.splice(0, gone);
      heights.dropFirst(gone);
    }
  }
  assert.equal(heights.length, plain.length);
  let offset = 0;
  plain.forEach((height, index) => {
    assert.equal(heights.offsetOf(index), offset);
    assert.equal(heights.indexAt(offset), index);
    assert.equal(heights.indexAt(offset + height - 1), index);
    offset += height;
  });
  assert.equal(heights.total, offset);
  assert.equal(heights.offsetOf(plain.length), offset);
  assert.equal(heights.indexAt(offset + 99), plain.length - 1);
  assert.equal(heights.indexAt(-5), 0);
  heights.dropFirst(1e9);
  assert.deepEqual([heights.length, heights.total, heights.indexAt(3)], [0, 0, 0]);
});

const line = { id: "k-0-1", n: 1, timestamp: 5, level: "INFO", service: "auth", message: "fine", fields: {} };

test("no cell of a table is a formula, and what has a comma, a quote or a line's end is quoted", () => {
  const write = (message) => FORMS.csv.write({ ...line, message });
  assert.equal(write("fine"), "5,INFO,auth,fine,k-0-1,{}\r\n");
  for (const start of ["=", "+", "-", "@", "\t"]) assert.equal(write(`${start}1`), `5,INFO,auth,'${start}1,k-0-1,{}\r\n`);
  assert.equal(write('=HYPERLINK("x","y")'), `5,INFO,auth,"'=HYPERLINK(""x"",""y"")",k-0-1,{}\r\n`);
  assert.equal(write("two\nlines"), '5,INFO,auth,"two\nlines",k-0-1,{}\r\n');
  assert.equal(FORMS.csv.head, "timestamp,level,service,message,id,fields\r\n");
});

test("a time is written in the zone and form that were chosen, and the choice is remembered", () => {
  const kept = new Map();
  const storage = () => ({ getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) });
  const at = Date.UTC(2025, 10, 6, 23, 5, 41, 285);
  rememberTimes(storage, { zone: "Asia/Kolkata", form: "iso" });
  assert.equal(shownTime(at), "2025-11-07T04:35:41.285+05:30");
  rememberTimes(storage, { zone: "UTC", form: "date" });
  assert.equal(shownTime(at), "2025-11-06 23:05:41.285");
  assert.deepEqual(recallTimes(storage), { zone: "UTC", form: "date" });
  rememberTimes(storage, { zone: "UTC", form: "iso" });
  assert.equal(shownTime(at), "2025-11-06T23:05:41.285Z");
  for (const broken of ["{", "null", '{"zone":3,"form":"x"}', '{"zone":"Mars/Base"}']) {
    kept.set([...kept.keys()][0], broken);
    assert.deepEqual(recallTimes(storage), { zone: "", form: "time" });
  }
  useZone("");
});
