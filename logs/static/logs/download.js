// @ts-check
// What leaves the page: lines as a file, and as text on the clipboard.
import { FORMS } from "./exports.js";

/** @typedef {import("./filter.js").Line} Line */

/** Lines that are written before the page may do something else. */
const AT_ONCE = 1_000;

/**
 * Saves all these lines; the page stays responsive meanwhile.
 * @param {readonly Line[]} lines
 * @param {string} form of FORMS
 */
export async function saveLines(lines, form) {
  const { type, head, write } = FORMS[form];
  const parts = [head];
  for (let from = 0; from < lines.length; from += AT_ONCE) {
    parts.push(lines.slice(from, from + AT_ONCE).map(write).join(""));
    await new Promise((done) => setTimeout(done));
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type }));
  link.download = `lines-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.${form}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * Where a page is not secure there is no clipboard but that of a selection.
 * @param {string} text
 * @returns {Promise<boolean>} whether it is there
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "hush";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
