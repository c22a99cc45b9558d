// @ts-check
// What sse.js and poll.js share: a request for a view, and its refusal in the words of a WebSocket's close.

/** @typedef {{code: number, reason: string}} Ending */

/** Nobody said anything that we understand. @type {Ending} */
export const LOST = { code: 1006, reason: "" };

/**
 * Asks for a view and lets `read` take the answer in; how that ended goes to `end`, but for a close of ours.
 * @param {URL} url
 * @param {string} type the content type that the answer must have: a portal or a proxy may say 200, too
 * @param {AbortSignal} signal
 * @param {(response: Response) => Promise<Ending|null>} read null: it went well, and may go on
 * @returns {Promise<Ending|null>}
 */
export async function request(url, type, signal, read) {
  try {
    const response = await fetch(url, { headers: { accept: type }, cache: "no-store", signal });
    if (!response.ok) return refusal(response.status, await bodyOf(response), response.headers.get("retry-after"));
    if (!response.headers.get("content-type")?.startsWith(type)) return LOST;
    return await read(response);
  } catch {
    return LOST;
  }
}

/** @param {Response} response */
async function bodyOf(response) {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

/**
 * A refusal that is ours names its code. Of one that is not we only believe that there are too many of us, or that
 * the server is coming back: a proxy's 403 may be about the transport, not about who we are.
 * @param {number} status
 * @param {any} body
 * @param {string|null} retryAfter seconds
 * @returns {Ending}
 */
export function refusal(status, body, retryAfter) {
  const wait = /^\d+$/.test(retryAfter ?? "") ? `retry=${Number(retryAfter) * 1000}` : "";
  if (Number.isInteger(body?.code)) {
    const reason = String(body.reason ?? "");
    return { code: body.code, reason: /\bretry=\d/.test(reason) ? reason : `${reason} ${wait}`.trim() };
  }
  if (status === 429) return { code: 4429, reason: wait };
  return status === 503 && wait ? { code: 1012, reason: wait } : LOST;
}
