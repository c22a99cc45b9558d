// @ts-check
// The customer's map: there only when there is something to show on it.
import { setText } from "./keyed.js";
import { freshness } from "./fleet.js";
import { L } from "./leaflet.js";
import { afterZoom, createMap } from "./map.js";
import { part } from "./page.js";
import { courierArrow, destinationPin, wayLeft, wayPassed } from "./pins.js";

/**
 * @typedef {import("./answer.js").Order} Order
 * @typedef {import("./answer.js").Position} Position
 */

const CLOSE = 16;

export class TrackMap {
  #section;
  #config;
  /** @type {import("leaflet").Map|null} */
  #map = null;
  #pin = destinationPin();
  #courier = courierArrow();
  #way = wayLeft();
  #trail = wayPassed();
  /** somebody took hold of the map: it is theirs now */
  #taken = false;
  /** how many places the map was last fitted to */
  #fitted = 0;

  /**
   * @param {HTMLElement} section
   * @param {import("./map.js").Config} config
   */
  constructor(section, config) {
    this.#section = section;
    this.#config = config;
  }

  /**
   * @param {Order|null} order
   * @param {Position|null} position
   * @param {number} now
   * @param {string} note
   */
  show(order, position, now, note) {
    const goal = order?.destination ?? null;
    this.#section.hidden = !goal && !position;
    if (!goal && !position) return;
    const map = (this.#map ??= this.#open());
    place(map, this.#pin, goal);
    place(map, this.#courier.marker, position);
    this.#way.setLatLngs(goal && position ? [position, goal] : []);
    this.#trail.setLatLngs(position?.trail ? [...position.trail.map(([, lat, lng]) => L.latLng(lat, lng)), position] : []);
    if (position) this.#courier.show(position.heading, freshness(now - position.timestamp));
    const overlay = part(".overlay", this.#section);
    overlay.hidden = !note;
    setText(overlay, note);
    this.#keepInSight([goal, position].filter((at) => at !== null).map(({ lat, lng }) => L.latLng(lat, lng)));
  }

  #open() {
    const element = part("#map", this.#section);
    const map = createMap(element, this.#config, { scrollWheelZoom: false });
    for (const touch of ["pointerdown", "keydown"]) element.addEventListener(touch, () => (this.#taken = true));
    this.#trail.addTo(map);
    this.#way.addTo(map);
    // Only the courier's own way is glided; a map that is laid anew takes it along at once.
    map.on("zoomstart viewreset", () => this.#courier.marker.getElement()?.classList.remove("glides"));
    map.on("resize", () => (this.#fitted = 0));
    return map;
  }

  /** @param {import("leaflet").LatLng[]} places */
  #keepInSight(places) {
    const map = /** @type {import("leaflet").Map} */ (this.#map);
    const inSight = places.every((at) => map.getBounds().pad(-0.08).contains(at));
    if (this.#taken || (inSight && this.#fitted === places.length)) return;
    this.#fitted = places.length;
    afterZoom(map, () => map.fitBounds(L.latLngBounds(places), { paddingTopLeft: [50, 90], paddingBottomRight: [60, 75], maxZoom: CLOSE }));
  }
}

/**
 * @param {import("leaflet").Map} map
 * @param {import("leaflet").Marker} marker
 * @param {{lat: number, lng: number}|null} at
 */
function place(map, marker, at) {
  if (!at) return void marker.remove();
  if (!marker.getLatLng().equals([at.lat, at.lng])) {
    marker.getElement()?.classList.add("glides");
    marker.setLatLng(at);
  }
  if (!map.hasLayer(marker)) marker.addTo(map);
}
