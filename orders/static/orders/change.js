// @ts-check
// Changes that staff ask for: the status or the courier of one order or of many. The server refuses, and says why.
import { setText } from "./keyed.js";
import { part } from "./page.js";

/**
 * @typedef {{orderId: string, reason: string, allowed: string[]}} Refused
 * @typedef {{done: string[], refused: Refused[]}} Answer
 */

const NO_ONE = "\u0000";
const TOLD_MS = 6_000;
/** As many as the server takes at once. */
export const MOST_PICKED = 200;

/** Which orders were picked, to be changed together. */
export class Picks {
  /** @type {Set<string>} */
  ids = new Set();
  picking = false;

  /** @param {string} id */
  toggle(id) {
    this.picking = true;
    if (!this.ids.delete(id) && this.ids.size < MOST_PICKED) this.ids.add(id);
  }

  /** @param {boolean} picking */
  turn(picking) {
    this.picking = picking;
    if (!picking) this.ids.clear();
  }
}

export class ChangeForm {
  #status;
  #courier;
  #offered = "";

  /**
   * @param {HTMLFormElement} form
   * @param {() => string[]} ids of the orders that it changes
   * @param {(answer: Answer) => void} done
   */
  constructor(form, ids, done) {
    this.#status = /** @type {HTMLSelectElement} */ (part("[name=status]", form));
    this.#courier = /** @type {HTMLSelectElement} */ (part("[name=courier]", form));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const [status, courier] = [this.#status.value, this.#courier.value];
      const orders = ids();
      if (!orders.length || (!status && !courier)) return tell({ done: [], refused: [] });
      const button = /** @type {HTMLButtonElement} */ (part("[type=submit]", form));
      button.disabled = true;
      const answer = await ask({ orders, ...(status ? { status } : {}), ...(courier ? { courier: courier === NO_ONE ? null : courier } : {}) });
      button.disabled = false;
      this.#status.value = this.#courier.value = "";
      tell(answer);
      if (typeof answer !== "string") done(answer);
    });
  }

  /**
   * What may be chosen; what was chosen stays, where it is still among it.
   * @param {string[]} statuses
   * @param {string[]} couriers
   */
  offer(statuses, couriers) {
    const offered = JSON.stringify([statuses, couriers]);
    if (offered === this.#offered) return;
    this.#offered = offered;
    fill(this.#status, [["", "Status…"], ...statuses.map((status) => [status, status])]);
    fill(this.#courier, [["", "Courier…"], [NO_ONE, "No one"], ...couriers.map((name) => [name, name])]);
    this.#status.disabled = statuses.length === 0;
  }
}

/**
 * @param {HTMLSelectElement} select
 * @param {string[][]} options
 */
function fill(select, options) {
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
  select.value = options.some(([value]) => value === chosen) ? chosen : "";
}

/**
 * @param {object} body
 * @returns {Promise<Answer|string>} the answer, or what went wrong
 */
async function ask(body) {
  const token = /** @type {HTMLInputElement} */ (part("[name=csrfmiddlewaretoken]")).value;
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
  try {
    const response = await fetch("/orders/act/", { method: "POST", headers, body: JSON.stringify(body) });
    if (response.ok || response.status === 409) return await response.json();
    if (response.status === 403) return "You may not change orders. Sign in again, or ask whoever gave you your account.";
    return (await response.json()).detail;
  } catch {
    return "The server does not answer. Nothing was changed; try again.";
  }
}

/** @type {ReturnType<typeof setTimeout>|undefined} */
let fading;

/** @param {Answer|string} answer */
function tell(answer) {
  const notice = part(".notice");
  clearTimeout(fading);
  const lines = typeof answer === "string" ? [answer] : answer.refused.map(({ orderId, reason }) => `${orderId}: ${reason}`);
  const done = typeof answer === "string" ? 0 : answer.done.length;
  if (done) lines.unshift(done === 1 ? "1 order changed." : `${done} orders changed.`);
  if (!lines.length) lines.push("Choose a status or a courier first.");
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button";
  close.textContent = "OK";
  close.addEventListener("click", () => notice.replaceChildren());
  const list = document.createElement("ul");
  for (const line of lines) setText(list.appendChild(document.createElement("li")), line);
  notice.replaceChildren(list, close);
  // What was refused stays until somebody has read it.
  if (done === lines.length || (done && lines.length === 1)) fading = setTimeout(() => notice.replaceChildren(), TOLD_MS);
}
