// @ts-check
// A view by long polling: asks, gets what is new as soon as there is something, and asks again.
import { request } from "./http.js";

/** Not more often than this: a busy view would else be asked for with every push. */
const SPACING_MS = 250;
/** @type {import("./websocket.js").Transport} */
export function openPolling(view, query, handlers) {
  const url = new URL(`/poll/${view}/`, location.href);
  url.search = query.toString();
  // Between two polls the server keeps a place for us, by what we ask for: one that an earlier connection left, or
  // another tab, would tell us nothing before there is news.
  url.searchParams.set("visit", Math.random().toString(36).slice(2));
  const stop = new AbortController();

  /** @param {Response} response */
  const read = async (response) => {
    const { cursor, frames, retry } = await response.json();
    if (stop.signal.aborted) return null;
    handlers.alive();
    for (const frame of frames) {
      handlers.frame(frame);
      if (stop.signal.aborted) return null;
    }
    if (cursor) url.searchParams.set("cursor", cursor);
    return retry === undefined ? null : { code: 1012, reason: `retry=${retry}` };
  };
  const poll = async () => {
    while (!stop.signal.aborted) {
      const asked = performance.now();
      const ending = await request(url, "application/json", stop.signal, read);
      if (stop.signal.aborted) return;
      if (ending) return handlers.end(ending.code, ending.reason);
      await wait(asked + SPACING_MS - performance.now(), stop.signal);
    }
  };
  void poll();
  return { close: () => stop.abort() };
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function wait(ms, signal) {
  return new Promise((resolve) => {
    if (ms <= 0) return resolve();
    setTimeout(resolve, ms);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
