// @ts-check
// The page of the pipeline: shows the newest overview; what is sick is red and says what to do.
import { ago } from "./format.js";
import { connect } from "./live.js";
import { showState } from "./sight.js";

/**
 * @typedef {{topic: string, partition: number, applied: number, lag: number|null}} Partition
 * @typedef {{name: string, seen: number}} Worker
 * @typedef {{at: number, workers: Worker[], partitions: Partition[], viewers: Record<string, number>, outbox: number,
 *   dead_letters: number}} Overview
 * @typedef {"well"|"late"|"sick"} Health
 */

/** A worker shows itself every second. */
const GONE_MS = 5_000;
const LATE = 1_000;
const WAITING = 100;
const number = new Intl.NumberFormat("en");

/** @param {string} id */
const at = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * @param {string} id
 * @param {string} figure
 * @param {string} says
 * @param {Health} health
 */
function box(id, figure, says, health) {
  const place = at(id);
  /** @type {HTMLElement} */ (place.querySelector(".figure")).textContent = figure;
  /** @type {HTMLElement} */ (place.querySelector(".says")).textContent = says;
  place.dataset.health = health;
}

/**
 * @param {string} id of a table's body
 * @param {{cells: string[], health?: Health}[]} rows
 */
function fill(id, rows) {
  const template = /** @type {HTMLTemplateElement} */ (at("row"));
  at(id).replaceChildren(
    ...rows.map(({ cells, health = "well" }) => {
      const row = /** @type {HTMLElement} */ (template.content.cloneNode(true)).querySelector("tr");
      const made = /** @type {HTMLTableRowElement} */ (row);
      made.dataset.health = health;
      made.append(
        ...cells.map((text, i) => {
          const cell = document.createElement("td");
          if (i) cell.className = "n";
          cell.textContent = text;
          return cell;
        }),
      );
      return made;
    }),
  );
}

/** @param {Overview} overview */
export function show({ at: now, workers, partitions, viewers, outbox, dead_letters: letters }) {
  const living = workers.filter((worker) => now - worker.seen <= GONE_MS);
  const lag = partitions.reduce((sum, partition) => sum + (partition.lag ?? 0), 0);
  const watching = Object.values(viewers).reduce((sum, n) => sum + n, 0);

  box("outbox", number.format(outbox),
    outbox > WAITING ? "saves wait for Kafka: is `manage.py relay_outbox` running, and Kafka?" : "saves that wait for Kafka",
    outbox > WAITING ? "late" : "well");
  box("lag", number.format(lag),
    lag > LATE ? "records not applied yet: start another worker if this grows" : "records not applied yet",
    lag > LATE ? "late" : "well");
  box("workers", number.format(living.length),
    living.length ? "read the topics into Redis" : "Nobody reads the topics: start `manage.py consume_kafka --group live`",
    living.length ? "well" : "sick");
  box("viewers", number.format(watching), "watch right now", "well");

  at("letters").hidden = letters === 0;
  /** @type {HTMLElement} */ (at("letters").querySelector("b")).textContent =
    `${number.format(letters)} ${letters === 1 ? "record" : "records"}`;
  fill("views", Object.entries(viewers).map(([view, n]) => ({ cells: [view, number.format(n)] })));
  fill("worker-rows", workers.map((worker) => ({
    cells: [worker.name, now - worker.seen <= GONE_MS ? "now" : `${ago(now - worker.seen)} ago`],
    health: now - worker.seen <= GONE_MS ? "well" : "late",
  })));
  fill("partitions", partitions.map(({ topic, partition, applied, lag }) => ({
    cells: [topic, String(partition), applied < 0 ? "–" : number.format(applied), lag === null ? "–" : number.format(lag)],
    health: (lag ?? 0) > LATE ? "late" : "well",
  })));
}

const live = connect("pipeline");
showState(live);
for (const type of ["snapshot", "delta"]) {
  live.addEventListener(type, (event) => {
    const { frame } = /** @type {CustomEvent} */ (event).detail;
    if (frame.overview) show(frame.overview);
  });
}
