// @ts-check
// Lines as text to take away (pure): one of them, and many as NDJSON or CSV, in the form of the archive's downloads.

/** @typedef {import("./filter.js").Line} Line */

const COLUMNS = /** @type {const} */ (["timestamp", "level", "service", "message", "id", "fields"]);
/** What a spreadsheet takes for a formula where a cell begins with it. */
const FORMULA = /^[=+\-@\t\r]/;

/** A line as people write it. @param {Line} line */
export function asText({ timestamp, level, service, message }) {
  return `${new Date(timestamp).toISOString()} ${level} ${service} ${message}`;
}

/** @type {Record<string, {type: string, head: string, write: (line: Line) => string}>} */
export const FORMS = {
  ndjson: { type: "application/x-ndjson", head: "", write: (line) => `${JSON.stringify(line)}\n` },
  csv: {
    type: "text/csv;charset=utf-8",
    head: `${COLUMNS.join(",")}\r\n`,
    write: (line) => {
      const cells = { ...line, fields: JSON.stringify(line.fields ?? {}) };
      return `${COLUMNS.map((name) => cell(cells[name])).join(",")}\r\n`;
    },
  },
};

/** @param {string|number} value */
function cell(value) {
  const text = String(value);
  const harmless = typeof value === "string" && FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
