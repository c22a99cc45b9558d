// @ts-check
// One of a courier's orders: where it goes, what to mind, and a large button for each step.
import { fitChildren, setText } from "./keyed.js";
import { copyOf, part } from "./page.js";
import { showStatus } from "./rows.js";
import { isFinished } from "./steps.js";
import { clock } from "./times.js";

/**
 * @typedef {import("./courierorders.js").Order} Order
 * @typedef {{order: Order, status: string|undefined, steps: string[], sent: string, now: number,
 *   take: (orderId: string, status: string) => void}} Item
 */

/**
 * @param {string} id
 * @param {import("./courierorders.js").Words} words
 * @returns {import("./keyed.js").Row<Item>}
 */
export function cardRow(id, words) {
  const element = copyOf("order-card");
  const [chip, to, facts, steps, sent] = ["[data-status]", ".to", "dl", ".steps", ".sent"].map((name) => part(name, element));
  element.dataset.order = id;
  setText(part("b", element), id);
  return {
    element,
    fill({ order, status, steps: onward, sent: said, now, take }) {
      showStatus(chip, status, nameOf(status, words));
      showGoal(to, order, words.card);
      const list = factsOf(order, now, words.card);
      fitChildren(facts, list.length, "div", ["dt", "dd"]);
      list.forEach(([term, text], i) => {
        setText(facts.children[i].children[0], term);
        setText(facts.children[i].children[1], text);
      });
      const named = onward.map((step) => /** @type {[string, string]} */ ([step, nameOf(step, words)]));
      showSteps(steps, named, (step) => take(id, step), id, isFinished(status) ? "" : words.card.early);
      setText(sent, said);
    },
  };
}

/**
 * @param {string|undefined} status
 * @param {import("./courierorders.js").Words} words
 */
const nameOf = (status, { statuses }) => statuses[status ?? ""] ?? status ?? "";

/**
 * @param {HTMLElement} to
 * @param {Order} order
 * @param {Record<string, string>} words
 */
function showGoal(to, { destination }, words) {
  const [name, link] = [to.children[0], /** @type {HTMLAnchorElement} */ (to.children[1])];
  setText(name, destination ? destination.name || words.somewhere : words.nowhere);
  link.hidden = !destination;
  if (!destination) return;
  const { lat, lng } = destination;
  const address = `https://www.openstreetmap.org/?mlat=${lat}&mlon=${lng}#map=17/${lat}/${lng}`;
  if (link.href !== address) link.href = address;
}

/**
 * @param {Order} order
 * @param {number} now
 * @param {Record<string, string>} words
 * @returns {[string, string][]}
 */
function factsOf(order, now, words) {
  /** @type {[string, string|undefined][]} */
  const facts = [
    [words.for, order.customerName],
    [words.due, order.due === undefined ? undefined : clock(order.due, now)],
    [words.items, order.items?.join(", ")],
    [words.note, order.note],
    [words.publicNote, order.publicNote],
  ];
  return /** @type {[string, string][]} */ (facts.filter(([, text]) => text));
}

/**
 * @param {HTMLElement} into
 * @param {[string, string][]} onward each status with its name
 * @param {(step: string) => void} take
 * @param {string} id
 * @param {string} instead what stands where there is no step: the buttons to come must not move the cards below
 */
function showSteps(into, onward, take, id, instead) {
  const key = onward.map(([step]) => step).join() || instead;
  if (into.dataset.steps === key) return;
  if (!onward.length) {
    into.dataset.steps = key;
    into.textContent = instead;
    return;
  }
  const focused = into.contains(document.activeElement);
  into.dataset.steps = key;
  into.replaceChildren(
    ...onward.map(([step, name], i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = i === 0 ? "button big primary" : "button big";
      button.textContent = name;
      button.setAttribute("aria-label", `${id}: ${name}`);
      button.addEventListener("click", () => take(step));
      return button;
    }),
  );
  // The button that was pressed is gone: the next one takes the focus, not the top of the page.
  if (focused && into.firstElementChild instanceof HTMLElement) into.firstElementChild.focus({ preventScroll: true });
}
