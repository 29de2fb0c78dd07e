/**
 * What lies in the tiers below the GPU's memory, step by step: which texts, by the ids of their blocks.
 *
 * Written as differences: a text comes to a tier, a text leaves it. A text counts from the moment its copy begins, so some
 * of what is counted is still on its way. The reader walks forwards and backwards over the differences, so that a step
 * next to the one before it costs what happened between them.
 */
import { bytes, ints } from './recorder-columns.ts';

export interface StoreEvents {
  /** 0 for the fastest tier. */
  readonly tier: Uint8Array;
  readonly id: Int32Array;
  /** 1: the text came; 0: it left. */
  readonly came: Uint8Array;
  /** Events up to each step's end. */
  readonly stepEnd: Int32Array;
}

export class StoreRecorder {
  readonly #columns = { tier: bytes(), id: ints(), came: bytes(), stepEnd: ints() };
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(tier: number, id: number, came: boolean): void {
    const row = this.#size++;
    this.#columns.tier.set(row, tier);
    this.#columns.id.set(row, id);
    this.#columns.came.set(row, came ? 1 : 0);
  }

  /** Everything since the last call belongs to that step. */
  endStep(step: number): void {
    this.#columns.stepEnd.set(step, this.#size);
  }

  /** What was written up to the end of the first `steps` steps. */
  cut(steps: number): StoreEvents {
    const { tier, id, came, stepEnd } = this.#columns;
    const rows = steps === 0 ? 0 : stepEnd.at(steps - 1);
    return { tier: tier.cut(rows), id: id.cut(rows), came: came.cut(rows), stepEnd: stepEnd.cut(steps) };
  }
}

/** How far back the newest texts are looked for. */
const MOST_LOOKED_AT = 20_000;

export class StoreReader {
  readonly #events: StoreEvents;
  /** Id → the tiers that have it, a bit each. */
  readonly #tiersOf = new Map<number, number>();
  readonly #counts: number[];
  #at = 0;

  constructor(events: StoreEvents, numTiers: number) {
    this.#events = events;
    this.#counts = new Array<number>(numTiers).fill(0);
  }

  /** Blocks in each tier at the end of a step; −1 is the moment before the first. */
  countsAt(step: number): readonly number[] {
    this.#go(step);
    return [...this.#counts];
  }

  /** Tiers that have a text at the end of a step: bit 0 for the fastest. */
  tiersOf(id: number, step: number): number {
    this.#go(step);
    return this.#tiersOf.get(id) ?? 0;
  }

  /** Texts that a tier has at the end of a step, the one that came last first. */
  newestAt(step: number, tier: number, most: number): number[] {
    this.#go(step);
    const { tier: tiers, id, came } = this.#events;
    const found = new Set<number>();
    const least = Math.max(0, this.#at - MOST_LOOKED_AT);
    for (let i = this.#at - 1; i >= least && found.size < most; i--) {
      const text = id[i] ?? -1;
      const isHere = ((this.#tiersOf.get(text) ?? 0) & (1 << tier)) !== 0;
      if (tiers[i] === tier && came[i] === 1 && isHere) found.add(text);
    }
    return [...found];
  }

  #go(step: number): void {
    const { stepEnd } = this.#events;
    const end = step < 0 ? 0 : (stepEnd[Math.min(step, stepEnd.length - 1)] ?? 0);
    while (this.#at < end) this.#apply(this.#at++, 1);
    while (this.#at > end) this.#apply(--this.#at, 0);
  }

  /** @param forwards 1: the event happens, 0: it is taken back */
  #apply(event: number, forwards: 0 | 1): void {
    const { tier, id, came } = this.#events;
    const [at, text] = [tier[event] ?? 0, id[event] ?? -1];
    const has = this.#tiersOf.get(text) ?? 0;
    const comes = came[event] === forwards;
    const now = comes ? has | (1 << at) : has & ~(1 << at);
    if (now === 0) this.#tiersOf.delete(text);
    else this.#tiersOf.set(text, now);
    this.#counts[at] = (this.#counts[at] ?? 0) + (comes ? 1 : -1);
  }
}
