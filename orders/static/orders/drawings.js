// @ts-check
// How the things on the canvas of the map look, each drawn around its own point.

/** @typedef {import("./fleet.js").Freshness} Freshness */
/** @typedef {{surface: string, live: string, lagging: string, grey: string, accent: string, onAccent: string, ink: string, land: string, font: string}} Colours */

/**
 * @param {CanvasRenderingContext2D} context with its origin at the tip
 * @param {Colours} colours
 */
export function drawPin(context, colours) {
  context.fillStyle = colours.ink;
  context.strokeStyle = colours.surface;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(0, 0);
  context.bezierCurveTo(-16, -18, -16, -34, 0, -38);
  context.bezierCurveTo(16, -34, 16, -18, 0, 0);
  context.stroke();
  context.fill();
  disc(context, 0, -24, 6, colours.surface);
}

/**
 * @param {CanvasRenderingContext2D} context with its origin in the middle
 * @param {Colours} colours
 * @param {string} text
 * @param {number} r
 */
export function drawCrowd(context, colours, text, r) {
  context.globalAlpha = 0.22;
  disc(context, 0, 0, r + 5, colours.accent);
  context.globalAlpha = 1;
  disc(context, 0, 0, r, colours.accent);
  context.fillStyle = colours.onAccent;
  context.font = `650 13px ${colours.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, 0, 0.5);
}

/** @param {Colours} colours */
export const labelFont = ({ font }) => `600 11.5px ${font}`;

/**
 * @param {CanvasRenderingContext2D} context with its origin where the words begin, in the middle of their height
 * @param {Colours} colours
 * @param {string} text
 */
export function drawLabel(context, colours, text) {
  context.font = labelFont(colours);
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 4;
  context.strokeStyle = colours.land;
  context.strokeText(text, 0, 0);
  context.fillStyle = colours.ink;
  context.fillText(text, 0, 0);
}

/**
 * @param {CanvasRenderingContext2D} context with its origin where the courier is
 * @param {Colours} colours
 * @param {number|null} angle radians, clockwise from north
 * @param {Freshness} fresh
 * @param {boolean} chosen
 */
export function drawCourier(context, colours, angle, fresh, chosen) {
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
