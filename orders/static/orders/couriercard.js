// @ts-check
// One of a courier's orders: where it goes, what to mind, and a large button for each step.
import { fitChildren, setText } from "./keyed.js";
import { copyOf, part } from "./page.js";
import { showStatus } from "./rows.js";
import { clock } from "./times.js";

/**
 * @typedef {import("./courierorders.js").Order} Order
 * @typedef {{order: Order, status: string|undefined, steps: string[], sent: string, now: number,
 *   take: (orderId: string, status: string) => void}} Item
 */

/**
 * @param {string} id
 * @returns {import("./keyed.js").Row<Item>}
 */
export function cardRow(id) {
  const element = copyOf("order-card");
  const [chip, to, facts, steps, sent] = ["[data-status]", ".to", "dl", ".steps", ".sent"].map((name) => part(name, element));
  element.dataset.order = id;
  setText(part("b", element), id);
  return {
    element,
    fill({ order, status, steps: onward, sent: said, now, take }) {
      showStatus(chip, status);
      showGoal(to, order);
      const list = factsOf(order, now);
      fitChildren(facts, list.length, "div", ["dt", "dd"]);
      list.forEach(([term, text], i) => {
        setText(facts.children[i].children[0], term);
        setText(facts.children[i].children[1], text);
      });
      showSteps(steps, onward, (step) => take(id, step), id);
      setText(sent, said);
    },
  };
}

/**
 * @param {HTMLElement} to
 * @param {Order} order
 */
function showGoal(to, { destination }) {
  const [name, link] = [to.children[0], /** @type {HTMLAnchorElement} */ (to.children[1])];
  setText(name, destination ? destination.name || "A place on the map" : "No destination given");
  link.hidden = !destination;
  if (!destination) return;
  const { lat, lng } = destination;
  const address = `https://www.openstreetmap.org/?mlat=${lat}&mlon=${lng}#map=17/${lat}/${lng}`;
  if (link.href !== address) link.href = address;
}

/**
 * @param {Order} order
 * @param {number} now
 * @returns {[string, string][]}
 */
function factsOf(order, now) {
  /** @type {[string, string|undefined][]} */
  const facts = [
    ["For", order.customerName],
    ["Due", order.due === undefined ? undefined : clock(order.due, now)],
    ["Items", order.items?.join(", ")],
    ["Note", order.note],
    ["Public note", order.publicNote],
  ];
  return /** @type {[string, string][]} */ (facts.filter(([, text]) => text));
}

/**
 * @param {HTMLElement} into
 * @param {string[]} onward
 * @param {(step: string) => void} take
 * @param {string} id
 */
function showSteps(into, onward, take, id) {
  if (into.dataset.steps === onward.join()) return;
  const focused = into.contains(document.activeElement);
  into.dataset.steps = onward.join();
  into.replaceChildren(
    ...onward.map((step, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = i === 0 ? "button big primary" : "button big";
      button.textContent = step;
      button.setAttribute("aria-label", `${id}: ${step}`);
      button.addEventListener("click", () => take(step));
      return button;
    }),
  );
  // The button that was pressed is gone: the next one takes the focus, not the top of the page.
  if (focused && into.firstElementChild instanceof HTMLElement) into.firstElementChild.focus({ preventScroll: true });
}
