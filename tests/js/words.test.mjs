// The words beside the line of sight, and times in words.
import assert from "node:assert/strict";
import { test } from "node:test";

import { brief, duration } from "../../realtime/static/realtime/format.js";
import { words } from "../../realtime/static/realtime/sight.js";

const now = 1_700_000_000_000;
const live = { state: "live", behind: 38, since: now, news: now };

test("the words say how things stand, shorter where there is little room", () => {
  const cases = [
    [live, ["Live", "38 ms behind", "38 ms"]],
    [{ ...live, behind: null }, ["Live", "", ""]],
    [{ ...live, news: now - 40_000 }, ["Live", "quiet for 40 s", ""]],
    [{ ...live, state: "lagging", behind: 4_000 }, ["Behind", "4 s", "4 s"]],
    [{ ...live, state: "lagging", reason: "Redis is away" }, ["Behind", "Redis is away", "38 ms"]],
    [{ ...live, state: "lagging", behind: null, reason: "Redis is away" }, ["Behind", "Redis is away", "0 s"]],
    [{ ...live, state: "asleep" }, ["Paused", "until this page is seen again", ""]],
    [{ ...live, state: "lost", news: now - 12_000 }, ["Reconnecting", "last update 12 s ago", "12 s"]],
    [{ ...live, state: "lost", since: null, news: null }, ["Reconnecting", "nothing received yet", ""]],
    [{ ...live, state: "connecting" }, ["Connecting", "", ""]],
    [{ ...live, state: "connecting", reason: "Redis is away" }, ["Connecting", "Redis is away", ""]],
    [{ ...live, state: "closed", reason: "This link has expired." }, ["Closed", "This link has expired.", "This link has expired."]],
  ];
  for (const [status, expected] of cases) assert.deepEqual(words(status, now), expected);
});

test("a customer is told that the page is behind, not what ails the servers", () => {
  const status = { ...live, state: "lagging", behind: null, reason: "No worker is reading the topics", news: now - 9_000 };
  assert.deepEqual(words(status, now, false), ["Behind", "last update 9 s ago", "9 s"]);
  assert.equal(words({ ...status, state: "closed", reason: "This link has expired." }, now, false)[1], "This link has expired.");
});

test("a duration is in the largest unit that says enough", () => {
  assert.deepEqual([-5, 38, 999, 1_400, 89_000, 120_000, 3 * 3_600_000, 72 * 3_600_000].map(duration),
    ["0 ms", "38 ms", "999 ms", "1 s", "89 s", "2 min", "3 h", "3 d"]);
});

test("large numbers are shortened, small ones are exact", () => {
  assert.deepEqual([0, 9_999, 21_240].map(brief), ["0", "9,999", "21.2k"]);
});
