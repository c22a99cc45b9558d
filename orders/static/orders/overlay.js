// @ts-check
// A canvas over the map that stays where it belongs while the map is dragged and zoomed.
import { L } from "./leaflet.js";

/**
 * @typedef {object} View what a painter needs to know
 * @property {CanvasRenderingContext2D} context with pixels as its unit and its origin at the canvas' corner
 * @property {number} left of the canvas, in pixels of the whole world at this zoom
 * @property {number} top
 * @property {number} width
 * @property {number} height
 * @property {number} size pixels of the whole world at this zoom
 */

/** Pixels drawn beyond each edge, so that a drag does not show the end of the drawing. */
const MARGIN = 80;
/** What moves is drawn at most thirty times a second (a little less than 1/30 s, since frames do not come exactly on time). */
const EVERY_MS = 30;

export class Overlay {
  #map;
  #paint;
  #canvas = document.createElement("canvas");
  #zooming = false;
  #wanted = false;
  #drawn = 0;
  #zoom = 0;
  #corner = L.latLng(0, 0);

  /**
   * @param {import("leaflet").Map} map
   * @param {(view: View, now: number) => boolean} paint says whether it wants to paint again in the next frame
   */
  constructor(map, paint) {
    this.#map = map;
    this.#paint = paint;
    this.#canvas.className = "fleet leaflet-zoom-animated";
    this.#canvas.ariaHidden = "true"; // the lists say all of it
    /** @type {HTMLElement} */ (map.getPane("overlayPane")).append(this.#canvas);
    map.on("zoomstart", () => (this.#zooming = true));
    map.on("zoomend", () => (this.#zooming = false));
    map.on("zoomanim", (event) => this.#scale(event.center, event.zoom));
    map.on("zoom", () => this.#scale(map.getCenter(), map.getZoom()));
    // At once rather than in the next frame: the map has already been moved, an old drawing would jump.
    map.on("moveend viewreset resize", () => this.#draw(performance.now()));
    map.on("move", () => this.redraw());
  }

  /** Asks for a drawing in the next frame that is due one. */
  redraw() {
    if (this.#wanted) return;
    this.#wanted = true;
    const wait = (/** @type {number} */ now) => {
      if (now - this.#drawn < EVERY_MS) return void requestAnimationFrame(wait);
      this.#wanted = false;
      this.#draw(now);
    };
    requestAnimationFrame(wait);
  }

  /** @param {number} now */
  #draw(now) {
    if (this.#zooming) return;
    this.#drawn = now;
    const view = this.#place();
    if (view && this.#paint(view, now)) this.redraw();
  }

  /**
   * Puts the canvas over what is in sight.
   * @returns {View|null}
   */
  #place() {
    const map = this.#map;
    const canvas = this.#canvas;
    const seen = map.getSize();
    const [width, height] = [seen.x + 2 * MARGIN, seen.y + 2 * MARGIN];
    const sharp = Math.min(2, devicePixelRatio || 1);
    if (canvas.width !== width * sharp || canvas.height !== height * sharp) {
      canvas.width = width * sharp;
      canvas.height = height * sharp;
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    const context = canvas.getContext("2d");
    if (!context) return null;
    const corner = map.containerPointToLayerPoint([-MARGIN, -MARGIN]);
    L.DomUtil.setTransform(canvas, corner, 1);
    this.#zoom = map.getZoom();
    this.#corner = map.layerPointToLatLng(corner);
    context.setTransform(sharp, 0, 0, sharp, 0, 0);
    context.clearRect(0, 0, width, height);
    const world = map.getPixelOrigin().add(corner);
    return { context, left: world.x, top: world.y, width, height, size: 256 * 2 ** this.#zoom };
  }

  /**
   * While the map zooms, the last drawing grows and shrinks with it.
   * @param {import("leaflet").LatLng} centre
   * @param {number} zoom
   */
  #scale(centre, zoom) {
    const map = this.#map;
    const pane = L.DomUtil.getPosition(/** @type {HTMLElement} */ (map.getPane("mapPane")));
    const origin = map.project(centre, zoom).subtract(map.getSize().divideBy(2)).add(pane).round();
    const corner = map.project(this.#corner, zoom).subtract(origin);
    L.DomUtil.setTransform(this.#canvas, corner, map.getZoomScale(zoom, this.#zoom));
  }
}
