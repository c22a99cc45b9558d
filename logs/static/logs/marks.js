// @ts-check
// What is drawn over the bars: where counts are incomplete, and the time that is chosen.
import { token } from "../realtime/theme.js";

/** @typedef {{from: number, to: number, word: string}} Hatched unix seconds, and why */
/** @typedef {{from: number, to: number}} Chosen unix seconds */

const STRIPE = 6;

/** A plugin of Chart.js for charts whose bars are a span of time. */
export class Marks {
  id = "marks";
  /** @type {import("./counts.js").Span} */
  span = { from: 0, width: 1, bars: 1 };
  /** @type {Hatched|null} */
  hatched = null;
  /** @type {Chosen|null} */
  chosen = null;

  /** @param {import("chart.js").Chart} chart */
  afterDatasetsDraw(chart) {
    if (this.hatched) this.#hatch(chart, this.hatched);
    if (this.chosen) this.#choose(chart, this.chosen);
  }

  /**
   * Where a time stands on the canvas.
   * @param {import("chart.js").Chart} chart
   * @param {number} second
   */
  x({ chartArea: { left, right } }, second) {
    const { from, width, bars } = this.span;
    return left + Math.max(0, Math.min(1, (second - from) / (width * bars))) * (right - left);
  }

  /**
   * The time at a place on the canvas.
   * @param {import("chart.js").Chart} chart
   * @param {number} x
   */
  second({ chartArea: { left, right } }, x) {
    const { from, width, bars } = this.span;
    return from + Math.max(0, Math.min(1, (x - left) / (right - left))) * width * bars;
  }

  /**
   * @param {import("chart.js").Chart} chart
   * @param {Hatched} hatched
   */
  #hatch(chart, { from, to, word }) {
    const { ctx, chartArea: { top, bottom } } = chart;
    const [left, right] = [this.x(chart, from), this.x(chart, to)];
    if (right - left < 1) return;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, right - left, bottom - top);
    ctx.clip();
    ctx.strokeStyle = token("--line-strong");
    ctx.beginPath();
    const height = bottom - top;
    for (let x = left - height; x < right; x += STRIPE) {
      ctx.moveTo(x, bottom);
      ctx.lineTo(x + height, top);
    }
    ctx.stroke();
    ctx.font = `11px ${getComputedStyle(chart.canvas).fontFamily}`;
    const width = ctx.measureText(word).width + 10;
    if (width < right - left) {
      ctx.fillStyle = token("--surface");
      ctx.fillRect((left + right - width) / 2, top + 4, width, 16);
      ctx.fillStyle = token("--ink-2");
      ctx.textAlign = "center";
      ctx.fillText(word, (left + right) / 2, top + 16);
    }
    ctx.restore();
  }

  /**
   * @param {import("chart.js").Chart} chart
   * @param {Chosen} chosen
   */
  #choose(chart, { from, to }) {
    const { ctx, chartArea: { top, bottom } } = chart;
    const [left, right] = [this.x(chart, from), this.x(chart, to)];
    ctx.save();
    ctx.globalAlpha = 0.18;
    ctx.fillStyle = token("--accent");
    ctx.fillRect(left, top, right - left, bottom - top);
    ctx.globalAlpha = 1;
    ctx.strokeStyle = token("--accent");
    ctx.strokeRect(left + 0.5, top + 0.5, Math.max(1, right - left - 1), bottom - top - 1);
    ctx.restore();
  }
}
