/** Blocks and batch over time: sums weighted by time, peaks, and what feeds the series. */
import type { PoolState } from './pool-state.ts';
import { noUsage, type SeriesSampler } from './series.ts';

/** What one replica was last seen with; in whole numbers, so that sums over replicas stay exact. */
interface Seen {
  running: number;
  waiting: number;
  active: number;
  cached: number;
  free: number;
  wastedSlots: number;
}

export interface UsageTotals {
  readonly kvBlocks: number;
  readonly peakActiveBlocks: number;
  /** Σ blocks × milliseconds over steps. */
  readonly activeBlockMs: number;
  readonly wastedBlockMs: number;
}

function nothing(): Seen {
  return { running: 0, waiting: 0, active: 0, cached: 0, free: 0, wastedSlots: 0 };
}

export class UsageMeter {
  readonly #blockSize: number;
  readonly #series: SeriesSampler;
  #seen: Seen[] = [];
  #kvBlocks: number[] = [];
  /** Over all replicas. */
  readonly #all = nothing();
  readonly #usage = noUsage();
  #peak = 0;
  #activeBlockMs = 0;
  #wastedSlotMs = 0;

  constructor(blockSize: number, series: SeriesSampler) {
    this.#blockSize = blockSize;
    this.#series = series;
  }

  /**
   * A replica has scheduled a step; `state` is what it holds while the step runs.
   * @param tokens that the step computes: their slots are given already and not wasted
   */
  began(replica: number, startMs: number, tokens: number, state: PoolState): void {
    const seen = this.#seen[replica] ?? this.#meet(replica, state);
    this.#change(seen, state, Math.max(0, state.numWastedSlots - tokens));
    if (this.#all.active > this.#peak) this.#peak = this.#all.active;
    this.#sample(startMs);
  }

  /** The step is over. With nothing left to run, the replica stands idle from now on. */
  ended(replica: number, startMs: number, endMs: number, state: PoolState): void {
    const seen = this.#seen[replica] ?? this.#meet(replica, state);
    const ms = endMs - startMs;
    this.#activeBlockMs += seen.active * ms;
    this.#wastedSlotMs += seen.wastedSlots * ms;
    if (state.numRunning > 0 || state.numWaiting > 0) return;
    this.#change(seen, state, state.numWastedSlots);
    this.#sample(endMs);
  }

  totals(): UsageTotals {
    return {
      kvBlocks: this.#kvBlocks.reduce((sum, blocks) => sum + blocks, 0),
      peakActiveBlocks: this.#peak,
      activeBlockMs: this.#activeBlockMs,
      wastedBlockMs: this.#wastedSlotMs / this.#blockSize,
    };
  }

  #meet(replica: number, state: PoolState): Seen {
    const seen = nothing();
    this.#seen[replica] = seen;
    this.#kvBlocks[replica] = state.numBlocks;
    return seen;
  }

  #change(seen: Seen, state: PoolState, wastedSlots: number): void {
    const all = this.#all;
    const cached = state.numCachedBlocks;
    const free = state.numFreeBlocks - cached;
    const { numRunning, numWaiting, numActiveBlocks } = state;
    all.running += numRunning - seen.running;
    all.waiting += numWaiting - seen.waiting;
    all.active += numActiveBlocks - seen.active;
    all.cached += cached - seen.cached;
    all.free += free - seen.free;
    all.wastedSlots += wastedSlots - seen.wastedSlots;
    seen.running = numRunning;
    seen.waiting = numWaiting;
    seen.active = numActiveBlocks;
    seen.cached = cached;
    seen.free = free;
    seen.wastedSlots = wastedSlots;
  }

  #sample(timeMs: number): void {
    const [usage, all] = [this.#usage, this.#all];
    usage.running = all.running;
    usage.waiting = all.waiting;
    usage.activeBlocks = all.active;
    usage.cachedBlocks = all.cached;
    usage.freeBlocks = all.free;
    usage.wastedBlocks = all.wastedSlots / this.#blockSize;
    this.#series.step(timeMs, usage);
  }
}
