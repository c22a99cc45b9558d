// @ts-check
// One WebSocket connection to a view. The other transports (sse.js, poll.js) have the same function signature.

/**
 * @typedef {import("./live.js").Frame} Frame
 *
 * @typedef {object} Handlers
 * @property {(frame: Frame) => void} frame
 * @property {() => void} alive a sign of life that is no frame
 * @property {(code: number, reason: string) => void} end called once, also when the connection could not be had;
 *   the codes are those of a WebSocket's close
 *
 * @typedef {object} Connection
 * @property {() => void} close end is not called after this
 * @property {(message: object) => boolean} [say] sends a message; false where it could not
 *
 * @typedef {(view: string, query: URLSearchParams, handlers: Handlers) => Connection} Transport
 */

// The server lets a bounded number of frames and bytes go unacknowledged, and takes a viewer that never
// acknowledges for a plain client. A character of a string is at most three bytes on the way.
const ACK_FRAMES = 16;
const ACK_BYTES = 64 * 1024;
const MOST_BYTES = 3;

/** @type {Transport} */
export function openWebSocket(view, query, handlers) {
  const url = new URL(`/ws/${view}/`, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = query.toString();
  const socket = new WebSocket(url);
  const stop = new AbortController();
  let frames = 0;
  let acknowledged = 0;
  let bytes = 0;

  /** @param {object} message */
  const say = (message) => {
    if (socket.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(message));
    return true;
  };
  /** @param {string} text */
  const receive = (text) => {
    handlers.frame(JSON.parse(text));
    frames += 1;
    bytes += text.length * MOST_BYTES;
    if (frames > 1 && frames - acknowledged < ACK_FRAMES && bytes < ACK_BYTES) return;
    if (!say({ type: "ack", frames })) return;
    acknowledged = frames;
    bytes = 0;
  };
  const listening = { signal: stop.signal };
  socket.addEventListener("open", () => handlers.alive(), listening);
  socket.addEventListener("message", (event) => receive(event.data), listening);
  socket.addEventListener("close", (event) => handlers.end(event.code, event.reason), listening);
  return {
    say,
    close() {
      stop.abort();
      socket.close(1000);
    },
  };
}
