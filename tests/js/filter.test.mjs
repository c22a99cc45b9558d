// Which lines are shown, how the address says so, and what is marked in them.
import assert from "node:assert/strict";
import { test } from "node:test";

import { isOpen, matcher, pieces, readFilter, writeFilter } from "../../logs/static/logs/filter.js";

const line = { id: "1", n: 1, timestamp: 0, level: "WARN", service: "payment", message: "gateway Timeout" };

test("a line is shown when level, service and text all fit", () => {
  const all = readFilter(new URLSearchParams());
  assert.ok(isOpen(all));
  assert.ok(matcher(all)(line));
  assert.ok(matcher({ ...all, text: "tIMEout", service: "payment" })(line));
  assert.ok(!matcher({ ...all, text: "tempo" })(line));
  assert.ok(!matcher({ ...all, service: "pay" })(line));
  assert.ok(!matcher({ ...all, levels: new Set(["ERROR"]) })(line));
});

test("a filter survives its way through the address", () => {
  for (const text of ["", "levels=ERROR,FATAL&services=payment&text=a+b", "levels=none"]) {
    const query = new URLSearchParams();
    writeFilter(readFilter(new URLSearchParams(text)), query);
    assert.deepEqual(readFilter(query), readFilter(new URLSearchParams(text)));
  }
  const query = new URLSearchParams("text=old&range=60");
  writeFilter(readFilter(new URLSearchParams()), query);
  assert.equal(query.toString(), "range=60");
});

test("every second piece of a text is what was searched for", () => {
  assert.deepEqual(pieces("Timeout after timeout", "timeout"), ["", "Timeout", " after ", "timeout", ""]);
  assert.deepEqual(pieces("nothing", "x"), ["nothing"]);
  assert.deepEqual(pieces("nothing", ""), ["nothing"]);
  assert.deepEqual(pieces("a.c abc", "a.c"), ["", "a.c", " abc"]);
});
