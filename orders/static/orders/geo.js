// @ts-check
// Distances, directions and the web's map projection (pure).

/** @typedef {{lat: number, lng: number}} Place */

const EARTH_M = 6_371_000;
const RADIANS = Math.PI / 180;
/** Where the projection ends, north and south. */
const LAST_LATITUDE = 85.0511287798;

/**
 * Metres between two places, along a great circle.
 * @param {Place} a
 * @param {Place} b
 */
export function distance(a, b) {
  const dLat = (b.lat - a.lat) * RADIANS;
  const dLng = (b.lng - a.lng) * RADIANS;
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(a.lat * RADIANS) * Math.cos(b.lat * RADIANS) * Math.sin(dLng / 2) ** 2;
  return 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

/**
 * The direction from a to b in degrees, clockwise from north.
 * @param {Place} a
 * @param {Place} b
 */
export function bearing(a, b) {
  const dLng = (b.lng - a.lng) * RADIANS;
  const y = Math.sin(dLng) * Math.cos(b.lat * RADIANS);
  const x =
    Math.cos(a.lat * RADIANS) * Math.sin(b.lat * RADIANS) - Math.sin(a.lat * RADIANS) * Math.cos(b.lat * RADIANS) * Math.cos(dLng);
  return (Math.atan2(y, x) / RADIANS + 360) % 360;
}

/**
 * Where a place lies on the square of the web's map: [0, 0] is its north-west corner, [1, 1] its south-east.
 * @param {number} lat
 * @param {number} lng
 * @returns {[number, number]}
 */
export function mercator(lat, lng) {
  const held = Math.max(-LAST_LATITUDE, Math.min(LAST_LATITUDE, lat));
  const sine = Math.sin(held * RADIANS);
  return [(lng + 180) / 360, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)];
}

/**
 * Words for a distance: "240 m", "2.1 km", "31 km".
 * @param {number} metres
 */
export function farInWords(metres) {
  if (metres < 995) return `${Math.max(10, Math.round(metres / 10) * 10)} m`;
  const km = metres / 1000;
  return `${km < 9.95 ? km.toFixed(1) : Math.round(km)} km`;
}

const STEPS = [30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005];

/**
 * The finest round number of degrees between two lines of a grid that are at least `least` pixels apart.
 * @param {number} zoom
 * @param {number} least
 */
export function gridStep(zoom, least) {
  const pixels = (256 * 2 ** zoom) / 360;
  return STEPS.findLast((step) => step * pixels >= least) ?? STEPS[0];
}
