// @ts-check
// Menus are popovers: the browser closes them at Escape or a press elsewhere; this puts them under their button.

const EDGE = 8;

/** @param {Iterable<HTMLElement>} menus each is the popovertarget of one button */
export function placeMenus(menus) {
  for (const menu of menus) {
    menu.addEventListener("toggle", (event) => {
      const open = /** @type {ToggleEvent} */ (event).newState === "open";
      const button = document.querySelector(`[popovertarget="${menu.id}"]`);
      button?.setAttribute("aria-expanded", String(open));
      if (open && button) place(menu, button.getBoundingClientRect());
    });
  }
}

/**
 * Below its button, or above where there is more room; never beyond the edge of the window.
 * @param {HTMLElement} menu
 * @param {DOMRect} under
 */
function place(menu, under) {
  const { width, height } = menu.getBoundingClientRect();
  const below = innerHeight - under.bottom > height + EDGE || under.top < innerHeight / 2;
  menu.style.left = `${Math.max(EDGE, Math.min(under.left, innerWidth - width - EDGE))}px`;
  menu.style.top = `${Math.max(EDGE, below ? under.bottom + 4 : under.top - height - 4)}px`;
}
