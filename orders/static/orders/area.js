// @ts-check
// "Only this area": the server sends what lies in the part of the map that is in sight, and the lists show no more.

const SETTLED_MS = 300;

/**
 * What is in sight, as the filter of the view takes it (pure but for the map): west,south,east,north in degrees.
 * @param {import("leaflet").LatLngBounds} bounds
 */
export function box(bounds) {
  const clip = (/** @type {number} */ value, /** @type {number} */ most) => Math.max(-most, Math.min(most, value)).toFixed(5);
  return [clip(bounds.getWest(), 180), clip(bounds.getSouth(), 90), clip(bounds.getEast(), 180), clip(bounds.getNorth(), 90)].join();
}

/**
 * @param {import("leaflet").Map} map
 * @param {import("../realtime/live.js").Live} live
 * @param {HTMLElement} button pressed while it is so
 */
export function onlyInSight(map, live, button) {
  let pressed = false;
  let asked = "";
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let settling;
  const ask = () => {
    const bbox = pressed ? box(map.getBounds()) : "";
    if (bbox === asked) return;
    asked = bbox;
    live.filter(bbox ? { bbox } : {});
  };
  button.addEventListener("click", () => {
    pressed = !pressed;
    button.setAttribute("aria-pressed", String(pressed));
    ask();
  });
  map.on("moveend", () => {
    clearTimeout(settling);
    if (pressed) settling = setTimeout(ask, SETTLED_MS);
  });
}
