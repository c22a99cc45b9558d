// @ts-check
// A Leaflet map that is never blank or broken: tiles where there are any, else the demo city that we draw.
import { onTheme } from "../realtime/theme.js";
import { createCity } from "./city.js";
import { L } from "./leaflet.js";

/**
 * @typedef {{tileUrl?: string, tileAttribution?: string, cityUrl: string, words?: Partial<typeof WORDS>}} Config
 * @typedef {"tiles"|"city"|"grid"} Ground
 */

/** Tiles that have not come by then are not waited for; should one come after all, it takes over. */
const PATIENCE_MS = 2_500;
/** So many failures in a row are more than a hole in the map. */
const FAILURES = 6;
const CITY_CENTRE = /** @type {[number, number]} */ ([13.0827, 80.2707]);
/** What the page says while it does not show a real map. */
const WORDS = {
  tiles: "",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  city: "Map tiles are not available; showing the demo city",
  grid: "Map tiles are not available; showing a grid",
};

/** Maps whose zoom is under way. @type {WeakSet<import("leaflet").Map>} */
const zooming = new WeakSet();
/** What they are to show next. @type {WeakMap<import("leaflet").Map, () => unknown>} */
const next = new WeakMap();

/**
 * Shows something else. Leaflet forgets what it is asked while a zoom is under way: here it comes after that.
 * @param {import("leaflet").Map} map
 * @param {() => unknown} turn what moves the map
 */
export function afterZoom(map, turn) {
  if (zooming.has(map)) next.set(map, turn);
  else turn();
}

/**
 * @param {HTMLElement} element
 * @param {Config} config
 * @param {import("leaflet").MapOptions} [options]
 */
export function createMap(element, config, options = {}) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const map = L.map(element, {
    center: CITY_CENTRE,
    zoom: 14,
    minZoom: 2,
    maxZoom: 19,
    maxBounds: [[-85.06, -180], [85.06, 180]],
    zoomSnap: 0.5, // our own drawing is sharp at any zoom
    zoomControl: false,
    fadeAnimation: false,
    zoomAnimation: !still,
    inertia: !still,
    ...options,
  });
  map.attributionControl.setPrefix('<a href="https://leafletjs.com">Leaflet</a>');
  const { zoomIn, zoomOut } = { ...WORDS, ...config.words };
  L.control.zoom({ position: "bottomright", zoomInTitle: zoomIn, zoomOutTitle: zoomOut }).addTo(map);
  L.control.scale({ position: "bottomright", imperial: false }).addTo(map);
  map.on("zoomanim", () => zooming.add(map));
  map.on("zoomend", () => {
    zooming.delete(map);
    const turn = next.get(map);
    next.delete(map);
    turn?.();
  });
  lay(map, element, config);
  return map;
}

/**
 * Puts the ground under the map and says which it is.
 * @param {import("leaflet").Map} map
 * @param {HTMLElement} element
 * @param {Config} config
 */
function lay(map, element, config) {
  const note = document.createElement("p");
  note.className = "map-note";
  note.hidden = true;
  element.append(note);

  /** @type {ReturnType<typeof createCity>|null} */
  let city = null;
  const say = () => {
    const shown = city && map.hasLayer(city.layer);
    const inSight = city?.bounds.isValid() && map.getBounds().intersects(city.bounds) && map.getZoom() >= 10;
    const ground = !shown ? "tiles" : inSight ? "city" : "grid";
    element.dataset.ground = ground;
    note.textContent = { ...WORDS, ...config.words }[ground];
    note.hidden = !note.textContent;
  };
  const showCity = () => {
    if (!city) {
      city = createCity(config.cityUrl);
      city.ready.then(say);
    }
    city.layer.addTo(map);
    map.attributionControl.addAttribution("Demo city by Sightline");
    say();
  };
  const hideCity = () => {
    city?.layer.remove();
    map.attributionControl.removeAttribution("Demo city by Sightline");
    say();
  };
  map.on("moveend", say);
  onTheme(() => city?.layer.redraw());
  if (!config.tileUrl) return showCity();
  const start = () => tryTiles(map, config, showCity, hideCity);
  // After everything of ours: a server of tiles that does not answer must not hold up the page.
  if (document.readyState === "complete") start();
  else addEventListener("load", start, { once: true });
}

/**
 * @param {import("leaflet").Map} map
 * @param {Config} config
 * @param {() => void} failed
 * @param {() => void} worked
 */
function tryTiles(map, config, failed, worked) {
  const tiles = L.tileLayer(/** @type {string} */ (config.tileUrl), {
    attribution: config.tileAttribution ?? "",
    maxZoom: 19,
    noWrap: true,
    // Providers want to know who asks. The origin says that; the path of a tracking page is nobody's business.
    referrerPolicy: "strict-origin-when-cross-origin",
  });
  let shown = false;
  let failures = 0;
  const patience = setTimeout(() => shown || failed(), PATIENCE_MS);
  tiles.on("tileload", () => {
    failures = 0;
    if (shown) return;
    shown = true;
    clearTimeout(patience);
    map.options.zoomSnap = 1; // pictures are only sharp at whole ones
    if (map.getZoom() % 1) map.setZoom(Math.floor(map.getZoom()), { animate: false });
    worked();
  });
  const giveUp = () => {
    if (!map.hasLayer(tiles)) return;
    clearTimeout(patience);
    tiles.remove();
    map.options.zoomSnap = 0.5;
    failed();
    // Worth another try when this machine comes back to its network.
    addEventListener("online", () => tryTiles(map, config, failed, worked), { once: true });
  };
  tiles.on("tileerror", ({ tile }) => {
    tile.removeAttribute("src"); // nothing rather than the sign of a broken image
    failures += 1;
    if (failures >= FAILURES) setTimeout(giveUp);
  });
  // Not at once: Leaflet still needs the layer after these two have been told.
  tiles.on("load", () => shown || setTimeout(giveUp));
  tiles.addTo(map);
}
