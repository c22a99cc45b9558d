// @ts-check
// All couriers and places on one canvas: thousands of them move without the page noticing.
import { onTheme, token } from "../realtime/theme.js";
import { crowd, freshness } from "./fleet.js";
import { mercator } from "./geo.js";
import { glide, heading, isMoving, where } from "./glide.js";
import { Overlay } from "./overlay.js";
import { Sprites } from "./sprites.js";

/**
 * @typedef {import("./store.js").Courier} Courier
 * @typedef {import("./geo.js").Place} Place
 *
 * @typedef {import("./glide.js").Glide & {courier: Courier}} Marker
 * @typedef {{x: number, y: number, marker: Marker, course: number|null}} Spot x, y in pixels of the whole world
 *
 * @typedef {object} Choice what is drawn larger, and with what around it
 * @property {string} [name]
 * @property {Place & {name?: string}} [destination]
 */

const CROWD_CELL = 52;
const CROWD = 8;
/** Jumps of more pixels than this are not glided. */
const FAR_PX = 600;
const REACH_PX = 20;
/** Further out, names would only cover each other. */
const NAMES_ZOOM = 11;

export class Markers {
  /** @type {Map<string, Marker>} */
  #markers = new Map();
  /** @type {Choice} */
  #choice = {};
  /** @type {string|null} */
  #hovered = null;
  /** @type {Spot[]} */
  #shown = [];
  /** @type {{x: number, y: number, points: Spot[]}[]} */
  #crowds = [];
  #map;
  #now;
  #overlay;
  #sprites = new Sprites(token, Math.min(2, devicePixelRatio || 1));
  #still = matchMedia("(prefers-reduced-motion: reduce)");

  /**
   * @param {import("leaflet").Map} map
   * @param {() => number} serverNow
   */
  constructor(map, serverNow) {
    this.#map = map;
    this.#now = serverNow;
    this.#overlay = new Overlay(map, (view, now) => this.#paint(view, now));
    onTheme(() => {
      this.#sprites = new Sprites(token, Math.min(2, devicePixelRatio || 1));
      this.redraw();
    });
  }

  redraw() {
    this.#overlay.redraw();
  }

  /** @param {Courier} courier */
  put(courier) {
    const now = performance.now();
    const farthest = this.#still.matches ? 0 : FAR_PX / (256 * 2 ** this.#map.getZoom());
    const to = mercator(courier.lat, courier.lng);
    const movement = glide(this.#markers.get(courier.name), to, courier.course, now, farthest);
    this.#markers.set(courier.name, { ...movement, courier });
    this.#overlay.redraw();
  }

  /** @param {string} name */
  remove(name) {
    this.#markers.delete(name);
    this.#overlay.redraw();
  }

  /** @param {Choice} choice */
  choose(choice) {
    this.#choice = choice;
    this.#overlay.redraw();
  }

  /** @param {string|null} name */
  hover(name) {
    if (this.#hovered === name) return;
    this.#hovered = name;
    this.#overlay.redraw();
  }

  /**
   * What is drawn at a point of the map's container: a courier's name, or the places of a crowd.
   * @param {import("leaflet").Point} point
   * @returns {{name: string}|{crowd: Place[]}|null}
   */
  at(point) {
    const world = this.#map.getPixelBounds().min;
    if (!world) return null;
    const [x, y] = [point.x + world.x, point.y + world.y];
    const group = this.#crowds.find((one) => Math.hypot(one.x - x, one.y - y) < REACH_PX);
    if (group) return { crowd: group.points.map(({ marker }) => marker.courier) };
    let best = REACH_PX;
    let name = null;
    for (const spot of this.#shown) {
      const lift = spot.marker.courier.place ? 12 : 0; // a pin's head is above its place
      const far = Math.hypot(spot.x - x, spot.y - lift - y);
      if (far < best) [best, name] = [far, spot.marker.courier.name];
    }
    return name === null ? null : { name };
  }

  /**
   * @param {import("./overlay.js").View} view
   * @param {number} now
   * @returns {boolean} whether something still moves
   */
  #paint(view, now) {
    const { spots, moving } = this.#inSight(view, now);
    const chosen = spots.find(({ marker }) => marker.courier.name === this.#choice.name);
    const { alone, crowds } = crowd(spots.filter((spot) => spot !== chosen && !spot.marker.courier.place), CROWD_CELL, CROWD);
    const places = spots.filter((spot) => spot !== chosen && spot.marker.courier.place);
    this.#shown = [...alone, ...places, ...(chosen ? [chosen] : [])];
    this.#crowds = crowds;

    this.#paintWay(view, chosen);
    const { context, left, top } = view;
    const serverNow = this.#now();
    for (const { x, y } of places) this.#sprites.pin(context, x - left, y - top, 0.62);
    for (const spot of alone) this.#paintCourier(view, spot, false, serverNow);
    if (this.#map.getZoom() >= NAMES_ZOOM) this.#namePlaces(view, places);
    for (const { x, y, points } of crowds) this.#sprites.crowd(context, x - left, y - top, points.length);
    if (chosen) this.#paintCourier(view, chosen, true, serverNow);
    const hovered = this.#shown.find((spot) => spot.marker.courier.name === this.#hovered && spot !== chosen);
    for (const spot of [hovered, chosen]) {
      if (spot && !spot.marker.courier.place) this.#sprites.label(context, spot.marker.courier.name, spot.x - left + 18, spot.y - top);
    }
    return moving;
  }

  /**
   * @param {import("./overlay.js").View} view
   * @param {number} now
   */
  #inSight({ left, top, width, height, size }, now) {
    /** @type {Spot[]} */
    const spots = [];
    let moving = false;
    for (const marker of this.#markers.values()) {
      const at = where(marker, now);
      const [x, y] = [at[0] * size, at[1] * size];
      if (x < left - 40 || y < top - 40 || x > left + width + 40 || y > top + height + 40) continue;
      moving ||= isMoving(marker, now);
      spots.push({ x, y, marker, course: heading(marker, now) });
    }
    return { spots, moving };
  }

  /**
   * @param {import("./overlay.js").View} view
   * @param {Spot} spot
   * @param {boolean} chosen
   * @param {number} now by the server's clock
   */
  #paintCourier({ context, left, top, width }, { x, y, marker, course }, chosen, now) {
    const scale = width < 700 || this.#map.getZoom() < 13 ? 0.75 : this.#map.getZoom() < 14.5 ? 0.88 : 1;
    if (marker.courier.place) {
      this.#sprites.pin(context, x - left, y - top, 0.95);
      this.#sprites.label(context, marker.courier.name, x - left + 15, y - top - 22);
      return;
    }
    const fresh = freshness(now - marker.courier.timestamp);
    this.#sprites.courier(context, x - left, y - top, course, fresh, chosen, chosen ? 1 : scale);
  }

  /**
   * The names of places, where they do not cover each other.
   * @param {import("./overlay.js").View} view
   * @param {Spot[]} places
   */
  #namePlaces({ context, left, top }, places) {
    /** @type {[number, number][]} */
    const taken = [];
    for (const { x, y, marker } of places) {
      if (taken.some(([tx, ty]) => Math.abs(tx - x) < 110 && Math.abs(ty - y) < 16)) continue;
      taken.push([x, y]);
      this.#sprites.label(context, marker.courier.name, x - left + 11, y - top - 14);
    }
  }

  /**
   * Where the chosen courier came from, faint and solid, and straight to where it goes, dotted.
   * @param {import("./overlay.js").View} view
   * @param {Spot|undefined} chosen
   */
  #paintWay({ context, left, top, size }, chosen) {
    const { destination } = this.#choice;
    const goal = destination ? mercator(destination.lat, destination.lng) : null;
    context.strokeStyle = this.#sprites.colours.accent;
    context.lineCap = context.lineJoin = "round";
    if (chosen && !chosen.marker.courier.place) {
      context.globalAlpha = 0.45;
      context.lineWidth = 4;
      context.beginPath();
      for (const [lat, lng] of chosen.marker.courier.trail.slice(0, -1)) {
        const [mx, my] = mercator(lat, lng);
        context.lineTo(mx * size - left, my * size - top);
      }
      context.lineTo(chosen.x - left, chosen.y - top);
      context.stroke();
      context.globalAlpha = 1;
    }
    if (!goal) return;
    const [gx, gy] = [goal[0] * size - left, goal[1] * size - top];
    if (chosen) {
      context.lineWidth = 4;
      context.setLineDash([0.1, 9]);
      context.beginPath();
      context.moveTo(chosen.x - left, chosen.y - top);
      context.lineTo(gx, gy);
      context.stroke();
      context.setLineDash([]);
    }
    this.#sprites.pin(context, gx, gy, 1);
    if (destination?.name && this.#map.getZoom() >= NAMES_ZOOM) this.#sprites.label(context, destination.name, gx + 16, gy - 24);
  }
}
