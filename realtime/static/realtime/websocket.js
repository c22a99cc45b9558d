// @ts-check
// One WebSocket connection to a view. Another transport needs only the same function signature.

/**
 * @typedef {object} Handlers
 * @property {(text: string) => void} frame
 * @property {(code: number, reason: string) => void} end called once, also when the connection could not be had
 *
 * @typedef {object} Connection
 * @property {() => void} close end is not called after this
 *
 * @typedef {(view: string, query: URLSearchParams, handlers: Handlers) => Connection} Transport
 */

// The server lets a bounded number of frames go unacknowledged, and takes a viewer that never acknowledges
// for a plain client.
const ACK_FRAMES = 16;
const ACK_CHARACTERS = 32 * 1024;

/** @type {Transport} */
export function openWebSocket(view, query, handlers) {
  const url = new URL(`/ws/${view}/`, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = query.toString();
  const socket = new WebSocket(url);
  const stop = new AbortController();
  let frames = 0;
  let acknowledged = 0;
  let characters = 0;

  /** @param {string} text */
  const receive = (text) => {
    handlers.frame(text);
    frames += 1;
    characters += text.length;
    if (socket.readyState !== WebSocket.OPEN) return;
    if (frames === 1 || frames - acknowledged >= ACK_FRAMES || characters >= ACK_CHARACTERS) {
      socket.send(JSON.stringify({ type: "ack", frames }));
      acknowledged = frames;
      characters = 0;
    }
  };
  const listening = { signal: stop.signal };
  socket.addEventListener("message", (event) => receive(event.data), listening);
  socket.addEventListener("close", (event) => handlers.end(event.code, event.reason), listening);
  return {
    close() {
      stop.abort();
      socket.close(1000);
    },
  };
}
