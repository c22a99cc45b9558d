// @ts-check
// The two charts of the pipeline, in the colours of the page; a project without Chart.js has the numbers alone.
import { brief, hourMinuteSecond } from "./format.js";
import { token } from "./theme.js";

/**
 * When (Unix ms), records/s applied and archived, frames/s, records not applied, seconds to the screen (p95).
 * @typedef {[number, number, number, number, number, number|null]} Point
 * @typedef {{label: string, colour: string, dash?: number[], value: (point: Point) => number|null, right?: boolean}} Line
 */

/** Chart.js comes as a classic script. @type {typeof import("chart.js").Chart|undefined} */
const Chart = /** @type {any} */ (globalThis).Chart;

/** @type {Line[]} */
export const FLOW = [
  { label: "applied", colour: "--accent", value: (point) => point[1] },
  { label: "archived", colour: "--fatal", dash: [5, 3], value: (point) => point[2] },
  { label: "frames", colour: "--info", dash: [2, 2], value: (point) => point[3] },
];
/** @type {Line[]} */
export const LATE = [
  { label: "records waiting", colour: "--warn", value: (point) => point[4] },
  { label: "ms to the screen (p95)", colour: "--info", dash: [5, 3], right: true,
    value: (point) => (point[5] === null ? null : Math.round(point[5] * 1000)) },
];

export class Chartlet {
  /** @type {import("chart.js").Chart|undefined} */
  #chart;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Line[]} lines
   */
  constructor(canvas, lines) {
    this.lines = lines;
    if (!Chart) return;
    const axis = { beginAtZero: true, border: { display: false }, suggestedMax: 10,
      ticks: { maxTicksLimit: 4, precision: 0, font: { size: 11 }, callback: (/** @type {any} */ n) => brief(Number(n)) } };
    const right = lines.some((line) => line.right);
    this.#chart = new Chart(canvas, {
      type: "line",
      data: {
        labels: /** @type {string[]} */ ([]),
        datasets: lines.map((line) => ({ label: line.label, data: /** @type {(number|null)[]} */ ([]), pointRadius: 0,
          borderWidth: 2, borderDash: line.dash ?? [], tension: 0, yAxisID: line.right ? "right" : "y" })),
      },
      options: {
        animation: false,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        scales: {
          x: { grid: { display: false }, ticks: { maxRotation: 0, autoSkip: true, maxTicksLimit: 5, font: { size: 11 } } },
          y: { ...axis },
          ...(right ? { right: { ...axis, position: "right", grid: { display: false } } } : {}),
        },
        plugins: { colors: { enabled: false }, legend: { align: "start", labels: { boxWidth: 18, boxHeight: 1, font: { size: 11 } } } },
      },
    });
    this.recolour();
  }

  /** @param {readonly Point[]} points */
  draw(points) {
    const chart = this.#chart;
    if (!chart) return;
    chart.data.labels = points.map((point) => hourMinuteSecond(point[0]));
    this.lines.forEach((line, i) => {
      chart.data.datasets[i].data = points.map(line.value);
    });
    chart.update("none");
  }

  recolour() {
    const chart = this.#chart;
    if (!chart) return;
    this.lines.forEach((line, i) => {
      chart.data.datasets[i].borderColor = token(line.colour);
      chart.data.datasets[i].backgroundColor = token(line.colour);
    });
    for (const scale of Object.values(chart.options.scales ?? {})) {
      if (scale?.ticks) scale.ticks.color = token("--ink-3");
      if (scale?.grid) scale.grid.color = token("--line");
    }
    const labels = chart.options.plugins?.legend?.labels;
    if (labels) labels.color = token("--ink-2");
    chart.update();
  }
}
