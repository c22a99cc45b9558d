// @ts-check
// Lists whose rows are kept by key: an update changes words in place, and moves only what must move.

/**
 * @template T
 * @typedef {{element: HTMLElement, fill: (item: T) => void}} Row
 */

/** @template T */
export class KeyedRows {
  /** @type {Map<string, Row<T>>} */
  #rows = new Map();
  #make;

  /** @param {(key: string) => Row<T>} make */
  constructor(make) {
    this.#make = make;
  }

  /**
   * Shows these items and no others; a row may move from one list to another.
   * @param {{into: Element, items: [string, T][]}[]} lists
   */
  show(lists) {
    const focused = document.activeElement;
    const kept = new Set();
    for (const { into, items } of lists) {
      const elements = items.map(([key, item]) => {
        kept.add(key);
        const row = this.#rows.get(key) ?? this.#make(key);
        this.#rows.set(key, row);
        row.fill(item);
        return row.element;
      });
      arrange(into, elements);
    }
    for (const [key, row] of this.#rows) {
      if (kept.has(key)) continue;
      row.element.remove();
      this.#rows.delete(key);
    }
    if (focused instanceof HTMLElement && focused !== document.activeElement && focused.isConnected) {
      focused.focus({ preventScroll: true });
    }
  }
}

/**
 * @param {Element} into
 * @param {HTMLElement[]} elements
 */
function arrange(into, elements) {
  const wanted = new Set(elements);
  for (const child of [...into.children]) if (!wanted.has(/** @type {HTMLElement} */ (child))) child.remove();
  let next = into.firstElementChild;
  for (const element of elements) {
    if (element === next) next = next.nextElementSibling;
    else into.insertBefore(element, next);
  }
}

/**
 * Writes only what is new: an unchanged text costs nothing.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes it n children of one kind.
 * @param {Element} parent
 * @param {number} n
 * @param {string} tag
 * @param {string[]} inner tags of each child's children
 */
export function fitChildren(parent, n, tag, inner) {
  while (parent.children.length > n) parent.lastElementChild?.remove();
  while (parent.children.length < n) {
    const child = document.createElement(tag);
    child.append(...inner.map((name) => document.createElement(name)));
    parent.append(child);
  }
}
