// @ts-check
// The demo city, drawn by ourselves: what the map shows where there are no tiles. Elsewhere a quiet grid.
import { token } from "../realtime/theme.js";
import { gridStep, mercator } from "./geo.js";
import { L } from "./leaflet.js";

/**
 * @typedef {[number, number, number, number]} Box west, north, east, south, in the units of mercator()
 * @typedef {{kind: string, main: boolean, name: string, line: [number, number][], box: Box}} Shape
 *   line in the units of mercator()
 * @typedef {{kind: string, class?: string, name?: string}} Properties
 */

const NAMES = /** @type {const} */ (["--map-water", "--map-park", "--map-edge", "--map-street", "--ink-3", "--font"]);
/** @typedef {Record<typeof NAMES[number], string>} Colours */

const TILE = 256;
const GRID_PX = 140;

/**
 * Fetches the drawing. A layer is there at once; the streets follow.
 * @param {string} url of a GeoJSON file
 */
export function createCity(url) {
  const city = new City({ noWrap: true, keepBuffer: 3, pane: "tilePane", className: "city" });
  const bounds = L.latLngBounds([]);
  const ready = fetch(url)
    .then((response) => (response.ok ? response.json() : Promise.reject(response.status)))
    .then((drawing) => {
      const [west, south, east, north] = drawing.bbox;
      bounds.extend([south, west]).extend([north, east]);
      city.take(drawing);
    })
    .catch(() => undefined); // without its streets the map is a grid
  return { layer: city, bounds, ready };
}

class City extends L.GridLayer {
  /** @type {Shape[]} */
  #shapes = [];
  /** Nobody needs a grid within this. @type {Box} */
  #extent = [0, 0, 0, 0];

  /** @param {{features: {properties: Properties, geometry: {type: string, coordinates: any}}[]}} drawing */
  take(drawing) {
    this.#shapes = drawing.features
      .filter(({ geometry }) => geometry.type !== "Point")
      .map(({ properties, geometry }) => {
        const ring = geometry.type === "Polygon" ? geometry.coordinates[0] : geometry.coordinates;
        const line = ring.map((/** @type {[number, number]} */ at) => mercator(at[1], at[0]));
        return { kind: properties.kind, main: properties.class === "main", name: properties.name ?? "", line, box: boxOf(line) };
      });
    this.#extent = boxOf(this.#shapes.flatMap(({ box }) => [[box[0], box[1]], [box[2], box[3]]]));
    this.redraw();
  }

  /**
   * @param {import("leaflet").Coords} coords
   * @returns {HTMLCanvasElement}
   */
  createTile(coords) {
    const canvas = document.createElement("canvas");
    const sharp = Math.min(2, devicePixelRatio || 1);
    canvas.width = canvas.height = TILE * sharp;
    const context = canvas.getContext("2d");
    if (!context) return canvas;
    context.scale(sharp, sharp);
    // Read once a tile: hundreds of shapes would each ask for the style of the page.
    const colours = /** @type {Colours} */ (Object.fromEntries(NAMES.map((name) => [name, token(name)])));
    paint(context, coords, this.#shapes, this.#extent, colours);
    return canvas;
  }
}

/** @param {[number, number][]} line @returns {Box} */
function boxOf(line) {
  const xs = line.map(([x]) => x);
  const ys = line.map(([, y]) => y);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{x: number, y: number, z: number}} coords
 * @param {Shape[]} shapes
 * @param {Box} extent of all of them
 * @param {Colours} colours
 */
function paint(context, { x, y, z }, shapes, extent, colours) {
  const size = TILE * 2 ** z;
  const margin = 96 / size; // of names and wide streets that reach in from outside
  const [left, top] = [x * TILE, y * TILE];
  const [west, north] = [left / size - margin, top / size - margin];
  const [east, south] = [(left + TILE) / size + margin, (top + TILE) / size + margin];
  const isNear = (/** @type {Box} */ box) => box[0] < east && box[2] > west && box[1] < south && box[3] > north;
  const near = shapes.filter(({ box }) => isNear(box));
  if (!isNear(extent) || z < 11) grid(context, left, top, z, colours);
  const trace = (/** @type {Shape} */ shape) => {
    context.beginPath();
    for (const [mx, my] of shape.line) context.lineTo(mx * size - left, my * size - top);
  };
  for (const shape of near) {
    if (shape.kind === "street") continue;
    trace(shape);
    context.fillStyle = colours[shape.kind === "water" ? "--map-water" : "--map-park"];
    context.fill();
  }
  const streets = near.filter(({ kind, main }) => kind === "street" && (main || z >= 12)).sort((a, b) => +a.main - +b.main);
  context.lineCap = context.lineJoin = "round";
  for (const [colour, more] of /** @type {["--map-edge"|"--map-street", number][]} */ ([["--map-edge", 2], ["--map-street", 0]])) {
    context.strokeStyle = colours[colour];
    for (const shape of streets) {
      trace(shape);
      context.lineWidth = Math.max(1, (shape.main ? 6 : 2.6) * 1.5 ** (z - 14)) + more;
      context.stroke();
    }
  }
  if (z >= 15) names(context, near, { left, top, size, z }, colours);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Shape[]} shapes
 * @param {{left: number, top: number, size: number, z: number}} view
 * @param {Colours} colours
 */
function names(context, shapes, { left, top, size, z }, colours) {
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 3;
  for (const shape of shapes) {
    const street = shape.kind === "street";
    if (!shape.name || shape.kind === "water" || (street && !shape.main && z < 16)) continue;
    const [a, b] = street ? longest(shape.line) : [shape.box.slice(0, 2), shape.box.slice(2)];
    context.save();
    context.translate(((a[0] + b[0]) / 2) * size - left, ((a[1] + b[1]) / 2) * size - top);
    if (street) context.rotate(upright(Math.atan2(b[1] - a[1], b[0] - a[0])));
    context.font = `500 ${street ? 12 : 13}px ${colours["--font"]}`;
    context.strokeStyle = colours[street ? "--map-street" : "--map-park"];
    context.fillStyle = colours["--ink-3"];
    context.strokeText(shape.name, 0, 0);
    context.fillText(shape.name, 0, 0);
    context.restore();
  }
}

/** @param {[number, number][]} line @returns {[[number, number], [number, number]]} its longest straight piece */
function longest(line) {
  let best = 1;
  const length = (/** @type {number} */ i) => Math.hypot(line[i][0] - line[i - 1][0], line[i][1] - line[i - 1][1]);
  for (let i = 2; i < line.length; i++) if (length(i) > length(best)) best = i;
  return [line[best - 1], line[best]];
}

/** @param {number} angle in radians, turned so that words are never upside down */
const upright = (angle) => (angle > Math.PI / 2 ? angle - Math.PI : angle < -Math.PI / 2 ? angle + Math.PI : angle);

/**
 * Lines of latitude and longitude, with their degrees where they cross.
 * @param {CanvasRenderingContext2D} context
 * @param {number} left
 * @param {number} top
 * @param {number} z
 * @param {Colours} colours
 */
function grid(context, left, top, z, colours) {
  const size = TILE * 2 ** z;
  const step = gridStep(z, GRID_PX);
  const digits = Math.max(0, Math.ceil(-Math.log10(step)));
  const latitude = (/** @type {number} */ py) => Math.atan(Math.sinh(Math.PI * (1 - (2 * py) / size))) * (180 / Math.PI);
  const longitude = (/** @type {number} */ px) => (px / size) * 360 - 180;
  context.strokeStyle = colours["--map-edge"];
  context.fillStyle = colours["--ink-3"];
  context.font = `10px ${colours["--font"]}`;
  context.lineWidth = 1;
  const label = (/** @type {number} */ value, /** @type {string} */ sides) =>
    value === 0 ? "0°" : `${Math.abs(value).toFixed(digits)}° ${value < 0 ? sides[1] : sides[0]}`;
  // A crossing's words begin at its corner and may reach into the next tile.
  for (let i = Math.floor((longitude(left) - step) / step); i * step <= longitude(left + TILE); i++) {
    const px = Math.round(mercator(0, i * step)[0] * size - left) + 0.5;
    line(context, px, 0, px, TILE);
    for (let j = Math.floor((latitude(top + TILE) - step) / step); j * step <= latitude(top) + step; j++) {
      const py = Math.round(mercator(j * step, 0)[1] * size - top) + 0.5;
      line(context, 0, py, TILE, py);
      context.globalAlpha = 0.75;
      context.fillText(`${label(j * step, "NS")}, ${label(i * step, "EW")}`, px + 5, py - 5);
      context.globalAlpha = 1;
    }
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x1
 * @param {number} y1
 * @param {number} x2
 * @param {number} y2
 */
function line(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}
