// @ts-check
// A view as server-sent events. Read with fetch, since an EventSource tells neither why it was refused nor whether
// the server ended an answer (which it does now and then, for good reason) or something on the way cut it.
import { LOST, request } from "./http.js";

/** @typedef {{event: string, data: string}} Message */

/** An event stream's text, piece by piece, into its messages (pure). */
export class EventParser {
  /** what the server last said about coming back, in ms @type {number|null} */
  retry = null;
  #rest = "";
  #event = "";
  /** @type {string[]} */
  #data = [];

  /**
   * @param {string} text
   * @returns {Message[]}
   */
  take(text) {
    const lines = (this.#rest + text).split(/\r?\n/);
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.#line(line));
  }

  /**
   * @param {string} line
   * @returns {Message[]}
   */
  #line(line) {
    if (!line) {
      const message = { event: this.#event || "message", data: this.#data.join("\n") };
      const any = this.#data.length > 0;
      [this.#event, this.#data] = ["", []];
      return any ? [message] : [];
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#event = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
    return [];
  }
}

/** @type {import("./websocket.js").Transport} */
export function openEvents(view, query, handlers) {
  const url = new URL(`/sse/${view}/`, location.href);
  url.search = query.toString();
  const stop = new AbortController();

  /** @param {Response} response */
  const read = async (response) => {
    const parser = new EventParser();
    const decoder = new TextDecoder();
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    let frames = 0;
    for (;;) {
      const { done, value } = await reader.read();
      // Ended in an orderly way after it brought something: we are to come again.
      if (done) return frames ? { code: 1012, reason: `retry=${parser.retry ?? 0}` } : LOST;
      handlers.alive();
      for (const { event, data } of parser.take(decoder.decode(value, { stream: true }))) {
        if (stop.signal.aborted) return null;
        if (event === "close") return /** @type {import("./http.js").Ending} */ (JSON.parse(data));
        handlers.frame(JSON.parse(data));
        frames += 1;
      }
    }
  };
  void request(url, "text/event-stream", stop.signal, read).then((ending) => {
    if (ending && !stop.signal.aborted) handlers.end(ending.code, ending.reason);
  });
  return { close: () => stop.abort() };
}
