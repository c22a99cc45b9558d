// @ts-check
// The line of sight under the bar and the words beside it: they say how live a page is, and the same thing both.
import { ago, duration } from "./format.js";
import { say } from "./say.js";

/** @typedef {import("./live.js").Status} Status */

/** Nothing new for longer than this is worth saying. */
const QUIET_MS = 5_000;

/**
 * What the page says: a strong word, a detail that may tick, and the detail for where there is little room.
 * @param {Status} status
 * @param {number} now Date.now
 * @param {boolean} [reasons] whether who looks can make something of why the server does not vouch for what is shown
 * @returns {[string, string, string]}
 */
export function words(status, now, reasons = true) {
  const { state, behind, reason = "" } = status;
  const last = status.news ?? status.since;
  const old = last === null ? say("nothing received yet") : say("last update {ago} ago", ago(now - last));
  const shortOld = last === null ? "" : say("{ago}", ago(now - last));
  if (state === "connecting") return [say("Connecting"), reasons ? reason : "", ""];
  if (state === "asleep") return [say("Paused"), say("until this page is seen again"), ""];
  if (state === "lost") return [say("Reconnecting"), old, shortOld];
  if (state === "closed") return [say("Closed"), say(reason) || old, say(reason) || shortOld];
  if (state === "lagging") {
    const by = behind === null ? "" : say("{ago}", duration(behind));
    return [say("Behind"), (reasons && reason) || by || old, by || shortOld];
  }
  const quiet = status.news === null ? 0 : now - status.news;
  if (quiet > QUIET_MS) return [say("Live"), say("quiet for {ago}", ago(quiet)), ""];
  if (behind === null) return [say("Live"), "", ""];
  return [say("Live"), say("{ago} behind", duration(behind)), say("{ago}", duration(behind))];
}

/** For whoever wonders why a page is slower than others. @type {Record<Status["transport"], string>} */
const VIA = { websocket: "", sse: "over server-sent events", poll: "over long polling" };
/** @type {Record<Status["state"], string>} */
const SPOKEN = {
  connecting: "Connecting",
  live: "Live",
  lagging: "Behind: what is shown is not current",
  lost: "Connection lost, reconnecting",
  asleep: "Paused",
  closed: "Closed",
};

/**
 * Drives .sight and .state of this page. The ticking words are hidden from screen readers; a twin that only
 * changes with the state is what they speak.
 * @param {import("./live.js").Live} live
 * @param {boolean} [reasons] see words
 */
export function showState(live, reasons = true) {
  const line = document.querySelector(".sight");
  const place = document.querySelector(".state");
  if (!(line instanceof HTMLElement) || !(place instanceof HTMLElement)) return;
  const shown = document.createElement("span");
  const strong = document.createElement("b");
  const detail = document.createElement("span");
  const short = document.createElement("span");
  const spoken = document.createElement("span");
  shown.ariaHidden = "true";
  shown.append(strong, detail, short);
  detail.className = "detail";
  short.className = "short";
  spoken.className = "hush";
  place.setAttribute("role", "status");
  place.replaceChildren(shown, spoken);

  const write = () => {
    const { status } = live;
    const [word, more, less] = words(status, Date.now(), reasons);
    line.dataset.state = place.dataset.state = status.state;
    setText(strong, word);
    setText(detail, more && ` · ${more}`);
    setText(short, less && ` · ${less}`);
    setText(spoken, status.state === "closed" && status.reason ? say(status.reason) : say(SPOKEN[status.state]));
    place.title = [more, say(VIA[status.transport])].filter(Boolean).join(" · ");
  };
  let state = "";
  live.addEventListener("state", () => {
    if (state !== live.status.state) write();
    state = live.status.state;
  });
  setInterval(write, 1_000);
  write();
}

/**
 * @param {HTMLElement} element
 * @param {string} text
 */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
