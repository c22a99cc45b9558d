// @ts-check
// The doughnut and the histogram, in the colours of the page.
import { count, hourMinute, hourMinuteSecond } from "../realtime/format.js";
import { token } from "../realtime/theme.js";
import { LEVELS } from "./counts.js";
import { Marks } from "./marks.js";

/**
 * @typedef {import("./counts.js").Totals} Totals
 * @typedef {import("./counts.js").Span} Span
 */

/** Chart.js comes as a classic script. @type {typeof import("chart.js").Chart} */
const Chart = /** @type {any} */ (globalThis).Chart;

/** Seconds between two times that are written out: at most six of them fit on a phone. */
const LABEL_STEPS = [10, 60, 180, 600, 3_600, 14_400];

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
  #marks = new Marks();

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#chart = new Chart(canvas, {
      type: "bar",
      data: {
        labels: /** @type {string[]} */ ([]),
        datasets: LEVELS.map((level) => ({
          label: level,
          data: /** @type {number[]} */ ([]),
          hidden: true,
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
      plugins: [this.#marks],
    });
    this.recolour();
  }

  /** What is shown. @returns {Span} */
  get span() {
    return this.#marks.span;
  }

  /**
   * @param {Span} span
   * @param {readonly Totals[]} bars
   * @param {import("./marks.js").Hatched|null} hatched where counts are incomplete
   */
  draw(span, bars, hatched) {
    [this.#marks.span, this.#marks.hatched] = [span, hatched];
    const { data } = this.#chart;
    data.labels = bars.map((_, index) => String(index));
    LEVELS.forEach((level, index) => {
      const dataset = data.datasets[index];
      dataset.data = bars.map((bar) => bar[level]);
      dataset.hidden = !bars.some((bar) => bar[level]);
    });
    this.#chart.update("none");
  }

  /**
   * @param {import("./marks.js").Chosen|null} chosen
   */
  mark(chosen) {
    this.#marks.chosen = chosen;
    this.#chart.draw();
  }

  /**
   * The time at a place on the canvas, in unix seconds.
   * @param {number} x
   */
  second(x) {
    return this.#marks.second(this.#chart, x);
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
    return this.span.from + bar * this.span.width;
  }

  /**
   * The time under a bar: at round times only, and not where the edge would cut it.
   * @param {number} bar
   */
  #label(bar) {
    const { bars, width } = this.span;
    const step = LABEL_STEPS.find((seconds) => bars * width <= 6 * seconds) ?? 0;
    const fits = bar > bars * 0.03 && bar < bars * 0.95;
    const worded = step < 60 ? hourMinuteSecond : hourMinute;
    return fits && this.#start(bar) % step === 0 ? worded(this.#start(bar) * 1000) : "";
  }

  /** @param {number} bar */
  #title(bar) {
    const from = this.#start(bar) * 1000;
    return `${hourMinuteSecond(from)} to ${hourMinuteSecond(from + this.span.width * 1000)}`;
  }
}
