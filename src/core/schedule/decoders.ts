/**
 * The sequences that decode, kept so that a step costs what changes in it.
 *
 * They all do the same: one more token each. So there is one counter for all of them, `tick`, and a sequence remembers
 * where it stood when it joined: computed tokens = base + (tick − its tick). What happens at its own time is found
 * without looking at the others:
 *   - who needs a block: one bucket for each remainder of (tick mod blockSize)
 *   - who ends: a heap by the tick of the last token
 *   - the longest context: a heap by base − tick, which does not change while a sequence decodes
 *   - the sum of contexts: grows by the number of sequences each tick; the sum of squares by twice the sum and that number
 */
import { LazyHeap } from './heap.ts';

const OUT = -1;

export class Decoders {
  #blockSize: number;
  #tick = 0;
  #size = 0;
  #sumComputed = 0;
  #sumSquares = 0;
  /** Computed tokens − tick: constant while the row decodes. */
  #offset: Float64Array;
  /** Tick of the last token. */
  #endTick: Float64Array;
  /** Place in its bucket; −1: does not decode. */
  #place: Int32Array;
  #buckets: number[][];
  #ends = new LazyHeap();
  #longest = new LazyHeap();

  constructor(rows: number, blockSize: number) {
    this.#blockSize = blockSize;
    this.#offset = new Float64Array(rows);
    this.#endTick = new Float64Array(rows);
    this.#place = new Int32Array(rows).fill(OUT);
    this.#buckets = Array.from({ length: blockSize }, () => []);
  }

  get size(): number {
    return this.#size;
  }

  has(row: number): boolean {
    return this.#place[row] !== OUT;
  }

  /** Tokens of all of them that are in the cache. */
  get sumComputed(): number {
    return this.#sumComputed;
  }

  /** Σ computed². */
  get sumSquares(): number {
    return this.#sumSquares;
  }

  computed(row: number): number {
    return (this.#offset[row] ?? 0) + this.#tick;
  }

  /** Steps until a row's last token. */
  remaining(row: number): number {
    return (this.#endTick[row] ?? 0) - this.#tick;
  }

  /**
   * @param computed tokens in the cache
   * @param remaining steps until its last token, at least 1
   */
  add(row: number, computed: number, remaining: number): void {
    this.#offset[row] = computed - this.#tick;
    this.#endTick[row] = this.#tick + remaining;
    this.#enter(row);
    this.#size++;
    this.#sumComputed += computed;
    this.#sumSquares += computed * computed;
  }

  remove(row: number): void {
    const computed = this.computed(row);
    this.#sumComputed -= computed;
    this.#sumSquares -= computed * computed;
    this.#size--;
    this.#leave(row);
  }

  /** The row does not take part in this tick: it stands where it stood when the others have moved on. */
  holdBack(row: number): void {
    this.#leave(row);
    this.#sumSquares -= 2 * this.computed(row) - 1;
    this.#offset[row] = (this.#offset[row] ?? 0) - 1;
    this.#endTick[row] = (this.#endTick[row] ?? 0) + 1;
    this.#enter(row);
    this.#sumComputed--;
  }

  /** Rows whose next token is the first of a new block. Belongs to this object; valid until it changes. */
  growing(): number[] {
    return this.#buckets[this.#tick % this.#blockSize] ?? [];
  }

  /** Largest number of computed tokens; 0 when nobody decodes. */
  maxComputed(): number {
    for (;;) {
      const row = this.#longest.topRow;
      if (row < 0) return 0;
      if (this.has(row) && this.#longest.topKey === -(this.#offset[row] ?? 0)) return this.computed(row);
      this.#longest.pop();
    }
  }

  /** Every row computes its token. */
  advance(): void {
    this.#tick++;
    this.#sumSquares += 2 * this.#sumComputed + this.#size;
    this.#sumComputed += this.#size;
  }

  /** Appends to `rows` those whose last token was just computed; they still have to be removed. */
  collectEnded(rows: number[]): void {
    while (this.#ends.topKey <= this.#tick) {
      const row = this.#ends.topRow;
      const current = this.has(row) && this.#endTick[row] === this.#ends.topKey;
      this.#ends.pop();
      // A row that left and came back may stand here twice; equal entries come out one behind the other.
      if (current && rows[rows.length - 1] !== row) rows.push(row);
    }
  }

  #enter(row: number): void {
    const bucket = this.#bucketOf(row);
    this.#place[row] = bucket.length;
    bucket.push(row);
    this.#ends.push(this.#endTick[row] ?? 0, row);
    this.#longest.push(-(this.#offset[row] ?? 0), row);
  }

  #leave(row: number): void {
    const bucket = this.#bucketOf(row);
    const place = this.#place[row] ?? 0;
    const last = bucket.pop();
    if (last !== undefined && last !== row) {
      bucket[place] = last;
      this.#place[last] = place;
    }
    this.#place[row] = OUT;
  }

  /** Its computed tokens are a multiple of the block size when tick ≡ −offset. */
  #bucketOf(row: number): number[] {
    const remainder = -(this.#offset[row] ?? 0) % this.#blockSize;
    return this.#buckets[remainder < 0 ? remainder + this.#blockSize : remainder] ?? [];
  }
}
