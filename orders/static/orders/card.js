// @ts-check
// The card of the order or the courier that somebody opened.
import { fitChildren, setText } from "./keyed.js";
import { part } from "./page.js";
import { showStatus } from "./rows.js";
import { steps } from "./steps.js";
import { clock } from "./times.js";
import { lastSeen } from "./words.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./store.js").Order} Order
 * @typedef {import("./store.js").Courier} Courier
 * @typedef {import("./lists.js").Open} Open
 * @typedef {[string, string]} Fact
 */

export class Card {
  #card = part(".card");
  #title = part("header b", this.#card);
  #chip = part("header .chip", this.#card);
  #steps = part("ol", this.#card);
  #facts = part("dl", this.#card);
  #follow = /** @type {HTMLButtonElement} */ (part(".follow", this.#card));
  #links = /** @type {HTMLAnchorElement[]} */ ([...this.#card.querySelectorAll("a[data-to]")]);
  #shown = "";

  /**
   * @param {() => void} closed
   * @param {() => void} followed
   */
  constructor(closed, followed) {
    part(".close", this.#card).addEventListener("click", closed);
    this.#follow.addEventListener("click", followed);
  }

  /**
   * @param {Store} store
   * @param {Open} open
   * @param {boolean} following
   * @param {number} now
   */
  show(store, open, following, now) {
    this.#card.hidden = !open.order && !open.courier;
    if (this.#card.hidden) return;
    const id = open.order ?? open.courier ?? "";
    // Another order's status is not a change of this one's: it must not glow.
    if (this.#shown !== id) this.#chip.textContent = "";
    this.#shown = id;
    setText(this.#title, id);
    const order = open.order ? store.orders.get(open.order) : undefined;
    const courier = store.couriers.get(open.courier ?? order?.courier ?? "");
    this.#chip.hidden = !open.order;
    if (open.order) showStatus(this.#chip, order ? order.status : "Gone");
    this.#showSteps(order, now);
    this.#showFacts(open.order ? factsOfOrder(order, courier, now) : factsOfCourier(courier, now));
    for (const link of this.#links) {
      link.hidden = !order;
      const address = (link.dataset.to ?? "").replace("ORDER", encodeURIComponent(id));
      if (order && link.getAttribute("href") !== address) link.href = address;
    }
    this.#follow.disabled = !courier; // it keeps its place: a first position must not move what stands beside it
    this.#follow.setAttribute("aria-pressed", String(following));
    setText(this.#follow, following ? "Following" : "Follow");
  }

  /**
   * @param {Order|undefined} order
   * @param {number} now
   */
  #showSteps(order, now) {
    const list = order ? steps(order.status, order.times) : [];
    fitChildren(this.#steps, list.length, "li", ["span", "time"]);
    list.forEach(({ status, at, state }, i) => {
      const item = this.#steps.children[i];
      item.className = state;
      setText(item.children[0], status);
      const guess = status === "Delivered" && state === "todo" && order?.eta ? `about ${clock(order.eta, now)}` : "";
      setText(item.children[1], at === null ? guess : clock(at, now));
    });
  }

  /** @param {Fact[]} facts */
  #showFacts(facts) {
    fitChildren(this.#facts, facts.length, "div", ["dt", "dd"]);
    facts.forEach(([term, text], i) => {
      setText(this.#facts.children[i].children[0], term);
      setText(this.#facts.children[i].children[1], text);
    });
  }
}

/**
 * @param {Order|undefined} order
 * @param {Courier|undefined} courier
 * @param {number} now
 * @returns {Fact[]}
 */
function factsOfOrder(order, courier, now) {
  if (!order) return [["This order", "deleted, or no longer kept"]];
  /** @type {Fact[]} */
  const facts = [["Courier", order.courier ?? "none"]];
  if (order.courier) facts.push(["Last position", courier ? lastSeen(courier, now) : "none yet"]);
  if (order.customerName) facts.push(["Customer", order.customerName]);
  if (order.destination?.name) facts.push(["Going to", order.destination.name]);
  if (order.items?.length) facts.push(["Items", order.items.join(", ")]);
  if (order.eta !== undefined) facts.push(["Expected", clock(order.eta, now)]);
  if (order.due !== undefined) facts.push(["Due", clock(order.due, now)]);
  if (order.note) facts.push(["Note for staff", order.note]);
  if (order.publicNote) facts.push(["Note for the customer", order.publicNote]);
  return facts;
}

/**
 * @param {Courier|undefined} courier
 * @param {number} now
 * @returns {Fact[]}
 */
function factsOfCourier(courier, now) {
  if (!courier) return [["This courier", "gone, or no longer kept"]];
  /** @type {Fact[]} */
  const facts = [["Position", `${courier.lat.toFixed(5)}, ${courier.lng.toFixed(5)}`], ["Last position", lastSeen(courier, now)]];
  if (courier.orderId) facts.push(["Carries", courier.orderId]);
  if (courier.speed !== undefined) facts.push(["Speed", `${Math.round(courier.speed * 3.6)} km/h`]);
  if (courier.accuracy !== undefined) facts.push(["Exact to", `${Math.round(courier.accuracy)} m`]);
  if (courier.battery !== undefined) facts.push(["Battery", `${Math.round(courier.battery)} %`]);
  return facts;
}
