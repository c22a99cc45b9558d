// @ts-check
// Where this phone is, told on while somebody wants it: often enough to follow, seldom enough for the battery.
import { distance } from "./geo.js";

/**
 * @typedef {{lat: number, lng: number, accuracy: number, speed: number|null, heading: number|null, at: number}} Spot at: Date.now
 * @typedef {"off"|"asking"|"on"|"searching"|"denied"|"insecure"|"missing"} State
 */

const LEAST_MS = 4_000;
const STILL_M = 10;
const STILL_MS = 30_000;
/** A courier who stands is still there: staff call silent who has not been heard of for five minutes. */
const ALIVE_MS = 60_000;
/** @type {PositionOptions} */
const OPTIONS = { enableHighAccuracy: true, maximumAge: 2_000, timeout: 30_000 };

/**
 * Whether a spot is worth sending (pure).
 * @param {Spot} spot
 * @param {Spot|null} sent the last one that was
 * @param {number} since ms since that was sent
 */
export function worthSending(spot, sent, since) {
  if (!sent) return true;
  if (since < LEAST_MS) return false;
  return since >= STILL_MS || distance(spot, sent) >= STILL_M;
}

/** Events: "state", "spot" {@link Spot}. */
export class Sharing extends EventTarget {
  /** @type {State} */
  state = "off";
  /** whether the screen is held awake, null where this browser cannot */
  awake = /** @type {boolean|null} */ ("wakeLock" in navigator ? false : null);
  #watch = 0;
  /** @type {Spot|null} */
  #latest = null;
  /** @type {Spot|null} */
  #sent = null;
  #sentAt = 0;
  /** @type {ReturnType<typeof setInterval>|undefined} */
  #timer;
  /** @type {WakeLockSentinel|null} */
  #lock = null;

  constructor() {
    super();
    if (!isSecureContext) this.state = "insecure";
    else if (!("geolocation" in navigator)) this.state = "missing";
    document.addEventListener("visibilitychange", () => this.#stayAwake());
  }

  get wanted() {
    return this.#timer !== undefined;
  }

  start() {
    if (this.wanted || this.state === "insecure" || this.state === "missing") return;
    this.#become("asking");
    this.#watch = navigator.geolocation.watchPosition((position) => this.#take(position), (error) => this.#fail(error), OPTIONS);
    this.#timer = setInterval(() => this.#tick(), 1_000);
    this.#stayAwake();
  }

  stop() {
    if (!this.wanted) return;
    navigator.geolocation.clearWatch(this.#watch);
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#latest = this.#sent = null;
    this.#lock?.release();
    if (this.state !== "denied") this.#become("off");
  }

  /** @param {GeolocationPosition} position */
  #take({ coords, timestamp }) {
    const { latitude: lat, longitude: lng, accuracy, speed, heading } = coords;
    this.#latest = { lat, lng, accuracy, speed, heading: Number.isFinite(heading) ? heading : null, at: timestamp };
    this.#become("on");
    this.#tick();
  }

  #tick() {
    const spot = this.#latest;
    const since = performance.now() - this.#sentAt;
    if (spot && spot !== this.#sent && worthSending(spot, this.#sent, since)) {
      this.#sent = spot;
      this.#sentAt = performance.now();
      this.dispatchEvent(new CustomEvent("spot", { detail: spot }));
    } else if (this.#sent && since > ALIVE_MS && document.visibilityState === "visible") {
      this.#sentAt = performance.now(); // asked once a minute, whatever comes of it
      navigator.geolocation.getCurrentPosition((position) => this.#again(position), () => undefined, { ...OPTIONS, maximumAge: 0 });
    }
  }

  /** @param {GeolocationPosition} position */
  #again(position) {
    if (!this.wanted) return;
    this.#sent = null;
    this.#take(position);
  }

  /** @param {GeolocationPositionError} error */
  #fail(error) {
    if (error.code !== error.PERMISSION_DENIED) return this.#become("searching");
    this.#become("denied");
    this.stop();
  }

  async #stayAwake() {
    if (!this.wanted || this.awake === null || document.visibilityState !== "visible" || this.#lock) return;
    try {
      const lock = await navigator.wakeLock.request("screen");
      if (!this.wanted) return void lock.release();
      this.#lock = lock;
      this.awake = true;
      lock.addEventListener("release", () => {
        this.#lock = null;
        this.awake = false;
        this.dispatchEvent(new Event("state"));
      });
    } catch {
      this.awake = false; // a low battery, or it is not allowed here
    }
    this.dispatchEvent(new Event("state"));
  }

  /** @param {State} state */
  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}
