// @ts-check
// In the admin's forms: a map whose pin sets latitude and longitude, and follows what is typed there.
import { L } from "./leaflet.js";
import { createMap } from "./map.js";
import { given, part } from "./page.js";
import { draggablePin } from "./pins.js";

/**
 * @typedef {[number, number]} At latitude and longitude
 * @typedef {import("./map.js").Config & {fields: string[], at: At|null, start: At|null}} Config
 *   fields: the ids of the two inputs; at: what the page was made with; start: where to look without a place
 */

const CLOSE = 16;
const WIDE = 13;
/** Pixels that an arrow key moves the pin by, and with Shift. */
const STEP = 5;
const STRIDE = 50;
const DIGITS = 6; // a tenth of a metre
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/** @type {Config} */
const config = given("pick-config");
const inputs = config.fields.map((id) => document.getElementById(id)).filter((field) => field instanceof HTMLInputElement);
const section = part(".pick");
if (inputs.length === 2) pick(inputs[0], inputs[1]);
else if (config.at) look(config.at);
else section.closest(".form-row")?.remove(); // nothing to set, nothing to see

/** @param {At|null} at where the pin is */
function open(at) {
  const element = part(".pick-map", section);
  const map = createMap(element, config, { keyboard: false, scrollWheelZoom: false, doubleClickZoom: false });
  if (at) map.setView(at, CLOSE, { animate: false });
  else if (config.start) map.setView(config.start, WIDE, { animate: false });
  element.addEventListener("keydown", (event) => {
    const step = { "+": 1, "=": 1, "-": -1 }[event.key];
    if (step && !event.ctrlKey && !event.metaKey) map.setZoom(map.getZoom() + step);
  });
  return { element, map };
}

/**
 * For those who may only look.
 * @param {At} at
 */
function look(at) {
  part("#pick-help", section).remove();
  const { element, map } = open(at);
  element.removeAttribute("aria-describedby");
  draggablePin({ draggable: false, interactive: false }).setLatLng(at).addTo(map);
}

/**
 * @param {HTMLInputElement} latitude
 * @param {HTMLInputElement} longitude
 */
function pick(latitude, longitude) {
  const typed = () => placeOf(latitude.value, longitude.value);
  const { element, map } = open(typed());
  const pin = draggablePin();
  const status = part("[role=status]", section);
  element.classList.add("picks");

  const show = (/** @type {At|null} */ at) => {
    if (!at) return void pin.remove();
    pin.setLatLng(at);
    if (!map.hasLayer(pin)) pin.addTo(map);
  };
  const write = (/** @type {import("leaflet").LatLng} */ to) => {
    const { lat, lng } = to.wrap();
    for (const [input, value] of /** @type {[HTMLInputElement, number][]} */ ([[latitude, lat], [longitude, lng]])) {
      input.value = String(Number(value.toFixed(DIGITS)));
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
  };
  const put = (/** @type {import("leaflet").LatLng} */ to) => {
    write(to);
    show(typed());
    status.textContent = `${latitude.value}, ${longitude.value}`;
  };

  show(typed());
  map.on("mousedown", () => element.focus({ preventScroll: true }));
  map.on("click", ({ latlng }) => put(latlng));
  pin.on("drag", () => write(pin.getLatLng()));
  for (const input of [latitude, longitude]) {
    input.addEventListener("input", () => {
      const at = typed();
      show(at);
      if (at && !map.getBounds().contains(at)) map.setView(at, map.getZoom(), { animate: false });
    });
  }
  element.addEventListener("keydown", (event) => {
    const way = ARROWS[event.key];
    if (!way || event.target !== element || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const by = L.point(way).multiplyBy(event.shiftKey ? STRIDE : STEP);
    // The first key puts the pin into the middle; from there it is moved.
    const to = map.hasLayer(pin) ? map.unproject(map.project(pin.getLatLng()).add(by)) : map.getCenter();
    put(to);
    map.panInside(to, { padding: [60, 60], animate: false });
  });
}

/**
 * @param {string} latitude
 * @param {string} longitude
 * @returns {At|null} where both are numbers of a place on Earth
 */
function placeOf(latitude, longitude) {
  if (!latitude.trim() || !longitude.trim()) return null;
  const [lat, lng] = [Number(latitude), Number(longitude)];
  return Math.abs(lat) <= 90 && Math.abs(lng) <= 180 ? [lat, lng] : null;
}
