/** Rows by a remainder: one bucket for each, so that all rows of a remainder are found without a look at the others. */

const OUT = -1;

export class TickRing {
  readonly #period: number;
  readonly #buckets: number[][];
  /** Place in its bucket; −1: in none. */
  readonly #place: Int32Array;

  constructor(rows: number, period: number) {
    this.#period = period;
    this.#buckets = Array.from({ length: period }, () => []);
    this.#place = new Int32Array(rows).fill(OUT);
  }

  has(row: number): boolean {
    return this.#place[row] !== OUT;
  }

  /** Rows that stand at `value` modulo the period. Valid until one enters or leaves. */
  at(value: number): readonly number[] {
    return this.#bucket(value);
  }

  add(row: number, value: number): void {
    const bucket = this.#bucket(value);
    this.#place[row] = bucket.length;
    bucket.push(row);
  }

  /** @param value as it was added, or any number congruent to it */
  remove(row: number, value: number): void {
    const bucket = this.#bucket(value);
    const place = this.#place[row] ?? 0;
    const last = bucket.pop();
    if (last !== undefined && last !== row) {
      bucket[place] = last;
      this.#place[last] = place;
    }
    this.#place[row] = OUT;
  }

  #bucket(value: number): number[] {
    const remainder = value % this.#period;
    return this.#buckets[remainder < 0 ? remainder + this.#period : remainder] ?? [];
  }
}
