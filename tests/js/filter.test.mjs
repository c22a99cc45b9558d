// Which lines are asked for, how the address says so, and what is marked in them.
import assert from "node:assert/strict";
import { test } from "node:test";

import { OPEN, cut, fromLevel, isOpen, isSame, isWider, leastOf, matcher, paramsOf, pieces, readFilter, writeFilter } from "../../logs/static/logs/filter.js";
import { translated } from "../../logs/static/logs/regex.js";

const line = { id: "1", n: 1, timestamp: 0, level: "WARN", service: "payment", message: "gateway Timeout" };
const asked = (query) => readFilter(new URLSearchParams(query));

test("a line is shown when level, services and text all fit", () => {
  const all = asked("");
  assert.ok(isOpen(all));
  assert.ok(matcher(all)(line));
  assert.ok(matcher({ ...all, text: "tIMEout", services: ["auth", "payment"] })(line));
  assert.ok(!matcher({ ...all, text: "tempo" })(line));
  assert.ok(!matcher({ ...all, services: ["pay"] })(line));
  assert.ok(!matcher({ ...all, levels: fromLevel("ERROR") })(line));
});

test("a filter survives its way through the address, and the server is asked for the same", () => {
  for (const text of ["", "services=auth,payment&levels=ERROR,FATAL&text=a+b", "levels=none", "regex=%5E%5Cd%2B%24"]) {
    const query = new URLSearchParams();
    writeFilter(asked(text), query);
    assert.deepEqual(asked(query), asked(text));
    assert.deepEqual(Object.fromEntries(query), paramsOf(asked(text)));
    assert.equal(query.toString().replaceAll("%2C", ","), text);
  }
  const query = new URLSearchParams("text=old&range=60");
  writeFilter(OPEN, query);
  assert.equal(query.toString(), "range=60");
});

test("two ways to ask for the same are one filter, and levels that nobody knows leave nothing out", () => {
  assert.ok(isSame(asked("services=b,a&levels=fatal,ERROR"), asked("services=a,b,a&levels=ERROR,FATAL")));
  assert.ok(isOpen(asked("levels=LOUD")));
});

test("a filter is wider than another where it keeps all that the other keeps", () => {
  for (const [outer, inner] of [["", "text=x"], ["services=a,b", "services=b"], ["levels=ERROR,FATAL", "levels=FATAL"], ["text=a", "text=bAb"], ["regex=a", "regex=a&services=x"]]) {
    assert.ok(isWider(asked(outer), asked(inner)), `${outer} > ${inner}`);
    assert.ok(!isWider(asked(inner), asked(outer)), `${inner} > ${outer}`);
  }
  assert.ok(!isWider(asked("regex=a"), asked("regex=ab")));
});

test("a least level is a set of levels, and such a set is known again", () => {
  assert.deepEqual([...fromLevel("WARN")], ["WARN", "ERROR", "FATAL"]);
  assert.equal(leastOf(fromLevel("WARN")), "WARN");
  assert.equal(leastOf(new Set(["INFO", "FATAL"])), "");
  assert.equal(leastOf(new Set()), "");
});

test("every second piece of a text is what was searched for", () => {
  assert.deepEqual(pieces("Timeout after timeout", "timeout"), ["", "Timeout", " after ", "timeout", ""]);
  assert.deepEqual(pieces("nothing", "x"), ["nothing"]);
  assert.deepEqual(pieces("nothing", ""), ["nothing"]);
  assert.deepEqual(pieces("a.c abc", "a.c"), ["", "a.c", " abc"]);
  assert.deepEqual(cut("abcdef", [1, 2, 4, 6]), ["a", "b", "cd", "ef", ""]);
});

test("an expression of RE2 is marked only where JavaScript means the same", () => {
  assert.deepEqual(translated("(?i)a(?P<n>\\d+)"), { source: "a(?<n>\\d+)", flags: "giu" });
  for (const other of ["\\Qa.b\\E", "[[:alpha:]]", "\\z", "(?i:a)b(", "a**"]) assert.equal(translated(other), null, other);
});
