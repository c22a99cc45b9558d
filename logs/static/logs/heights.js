// @ts-check
// How high each of many rows is, and so where each of them lies (pure). Sums are kept by chunk.

const CHUNK = 256;

/** @param {readonly number[]} heights */
const sum = (heights) => heights.reduce((all, height) => all + height, 0);

export class Heights {
  total = 0;
  length = 0;
  /** @type {{heights: number[], sum: number}[]} */
  #chunks = [];

  clear() {
    this.#chunks = [];
    this.total = this.length = 0;
  }

  /** @param {number} height */
  push(height) {
    let chunk = this.#chunks.at(-1);
    if (!chunk || chunk.heights.length >= CHUNK) this.#chunks.push((chunk = { heights: [], sum: 0 }));
    chunk.heights.push(height);
    chunk.sum += height;
    this.total += height;
    this.length += 1;
  }

  /**
   * Lets the first rows go.
   * @param {number} count
   */
  dropFirst(count) {
    for (let left = Math.min(count, this.length); left > 0; ) {
      const [chunk] = this.#chunks;
      const gone = chunk.heights.splice(0, left);
      chunk.sum -= sum(gone);
      this.total -= sum(gone);
      this.length -= gone.length;
      left -= gone.length;
      if (!chunk.heights.length) this.#chunks.shift();
    }
  }

  /**
   * @param {number} index
   * @param {number} height
   */
  set(index, height) {
    for (const chunk of this.#chunks) {
      if (index < chunk.heights.length) {
        const more = height - chunk.heights[index];
        chunk.heights[index] = height;
        chunk.sum += more;
        this.total += more;
        return;
      }
      index -= chunk.heights.length;
    }
  }

  /**
   * Where a row begins; of one past the end, the end.
   * @param {number} index
   */
  offsetOf(index) {
    let offset = 0;
    for (const chunk of this.#chunks) {
      if (index < chunk.heights.length) return offset + sum(chunk.heights.slice(0, index));
      index -= chunk.heights.length;
      offset += chunk.sum;
    }
    return offset;
  }

  /**
   * The row that lies at an offset: the first for one before all, the last for one past all.
   * @param {number} offset
   */
  indexAt(offset) {
    let index = 0;
    for (const chunk of this.#chunks) {
      if (offset >= chunk.sum) {
        offset -= chunk.sum;
        index += chunk.heights.length;
        continue;
      }
      for (const height of chunk.heights) {
        if (offset < height) return index;
        offset -= height;
        index += 1;
      }
    }
    return Math.max(0, index - 1);
  }
}
