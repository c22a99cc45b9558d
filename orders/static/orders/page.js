// @ts-check
// The parts of a page by their names, or a clear error.

/**
 * @template {HTMLElement} [E=HTMLElement]
 * @param {string} selector
 * @param {ParentNode} [within]
 * @returns {E}
 */
export function part(selector, within = document) {
  const found = within.querySelector(selector);
  if (!found) throw new Error(`The page has no ${selector}`);
  return /** @type {E} */ (found);
}

/**
 * What the server put into the page with json_script.
 * @param {string} id
 */
export const given = (id) => JSON.parse(part(`#${id}`).textContent ?? "null");

/**
 * A fresh copy of the first element in a <template>.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function copyOf(id) {
  const template = /** @type {HTMLTemplateElement} */ (part(`#${id}`));
  return /** @type {HTMLElement} */ (/** @type {Element} */ (template.content.firstElementChild).cloneNode(true));
}
