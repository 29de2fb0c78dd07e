/**
 * The sequences that decode, kept so that a step costs what changes in it.
 *
 * They all do the same: one more token each. So there is one counter for all of them, `tick`, and a sequence remembers
 * where it stood when it joined: computed tokens = base + (tick − its tick). What happens at its own time is found
 * without looking at the others:
 *   - who needs a block, or has one that left its window: one bucket for each remainder of (tick mod period), the period
 *     being a block's tokens
 *   - who ends: a heap by the tick of the last token
 *   - the longest context: a heap by base − tick, which does not change while a sequence decodes
 *   - the sum of contexts: grows by the number of sequences each tick; the sum of squares by twice the sum and that number
 */
import type { TickPhase } from '../kv/block-groups.ts';
import { LazyHeap } from './heap.ts';
import { TickRing } from './tick-ring.ts';

const NOBODY: readonly number[] = [];

export class Decoders {
  #phases: readonly TickPhase[];
  /** One for each period of the phases. */
  #rings: readonly TickRing[];
  #ringOf: readonly TickRing[];
  #leaves: boolean;
  /**
   * Where blocks can leave: rows that began to decode since the last tick, or stood still in it. What left a window of
   * theirs was not looked at yet.
   */
  #unseen: number[] = [];
  #heldBack: number[] = [];
  #tick = 0;
  #size = 0;
  #sumComputed = 0;
  #sumSquares = 0;
  /** Computed tokens − tick: constant while the row decodes. */
  #offset: Float64Array;
  /** Tick of the last token. */
  #endTick: Float64Array;
  #ends = new LazyHeap();
  #longest = new LazyHeap();

  /** @param phases when a row's blocks change: tokens of a block stand for “each time one is full” */
  constructor(rows: number, phases: number | readonly TickPhase[]) {
    this.#phases = typeof phases === 'number' ? [{ period: phases, remainder: 0, leaves: false }] : phases;
    this.#leaves = this.#phases.some(({ leaves }) => leaves);
    const periods = [...new Set(this.#phases.map(({ period }) => period))];
    // A row stands in a ring even when nothing ever happens to its blocks: that is how it is known to decode.
    this.#rings = (periods.length > 0 ? periods : [1]).map((period) => new TickRing(rows, period));
    this.#ringOf = this.#phases.flatMap(({ period }) => this.#rings[periods.indexOf(period)] ?? []);
    this.#offset = new Float64Array(rows);
    this.#endTick = new Float64Array(rows);
  }

  get size(): number {
    return this.#size;
  }

  has(row: number): boolean {
    return this.#rings[0]?.has(row) === true;
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
    if (this.#leaves) this.#unseen.push(row);
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
    if (this.#leaves) this.#heldBack.push(row);
    this.#sumComputed--;
  }

  /**
   * Rows whose blocks may change with their next token: it is the first of a new block, a block has left a window, or the
   * row has just begun to decode. Belongs to this object; valid until it changes.
   */
  changing(): readonly number[] {
    const [phase, ...more] = this.#phases;
    if (!phase) return NOBODY;
    if (more.length === 0 && !this.#leaves)
      return this.#ringOf[0]?.at(this.#tick - phase.remainder) ?? NOBODY;
    const rows = new Set(this.#unseen.filter((row) => this.has(row)));
    this.#phases.forEach(({ remainder }, i) => {
      for (const row of this.#ringOf[i]?.at(this.#tick - remainder) ?? NOBODY) rows.add(row);
    });
    return [...rows];
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
    if (this.#leaves) [this.#unseen, this.#heldBack] = [this.#heldBack, []];
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
    const offset = this.#offset[row] ?? 0;
    // Its computed tokens are 0 modulo the period when tick ≡ −offset.
    for (const ring of this.#rings) ring.add(row, -offset);
    this.#ends.push(this.#endTick[row] ?? 0, row);
    this.#longest.push(-offset, row);
  }

  #leave(row: number): void {
    for (const ring of this.#rings) ring.remove(row, -(this.#offset[row] ?? 0));
  }
}
