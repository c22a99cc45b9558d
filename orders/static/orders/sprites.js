// @ts-check
// Small pictures for the canvas of the map: arrows, dots, pins, crowds. Drawn once each, then only copied.

/** @typedef {import("./fleet.js").Freshness} Freshness */
/** @typedef {{surface: string, live: string, lagging: string, grey: string, accent: string, onAccent: string, ink: string, land: string, font: string}} Colours */

const TURNS = 72;
const BOX = 48;

export class Sprites {
  /** @type {Map<string, HTMLCanvasElement>} */
  #made = new Map();
  #sharp;
  colours;

  /**
   * @param {(name: string) => string} token gives the value of a custom property
   * @param {number} sharp device pixels per pixel
   */
  constructor(token, sharp) {
    this.#sharp = sharp;
    /** @type {Colours} */
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
    const key = `${turn} ${fresh} ${chosen}`;
    let picture = this.#made.get(key);
    if (!picture) {
      picture = this.#make(turn, fresh, chosen);
      this.#made.set(key, picture);
    }
    const side = BOX * scale;
    context.drawImage(picture, Math.round(x - side / 2), Math.round(y - side / 2), side, side);
  }

  /**
   * @param {number} turn
   * @param {Freshness} fresh
   * @param {boolean} chosen
   */
  #make(turn, fresh, chosen) {
    const picture = document.createElement("canvas");
    picture.width = picture.height = BOX * this.#sharp;
    const context = picture.getContext("2d");
    if (!context) return picture;
    context.scale(this.#sharp, this.#sharp);
    context.translate(BOX / 2, BOX / 2);
    drawCourier(context, this.colours, turn < 0 ? null : (turn / TURNS) * 2 * Math.PI, fresh, chosen);
    return picture;
  }

  /**
   * A place: a pin whose tip is at x, y.
   * @param {CanvasRenderingContext2D} context
   * @param {number} x
   * @param {number} y
   * @param {number} size 1 is 38 px high
   */
  pin(context, x, y, size) {
    context.save();
    context.translate(x, y);
    context.scale(size, size);
    context.fillStyle = this.colours.ink;
    context.strokeStyle = this.colours.surface;
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(0, 0);
    context.bezierCurveTo(-16, -18, -16, -34, 0, -38);
    context.bezierCurveTo(16, -34, 16, -18, 0, 0);
    context.stroke();
    context.fill();
    disc(context, 0, -24, 6, this.colours.surface);
    context.restore();
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
    context.globalAlpha = 0.22;
    disc(context, x, y, r + 5, this.colours.accent);
    context.globalAlpha = 1;
    disc(context, x, y, r, this.colours.accent);
    context.fillStyle = this.colours.onAccent;
    context.font = `650 13px ${this.colours.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(text, x, y + 0.5);
  }

  /**
   * Words beside a marker, readable on any ground.
   * @param {CanvasRenderingContext2D} context
   * @param {string} text
   * @param {number} x
   * @param {number} y
   */
  label(context, text, x, y) {
    context.font = `600 11.5px ${this.colours.font}`;
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = 4;
    context.strokeStyle = this.colours.land;
    context.strokeText(text, x, y);
    context.fillStyle = this.colours.ink;
    context.fillText(text, x, y);
  }
}

/**
 * @param {CanvasRenderingContext2D} context with its origin where the courier is
 * @param {Colours} colours
 * @param {number|null} angle radians, clockwise from north
 * @param {Freshness} fresh
 * @param {boolean} chosen
 */
function drawCourier(context, colours, angle, fresh, chosen) {
  const colour = fresh === "silent" ? colours.grey : fresh === "old" ? colours.lagging : chosen ? colours.accent : colours.live;
  if (chosen) {
    context.globalAlpha = 0.2;
    disc(context, 0, 0, 22, colours.accent);
    context.globalAlpha = 1;
  }
  if (fresh !== "silent" || chosen) {
    context.globalAlpha = 0.92;
    disc(context, 0, 0, chosen ? 14 : 12, colours.surface);
    context.globalAlpha = 1;
  }
  context.strokeStyle = colour;
  context.lineWidth = 1.75;
  if (fresh === "old") ring(context, chosen ? 13 : 10.5);
  if (angle === null) {
    if (fresh === "old") ring(context, 4);
    else disc(context, 0, 0, chosen ? 7 : 5.5, colour);
    return;
  }
  const size = (chosen ? 1.25 : 1) * (fresh === "fresh" ? 1 : fresh === "old" ? 0.66 : 0.8);
  context.rotate(angle);
  context.scale(size, size);
  context.fillStyle = colour;
  context.lineJoin = "round";
  context.beginPath();
  context.moveTo(0, -9);
  context.lineTo(6.5, 7);
  context.lineTo(0, 3.5);
  context.lineTo(-6.5, 7);
  context.closePath();
  if (fresh === "old") context.stroke();
  else context.fill();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} r
 * @param {string} colour
 */
function disc(context, x, y, r, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, r, 0, 2 * Math.PI);
  context.fill();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} r
 */
function ring(context, r) {
  context.beginPath();
  context.arc(0, 0, r, 0, 2 * Math.PI);
  context.stroke();
}
