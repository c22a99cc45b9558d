// @ts-check
// Replays a courier's day over the map: its way, where it was, and a slider through the hours.
import { hourMinuteSecond } from "../realtime/format.js";
import { dateOf, passed, span, spotAt, ways } from "./day.js";
import { setText } from "./keyed.js";
import { L } from "./leaflet.js";
import { afterZoom } from "./map.js";
import { part } from "./page.js";
import { courierArrow } from "./pins.js";

/** @typedef {import("./day.js").Point} Point */

/** A day with fixes plays in about so long. */
const PLAYS_MS = 60_000;
const PLAY = "M4 2.5v11l9-5.5z";
const PAUSE = "M4 2.5h3v11H4zM9 2.5h3v11H9z";

export class Replay {
  /** @type {string|null} */
  courier = null;
  #bar = part(".player");
  #button = /** @type {HTMLButtonElement} */ (part(".play", this.#bar));
  #slider = /** @type {HTMLInputElement} */ (part("[type=range]", this.#bar));
  #date = /** @type {HTMLInputElement} */ (part("[type=date]", this.#bar));
  #time = part("output", this.#bar);
  #told = part(".told", this.#bar);
  #map;
  #changed;
  #icon = picture();
  #arrow = courierArrow();
  #way = L.polyline([], { className: "day", weight: 3, interactive: false });
  #behind = L.polyline([], { className: "way", weight: 5, interactive: false });
  /** @type {Point[]} */
  #points = [];
  #now = 0;
  #playing = false;
  #asked = 0;

  /**
   * @param {import("leaflet").Map} map
   * @param {() => void} changed called when it begins or ends
   */
  constructor(map, changed) {
    this.#map = map;
    this.#changed = changed;
    this.#button.append(this.#icon);
    this.#button.addEventListener("click", () => this.toggle());
    part(".close", this.#bar).addEventListener("click", () => this.end());
    this.#slider.addEventListener("input", () => this.#seek(Number(this.#slider.value)));
    this.#date.addEventListener("change", () => this.#date.value && this.courier && this.#load());
  }

  /**
   * @param {string} courier
   * @param {number} now ms
   */
  begin(courier, now) {
    this.courier = courier;
    this.#bar.hidden = false;
    this.#map.getContainer().classList.add("replaying");
    this.#date.max = dateOf(now);
    if (!this.#date.value) this.#date.value = dateOf(now);
    this.#changed();
    this.#slider.focus();
    return this.#load();
  }

  end() {
    if (!this.courier) return;
    this.courier = null;
    this.#playing = false;
    this.#asked += 1;
    this.#bar.hidden = true;
    this.#map.getContainer().classList.remove("replaying");
    this.#date.value = "";
    for (const layer of [this.#way, this.#behind, this.#arrow.marker]) layer.remove();
    this.#changed();
  }

  toggle() {
    if (!this.courier || !this.#points.length) return;
    this.#playing = !this.#playing;
    if (this.#playing && this.#now >= this.#last()) this.#now = this.#first();
    this.#show();
    if (this.#playing) this.#play(performance.now());
  }

  async #load() {
    const asked = (this.#asked += 1);
    const [from, to] = span(this.#date.value);
    this.#playing = false;
    this.#points = [];
    setText(this.#told, "Loading…");
    try {
      const query = new URLSearchParams({ courier: this.courier ?? "", from: String(from), to: String(to) });
      const response = await fetch(`/orders/day/?${query}`);
      const answer = await response.json();
      if (asked !== this.#asked) return;
      this.#points = answer.points ?? [];
      setText(this.#told, this.#points.length ? "" : answer.detail ?? `No positions of ${this.courier} are kept of this day.`);
    } catch {
      if (asked === this.#asked) setText(this.#told, "The server does not answer.");
    }
    if (asked !== this.#asked) return;
    this.#draw();
  }

  #draw() {
    const empty = !this.#points.length;
    this.#slider.disabled = this.#button.disabled = empty;
    this.#way.setLatLngs(ways(this.#points)).addTo(this.#map);
    this.#behind.addTo(this.#map);
    if (empty) {
      this.#arrow.marker.remove();
      this.#behind.setLatLngs([]);
      return setText(this.#time, "");
    }
    [this.#slider.min, this.#slider.max] = [String(this.#first()), String(this.#last())];
    this.#slider.step = "1000";
    const under = this.#map.getSize().y - this.#bar.offsetTop; // what the player and the legend lie over
    afterZoom(this.#map, () => this.#map.fitBounds(this.#way.getBounds().pad(0.1), { maxZoom: 16, paddingBottomRight: [0, under] }));
    this.#seek(this.#first());
  }

  /** @param {number} time */
  #seek(time) {
    this.#now = time;
    this.#show();
  }

  #show() {
    const spot = spotAt(this.#points, this.#now);
    this.#slider.value = String(Math.round(this.#now));
    const text = hourMinuteSecond(this.#now);
    setText(this.#time, text);
    this.#slider.setAttribute("aria-valuetext", text);
    this.#button.setAttribute("aria-label", this.#playing ? "Pause" : "Play");
    this.#icon.firstElementChild?.setAttribute("d", this.#playing ? PAUSE : PLAY);
    if (!spot) return;
    this.#behind.setLatLngs(ways([...this.#points.slice(0, passed(this.#points, this.#now)), [this.#now, spot.lat, spot.lng, null]]));
    this.#arrow.marker.setLatLng(spot).addTo(this.#map);
    this.#arrow.show(spot.heading ?? undefined, this.#now - spot.at > 60_000 ? "old" : "fresh");
  }

  /** @param {number} before */
  #play(before) {
    requestAnimationFrame((now) => {
      if (!this.#playing) return;
      const pace = Math.max(10, (this.#last() - this.#first()) / PLAYS_MS);
      this.#now = Math.min(this.#last(), this.#now + (now - before) * pace);
      this.#playing = this.#now < this.#last();
      this.#show();
      this.#play(now);
    });
  }

  #first() {
    return this.#points[0][0];
  }

  #last() {
    return this.#points[this.#points.length - 1][0];
  }
}

function picture() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [name, value] of Object.entries({ viewBox: "0 0 16 16", width: "16", height: "16", fill: "currentColor", "aria-hidden": "true" })) svg.setAttribute(name, value);
  path.setAttribute("d", PLAY);
  svg.append(path);
  return svg;
}
