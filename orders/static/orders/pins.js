// @ts-check
// The markers of a customer's map, where the order is going and the courier who brings it; and the pin that staff drag.
import { L } from "./leaflet.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {number} size
 * @param {[string, Record<string, string>][]} parts
 */
function picture(size, parts) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `${-size / 2} ${-size / 2} ${size} ${size}`);
  svg.setAttribute("width", String(size));
  svg.setAttribute("height", String(size));
  for (const [name, attributes] of parts) {
    const element = document.createElementNS(SVG, name);
    for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
    svg.append(element);
  }
  return svg;
}

/**
 * @param {SVGElement} svg
 * @param {string} className
 * @param {number} size
 */
const icon = (svg, className, size) =>
  L.divIcon({ html: /** @type {any} */ (svg), className, iconSize: [size, size], iconAnchor: [size / 2, size / 2] });

const pin = () =>
  picture(48, [
    ["path", { d: "M0 0C-16-18-16-34 0-38 16-34 16-18 0 0Z", fill: "currentColor", stroke: "var(--surface)", "stroke-width": "2", "paint-order": "stroke" }],
    ["circle", { cy: "-24", r: "6", fill: "var(--surface)" }],
  ]);

/** A pin whose tip is at its place. */
export const destinationPin = () => L.marker([0, 0], { icon: icon(pin(), "pin", 48), interactive: false, keyboard: false });

/**
 * The same pin to take hold of: its box lies over the picture, so that the ground at its tip can be clicked.
 * @param {import("leaflet").MarkerOptions} [options]
 */
export function draggablePin(options = {}) {
  const svg = pin();
  svg.setAttribute("viewBox", "-24 -44 48 48");
  const held = L.divIcon({ html: /** @type {any} */ (svg), className: "pin", iconSize: [48, 48], iconAnchor: [24, 44] });
  return L.marker([0, 0], { icon: held, draggable: true, autoPan: true, keyboard: false, ...options });
}

/** Straight from the courier to where the order goes: dotted, since nobody knows the streets. */
export const wayLeft = () => L.polyline([], { className: "way", weight: 4, dashArray: "0.1 9", lineCap: "round", interactive: false });

/** Where the courier was before. */
export const wayPassed = () => L.polyline([], { className: "passed", weight: 4, lineCap: "round", interactive: false });

/** An arrow that points where the courier heads; a dot while nobody knows where. */
export function courierArrow() {
  const svg = picture(48, [
    ["circle", { r: "22", fill: "currentColor", opacity: ".18" }],
    ["circle", { r: "14", fill: "var(--surface)" }],
    ["path", { d: "M0-11 8 8.5 0 4.5-8 8.5Z", fill: "currentColor" }],
    ["circle", { r: "6", fill: "currentColor" }],
  ]);
  const marker = L.marker([0, 0], { icon: icon(svg, "courier", 48), interactive: false, keyboard: false, zIndexOffset: 100 });
  const [arrow, dot] = [svg.children[2], svg.children[3]];
  return {
    marker,
    /**
     * @param {number|undefined} heading degrees
     * @param {import("./fleet.js").Freshness} fresh
     */
    show(heading, fresh) {
      arrow.setAttribute("visibility", heading === undefined ? "hidden" : "visible");
      dot.setAttribute("visibility", heading === undefined ? "visible" : "hidden");
      if (heading !== undefined) arrow.setAttribute("transform", `rotate(${Math.round(heading)})`);
      const element = marker.getElement();
      for (const state of ["old", "silent"]) element?.classList.toggle(state, state === fresh);
    },
  };
}
