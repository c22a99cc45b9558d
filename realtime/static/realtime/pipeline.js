// @ts-check
// The page of the pipeline: shows the newest overview; what is wrong stands first, is red, and says what to do.
import { ago, brief, count, duration, hourMinute } from "./format.js";
import { connect } from "./live.js";
import { Chartlet, FLOW, LATE } from "./pipelinecharts.js";
import { showState } from "./sight.js";
import { onTheme } from "./theme.js";

/**
 * @typedef {import("./pipelinecharts.js").Point} Point
 * @typedef {"well"|"late"|"sick"} Health
 * @typedef {{topic: string, partition: number, applied: number, lag: number|null}} Partition
 * @typedef {{name: string, role: string, seen: number, stalled: number,
 *   partitions: {topic: string, partition: number, lag: number}[]}} Process
 * @typedef {{p50: number, p95: number, p99: number}|null} Latency
 * @typedef {{id: string, box: string, health: "late"|"sick", says: string}} Problem
 * @typedef {{at: number, workers: {name: string, seen: number}[], partitions: Partition[], processes: Process[],
 *   viewers: Record<string, number>, outbox: {rows: number, oldest_s: number, parked: number}|null,
 *   letters: {open: number, hour: number, reasons: [string, number][]}|null, database: string, kafka: boolean,
 *   redis: {version: string, used: number, maxmemory: number, keeps: boolean},
 *   rates: Record<string, number>, latency: Record<string, Latency>, problems: Problem[]}} Overview
 */

const GONE_MS = 8_000;
const SEEN_MS = 5_000;
const LATE_LAG = 1_000;
const MOST_POINTS = 300;
const BOXES = ["outbox", "kafka", "workers", "redis", "web", "viewers", "letters", "archive", "database"];
/** While Redis is away nobody can tell an overview: the page says so itself. @type {Problem} */
const REDIS_AWAY = { id: "redis-does-not-answer", box: "redis", health: "sick",
  says: "Pages show what they have, marked as old: start Redis, or look at REDIS_URL." };

/** @param {string} id */
const at = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * @param {Element|null} element
 * @param {string} text
 */
function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/**
 * @param {string} id
 * @param {string} figure
 * @param {string} says
 * @param {string} [rate] on the arrow that leads here
 */
function box(id, figure, says, rate = "") {
  write(at(id).querySelector(".figure"), figure);
  write(at(id).querySelector(".says"), says);
  write(at(id).querySelector(".rate"), rate);
}

/**
 * @param {string} id of a table's body
 * @param {{cells: string[], text?: number, health?: Health}[]} rows `text`: how many of the cells are no numbers
 */
function fill(id, rows) {
  const template = /** @type {HTMLTemplateElement} */ (at("row"));
  at(id).replaceChildren(
    ...rows.map(({ cells, text = 1, health = "well" }) => {
      const row = /** @type {HTMLElement} */ (template.content.cloneNode(true)).querySelector("tr");
      const made = /** @type {HTMLTableRowElement} */ (row);
      made.dataset.health = health;
      made.append(
        ...cells.map((content, i) => {
          const cell = document.createElement("td");
          if (i >= text) cell.className = "n";
          cell.textContent = content;
          return cell;
        }),
      );
      return made;
    }),
  );
}

/** @param {Problem[]} problems each keeps its element while it lasts, so that its link can be reached */
function showProblems(problems) {
  const shown = /** @type {HTMLElement[]} */ ([...at("problems").children]);
  const items = problems.map((problem) => {
    const key = `${problem.box} ${problem.id}`;
    const item = shown.find((other) => other.dataset.key === key) ?? newProblem(problem, key);
    item.dataset.health = problem.health;
    write(item.querySelector("span"), problem.says);
    return item;
  });
  if (items.length !== shown.length || items.some((item, i) => item !== shown[i])) at("problems").replaceChildren(...items);
  for (const id of BOXES) {
    const mine = problems.filter((problem) => problem.box === id);
    at(id).dataset.health = mine.some(({ health }) => health === "sick") ? "sick" : mine.length ? "late" : "well";
  }
  const sick = problems.filter(({ health }) => health === "sick").length;
  const verdict = at("verdict");
  verdict.dataset.health = sick ? "sick" : problems.length ? "late" : "well";
  write(verdict, problems.length ? `${problems.length} ${problems.length === 1 ? "thing needs" : "things need"} a look`
    : "Everything runs");
}

/**
 * @param {Problem} problem
 * @param {string} key
 */
function newProblem(problem, key) {
  const template = /** @type {HTMLTemplateElement} */ (at("problem"));
  const made = /** @type {HTMLElement} */ (template.content.cloneNode(true)).querySelector("li");
  const item = /** @type {HTMLElement} */ (made);
  item.dataset.key = key;
  item.dataset.problem = problem.id;
  write(item.querySelector("b"), `${at(problem.box).querySelector("h2")?.textContent}.`);
  const link = /** @type {HTMLAnchorElement} */ (item.querySelector("a"));
  link.setAttribute("href", `${link.getAttribute("href")}#${problem.id}`); // a template's links have no address yet
  link.setAttribute("aria-label", `What to do: ${problem.id.replaceAll("-", " ")}`);
  return item;
}

/** @param {number|undefined} rate */
const perSecond = (rate = 0) => (rate >= 100 ? brief(Math.round(rate)) : String(Math.round(rate * 10) / 10));
/** @param {number} bytes */
const mebibytes = (bytes) => `${count(Math.max(1, Math.round(bytes / 1_048_576)))} MB`;

/** @param {Overview} overview */
export function show(overview) {
  const { at: now, workers, partitions, processes, viewers, outbox, letters, redis, rates, latency } = overview;
  const lag = partitions.reduce((sum, partition) => sum + (partition.lag ?? 0), 0);
  const watching = Object.values(viewers).reduce((sum, n) => sum + n, 0);
  const there = processes.filter((process) => now - process.seen <= GONE_MS);
  /** @param {string} role */
  const running = (role) => there.filter((process) => process.role === role);
  const archived = running("archive").flatMap((process) => process.partitions).reduce((sum, row) => sum + row.lag, 0);
  const applied = rates["live.records_total:applied"];
  const screen = latency.screen;

  box("outbox", outbox ? count(outbox.rows) : "?",
    outbox?.rows ? `saves wait for Kafka, the oldest for ${duration(outbox.oldest_s * 1000)}` : "no save waits for Kafka");
  box("kafka", overview.kafka ? "answers" : "away",
    `${count(new Set(partitions.map(({ topic }) => topic)).size)} topics, ${count(partitions.length)} partitions`,
    perSecond(rates["relay.outbox_published_total"]));
  const reading = workers.filter((worker) => now - worker.seen <= SEEN_MS).length;
  box("workers", count(reading), !reading ? "nobody knows how much waits" // only they hear how far the topics reach
    : lag ? `${count(lag)} records not applied yet` : "everything is applied", perSecond(applied));
  box("redis", mebibytes(redis.used),
    `Redis ${redis.version}, ${redis.keeps ? "kept over a restart" : "kept in memory alone"}`, perSecond(applied));
  box("web", count(running("web").length),
    screen ? `half are told within ${duration(screen.p50 * 1000)}` : "nothing was told in the last minute",
    perSecond(rates["live.pushes_total"]));
  box("viewers", count(watching), "watch right now", perSecond(rates["web.frames_total"]));
  box("letters", letters ? count(letters.open) : "?",
    letters?.reasons.length ? letters.reasons.map(([reason, n]) => `${reason} ${count(n)}`).join(", ")
      : "none came in the last hour");
  box("archive", count(running("archive").length),
    !running("archive").length ? "nobody knows how much waits"
      : archived ? `${count(archived)} records not archived yet` : "everything is archived",
    perSecond(rates["archive.records_total:applied"]));
  box("database", outbox ? "answers" : "away", overview.database, perSecond(rates["archive.records_total:applied"]));
  showProblems(overview.problems);

  fill("views", Object.entries(viewers).map(([view, n]) => ({ cells: [view, count(n)] })));
  fill("latency", [["apply", "applied to Redis"], ["screen", "handed to the screens"], ["work", "of which applying"]]
    .map(([key, name]) => ({ cells: [name, ...percentiles(latency[key])] })));
  fill("processes", processes.map((process) => ({
    text: 3,
    cells: [process.name, process.role, held(process), process.stalled ? `stands still for ${process.stalled} s`
      : now - process.seen <= GONE_MS ? "now" : `${ago(now - process.seen)} ago`],
    health: process.stalled ? "sick" : now - process.seen <= GONE_MS ? "well" : "late",
  })));
  fill("partitions", partitions.map(({ topic, partition, applied, lag }) => ({
    cells: [topic, String(partition), applied < 0 ? "–" : count(applied), lag === null ? "–" : count(lag)],
    health: (lag ?? 0) > LATE_LAG ? "late" : "well",
  })));
}

/** @param {Latency} latency */
const percentiles = (latency) => (latency
  ? [latency.p50, latency.p95, latency.p99].map((seconds) => duration(seconds * 1000)) : ["–", "–", "–"]);

/**
 * "order-updates 0 1 2 3, service-logs 0 1"
 * @param {Process} process
 */
function held({ partitions }) {
  /** @type {Map<string, number[]>} */
  const topics = new Map();
  for (const { topic, partition } of partitions) topics.set(topic, [...(topics.get(topic) ?? []), partition]);
  return [...topics].map(([topic, numbers]) => `${topic} ${numbers.sort((a, b) => a - b).join(" ")}`).join(", ") || "–";
}

/** @type {Point[]} */
let points = [];
const charts = [
  new Chartlet(/** @type {HTMLCanvasElement} */ (at("flow-chart")), FLOW),
  new Chartlet(/** @type {HTMLCanvasElement} */ (at("late-chart")), LATE),
];
onTheme(() => charts.forEach((chart) => chart.recolour()));

/** @param {Overview} overview */
const pointOf = ({ at: now, rates, partitions, latency }) => /** @type {Point} */ ([
  now, rates["live.records_total:applied"] ?? 0, rates["archive.records_total:applied"] ?? 0,
  rates["web.frames_total"] ?? 0, partitions.reduce((sum, row) => sum + (row.lag ?? 0), 0), latency.screen?.p95 ?? null,
]);

function drawHistory() {
  charts.forEach((chart) => chart.draw(points));
  const minutes = points.filter((_, i) => i === points.length - 1 || (points.length - 1 - i) % 30 === 0);
  fill("history", minutes.map(([when, applied, archived, frames, lag, p95]) => ({
    cells: [hourMinute(when), perSecond(applied), perSecond(archived), perSecond(frames), count(lag),
      p95 === null ? "–" : duration(p95 * 1000)],
  })));
}

const live = connect("pipeline");
showState(live);
live.addEventListener("state", () => {
  if (live.status.reason === "Redis does not answer") showProblems([REDIS_AWAY]);
});
for (const type of ["snapshot", "delta"]) {
  live.addEventListener(type, (event) => {
    const { frame } = /** @type {CustomEvent} */ (event).detail;
    if (!frame.overview) return;
    if (frame.history) points = frame.history;
    const next = pointOf(frame.overview);
    if (next[0] > (points.at(-1)?.[0] ?? 0)) points = [...points, next].slice(-MOST_POINTS);
    show(frame.overview);
    drawHistory();
  });
}
