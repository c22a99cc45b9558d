// @ts-check
// Small pictures for the canvas of the map: arrows, dots, pins, crowds, names. Drawn once each, then only copied.
import { drawCourier, drawCrowd, drawLabel, drawPin, labelFont } from "./drawings.js";

/** @typedef {import("./fleet.js").Freshness} Freshness */

const TURNS = 72;
const BOX = 48;
/** Names and numbers come and go: beyond so many pictures all are made anew. */
const MOST = 2_000;

/**
 * @typedef {object} Picture
 * @property {HTMLCanvasElement} canvas
 * @property {number} width of it, in pixels of the page
 * @property {number} height
 * @property {number} left how far to the left of its point it begins
 * @property {number} top how far above
 */

export class Sprites {
  /** @type {Map<string, Picture>} */
  #made = new Map();
  #sharp;
  #ruler = document.createElement("canvas").getContext("2d");
  colours;

  /**
   * @param {(name: string) => string} token gives the value of a custom property
   * @param {number} sharp device pixels per pixel
   */
  constructor(token, sharp) {
    this.#sharp = sharp;
    /** @type {import("./drawings.js").Colours} */
    this.colours = {
      surface: token("--surface"), live: token("--live"), lagging: token("--lagging"), grey: token("--ink-3"),
      accent: token("--accent"), onAccent: token("--on-accent"), ink: token("--ink"), land: token("--map-land"),
      font: token("--font"),
    };
  }

  /**
   * Draws a courier: an arrow where its course is known, else a dot. Fresh is full, old is a ring, silent is grey.
   * @param {CanvasRenderingContext2D} context
   * @param {number} x
   * @param {number} y
   * @param {number|null} course
   * @param {Freshness} fresh
   * @param {boolean} chosen larger, with a halo
   * @param {number} scale
   */
  courier(context, x, y, course, fresh, chosen, scale) {
    const turn = course === null ? -1 : Math.round((course / 360) * TURNS) % TURNS;
    const side = BOX * scale;
    const picture = this.#picture(`courier ${turn} ${fresh} ${chosen} ${scale}`, side, side, side / 2, side / 2, (on) => {
      on.scale(scale, scale);
      drawCourier(on, this.colours, turn < 0 ? null : (turn / TURNS) * 2 * Math.PI, fresh, chosen);
    });
    this.#copy(context, picture, x, y);
  }

  /**
   * A place: a pin whose tip is at x, y.
   * @param {CanvasRenderingContext2D} context
   * @param {number} x
   * @param {number} y
   * @param {number} size 1 is 38 px high
   */
  pin(context, x, y, size) {
    const picture = this.#picture(`pin ${size}`, 32 * size, 42 * size, 16 * size, 40 * size, (on) => {
      on.scale(size, size);
      drawPin(on, this.colours);
    });
    this.#copy(context, picture, x, y);
  }

  /**
   * So many couriers that a number says more than arrows.
   * @param {CanvasRenderingContext2D} context
   * @param {number} x
   * @param {number} y
   * @param {number} n
   */
  crowd(context, x, y, n) {
    const text = n > 999 ? `${Math.round(n / 100) / 10}k` : String(n);
    const r = 13 + 3 * text.length - 3 * +(text.length > 2);
    const half = r + 6;
    const picture = this.#picture(`crowd ${text}`, 2 * half, 2 * half, half, half, (on) => drawCrowd(on, this.colours, text, r));
    this.#copy(context, picture, x, y);
  }

  /**
   * Words beside a marker, readable on any ground.
   * @param {CanvasRenderingContext2D} context
   * @param {string} text
   * @param {number} x
   * @param {number} y
   */
  label(context, text, x, y) {
    const key = `label ${text}`;
    const wide = this.#made.get(key)?.width ?? this.#measure(text) + 8;
    const picture = this.#picture(key, wide, 24, 4, 12, (on) => drawLabel(on, this.colours, text));
    this.#copy(context, picture, x, y);
  }

  /** @param {string} text */
  #measure(text) {
    if (!this.#ruler) return 0;
    this.#ruler.font = labelFont(this.colours);
    return this.#ruler.measureText(text).width;
  }

  /**
   * The picture of this key, drawn where it is missing with its point as the origin.
   * @param {string} key
   * @param {number} width
   * @param {number} height
   * @param {number} left
   * @param {number} top
   * @param {(on: CanvasRenderingContext2D) => void} draw
   * @returns {Picture}
   */
  #picture(key, width, height, left, top, draw) {
    const made = this.#made.get(key);
    if (made) return made;
    if (this.#made.size >= MOST) this.#made.clear();
    const canvas = document.createElement("canvas");
    canvas.width = Math.ceil(width * this.#sharp);
    canvas.height = Math.ceil(height * this.#sharp);
    const context = canvas.getContext("2d");
    context?.scale(this.#sharp, this.#sharp);
    context?.translate(left, top);
    if (context) draw(context);
    const picture = { canvas, width: canvas.width / this.#sharp, height: canvas.height / this.#sharp, left, top };
    this.#made.set(key, picture);
    return picture;
  }

  /**
   * Pixel on pixel: a picture that had to be stretched or shifted by parts of one would cost several times as much.
   * @param {CanvasRenderingContext2D} context
   * @param {Picture} picture
   * @param {number} x
   * @param {number} y
   */
  #copy(context, { canvas, width, height, left, top }, x, y) {
    const [at, down] = [Math.round((x - left) * this.#sharp), Math.round((y - top) * this.#sharp)];
    context.drawImage(canvas, at / this.#sharp, down / this.#sharp, width, height);
  }
}
