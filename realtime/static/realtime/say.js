// @ts-check
// The words beside the line of sight, in the language of a page that brings a table of them: #words, under "state".

const table = read();

/** @returns {Record<string, string>} */
function read() {
  const element = globalThis.document?.getElementById("words");
  return JSON.parse(element?.textContent ?? "{}")?.state ?? {};
}

/**
 * @param {string} text with {ago} where a length of time stands
 * @param {string} [ago] such as "12 s"
 */
export function say(text, ago = "") {
  const [number, unit = ""] = ago.split(" ");
  return (table[text] ?? text).replace("{ago}", unit ? `${number} ${table[unit] ?? unit}` : ago);
}
