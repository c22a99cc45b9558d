// @ts-check
// Finds a regular expression in texts, on a thread of its own: one that explodes can be ended there.

/** More marks than this in one line help nobody. */
const MOST = 50;

self.addEventListener("message", ({ data: { source, flags, texts } }) => {
  const pattern = new RegExp(source, flags);
  self.postMessage(texts.map((/** @type {string} */ text) => spansIn(text, pattern)));
});

/**
 * @param {string} text
 * @param {RegExp} pattern
 * @returns {number[]|null} begin, end, begin, end …; null where it does not match
 */
function spansIn(text, pattern) {
  const spans = [];
  let found = false;
  for (const match of text.matchAll(pattern)) {
    found = true;
    if (match[0]) spans.push(match.index, match.index + match[0].length);
    if (spans.length >= 2 * MOST) break;
  }
  return found ? spans : null;
}
