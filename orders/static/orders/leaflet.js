// @ts-check
// Leaflet is served as a classic script that sets the global L: this is the one place that takes it from there.

export const L = /** @type {typeof import("leaflet")} */ (Reflect.get(globalThis, "L"));
