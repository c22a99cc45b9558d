// @ts-check
// The doughnut and the histogram, in the colours of the page.
import { count, hourMinute, hourMinuteSecond } from "../realtime/format.js";
import { token } from "../realtime/theme.js";
import { LEVELS } from "./counts.js";

/**
 * @typedef {import("./counts.js").Totals} Totals
 * @typedef {import("./counts.js").Span} Span
 */

/** Chart.js comes as a classic script. @type {typeof import("chart.js").Chart} */
const Chart = /** @type {any} */ (globalThis).Chart;

/** Seconds between two times that are written out: at most six of them fit on a phone. */
const LABEL_STEPS = [60, 180, 600];

/** @param {string} level */
const colour = (level) => token(`--${level.toLowerCase()}`);

/** @param {string} level what is usual steps back, so that what is not stands out */
const barColour = (level) => colour(level) + (["WARN", "ERROR", "FATAL"].includes(level) ? "" : "99");

export class Doughnut {
  #chart;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#chart = new Chart(canvas, {
      type: "doughnut",
      data: { labels: [...LEVELS], datasets: [{ data: LEVELS.map(() => 0), borderWidth: 1 }] },
      options: {
        animation: false,
        responsive: false,
        cutout: "70%",
        plugins: {
          colors: { enabled: false },
          legend: { display: false },
          tooltip: { displayColors: false, callbacks: { label: (item) => count(Number(item.raw)) } },
        },
      },
    });
    this.recolour();
  }

  /** @param {Totals} totals */
  draw(totals) {
    this.#chart.data.datasets[0].data = LEVELS.map((level) => totals[level]);
    this.#chart.update("none");
  }

  recolour() {
    const [ring] = this.#chart.data.datasets;
    ring.backgroundColor = LEVELS.map(colour);
    ring.borderColor = token("--surface");
    this.#chart.update("none");
  }
}

export class Histogram {
  #chart;
  /** @type {Span} */
  #span = { from: 0, width: 1, bars: 0 };

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#chart = new Chart(canvas, {
      type: "bar",
      data: {
        labels: /** @type {string[]} */ ([]),
        datasets: LEVELS.map((level) => ({
          label: level,
          data: /** @type {number[]} */ ([]),
          categoryPercentage: 1,
          barPercentage: 0.86,
        })),
      },
      options: {
        animation: false,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        layout: { padding: { top: 14 } },
        scales: {
          x: { stacked: true, grid: { display: false }, border: { display: false },
            ticks: { maxRotation: 0, autoSkip: false, font: { size: 11 }, padding: 2,
              callback: (_, index) => this.#label(index) } },
          y: { stacked: true, beginAtZero: true, border: { display: false }, grid: { drawTicks: false },
            ticks: { maxTicksLimit: 3, precision: 0, mirror: true, padding: 2, labelOffset: -6, font: { size: 10 },
              callback: (value) => (value === 0 ? "" : count(Number(value))) } },
        },
        plugins: {
          colors: { enabled: false },
          legend: { display: false },
          tooltip: {
            filter: (item) => Number(item.raw) > 0,
            callbacks: {
              title: ([item]) => (item ? this.#title(item.dataIndex) : ""),
              label: (item) => ` ${item.dataset.label} ${count(Number(item.raw))}`,
            },
          },
        },
      },
    });
    this.recolour();
  }

  /**
   * @param {Span} span
   * @param {readonly Totals[]} bars
   */
  draw(span, bars) {
    this.#span = span;
    const { data } = this.#chart;
    data.labels = bars.map((_, index) => String(index));
    LEVELS.forEach((level, index) => {
      data.datasets[index].data = bars.map((bar) => bar[level]);
    });
    this.#chart.update("none");
  }

  recolour() {
    const { data, options } = this.#chart;
    LEVELS.forEach((level, index) => {
      data.datasets[index].backgroundColor = barColour(level);
    });
    for (const axis of [options.scales?.x, options.scales?.y]) {
      if (axis?.ticks) axis.ticks.color = token("--ink-3");
      if (axis?.grid) axis.grid.color = token("--line");
    }
    this.#chart.update(); // "none" would keep the colours that the bars were made with
  }

  /**
   * Unix seconds at which a bar begins.
   * @param {number} bar
   */
  #start(bar) {
    return this.#span.from + bar * this.#span.width;
  }

  /**
   * The time under a bar: at round times only, and not where the edge would cut it.
   * @param {number} bar
   */
  #label(bar) {
    const step = LABEL_STEPS.find((seconds) => this.#span.bars * this.#span.width <= 6 * seconds) ?? 0;
    const fits = bar > this.#span.bars * 0.03 && bar < this.#span.bars * 0.95;
    return fits && this.#start(bar) % step === 0 ? hourMinute(this.#start(bar) * 1000) : "";
  }

  /** @param {number} bar */
  #title(bar) {
    const from = this.#start(bar) * 1000;
    return `${hourMinuteSecond(from)} to ${hourMinuteSecond(from + this.#span.width * 1000)}`;
  }
}
