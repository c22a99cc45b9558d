// @ts-check
// The menu of services: any number of them can be chosen.
import { write } from "./panels.js";

export class ServiceMenu {
  #button;
  #list;
  #template;
  #chosen = new Set();

  /**
   * @param {{button: HTMLElement, menu: HTMLElement, row: HTMLTemplateElement}} places
   * @param {(services: string[]) => void} choose
   */
  constructor({ button, menu, row }, choose) {
    this.#button = button;
    this.#list = /** @type {HTMLElement} */ (menu.querySelector("ul"));
    this.#template = row;
    const seek = /** @type {HTMLInputElement} */ (menu.querySelector("input[type=search]"));
    const all = /** @type {HTMLElement} */ (menu.querySelector("[data-all]"));
    this.#list.addEventListener("change", (event) => {
      const box = /** @type {HTMLInputElement} */ (event.target);
      const chosen = new Set(this.#chosen);
      if (box.checked) chosen.add(box.value);
      else chosen.delete(box.value);
      choose([...chosen].sort());
    });
    all.addEventListener("click", () => choose([]));
    seek.addEventListener("input", () => this.#seek(seek.value.toLowerCase()));
  }

  /**
   * One that is new gets its place by its name; nothing else moves.
   * @param {Iterable<string>} names
   */
  offer(names) {
    const rows = /** @type {HTMLElement[]} */ ([...this.#list.children]);
    const known = new Set(rows.map((row) => row.dataset.name));
    for (const name of names) {
      if (known.has(name)) continue;
      known.add(name);
      const row = /** @type {HTMLElement} */ (/** @type {Element} */ (this.#template.content.firstElementChild).cloneNode(true));
      row.dataset.name = name;
      const box = /** @type {HTMLInputElement} */ (row.querySelector("input"));
      box.value = name;
      box.checked = this.#chosen.has(name);
      write(row.querySelector("span"), name);
      const after = [...this.#list.children].find((other) => (/** @type {HTMLElement} */ (other).dataset.name ?? "") > name);
      this.#list.insertBefore(row, after ?? null);
    }
  }

  /** @param {readonly string[]} services */
  show(services) {
    this.#chosen = new Set(services);
    this.offer(services);
    for (const box of this.#list.querySelectorAll("input")) box.checked = this.#chosen.has(box.value);
    const [first] = services;
    write(this.#button, services.length > 1 ? `${services.length} services` : first ?? "All services");
    this.#button.title = services.join(", ");
    this.#button.classList.toggle("chosen", services.length > 0);
  }

  /** @param {string} wanted */
  #seek(wanted) {
    for (const row of /** @type {HTMLElement[]} */ ([...this.#list.children])) {
      row.hidden = !(row.dataset.name ?? "").toLowerCase().includes(wanted);
    }
  }
}
