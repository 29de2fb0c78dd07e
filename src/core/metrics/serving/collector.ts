/**
 * Listens to a serving engine and keeps what its metrics need: flat arrays, sums and bounded samples. What a call costs
 * does not depend on the batch.
 *
 * It hears the simulator today and any executor of the same scheduler tomorrow; its methods have the shape of
 * `SimObserver` (sim/types.ts), which it does not know. What the numbers mean is in definitions.ts; they are put
 * together in summary.ts.
 */
import type { RequestTable } from '../../schedule/requests.ts';
import type { StepOutcome, StepPlan } from '../../schedule/scheduler.ts';
import { linearTokens } from '../../schedule/work.ts';
import { WeightedValues } from './distribution.ts';
import { GapBook, GapTracker } from './gaps.ts';
import type { PoolState } from './pool-state.ts';
import { RequestTimes } from './request-times.ts';
import { SeriesSampler } from './series.ts';
import { UsageMeter } from './usage.ts';

export interface CollectorConfig {
  readonly requests: RequestTable;
  /** Tokens of a block. */
  readonly blockSize: number;
  /** Most samples of the series. */
  readonly maxSamples: number;
}

export interface StepTotals {
  steps: number;
  /** Σ over steps of the sequences that computed in them. */
  sequences: number;
  preemptions: number;
  recomputedTokens: number;
  lookedUpTokens: number;
  hitTokens: number;
}

export class ServingCollector {
  readonly times: RequestTimes;
  readonly series: SeriesSampler;
  readonly usage: UsageMeter;
  readonly gaps = new WeightedValues();
  readonly totals: StepTotals = {
    steps: 0,
    sequences: 0,
    preemptions: 0,
    recomputedTokens: 0,
    lookedUpTokens: 0,
    hitTokens: 0,
  };
  readonly #book: GapBook;
  #trackers: GapTracker[] = [];
  /** Tokens that preempted requests had computed. */
  #lost = new Map<number, number>();

  constructor({ requests, blockSize, maxSamples }: CollectorConfig) {
    this.times = new RequestTimes(requests);
    this.series = new SeriesSampler(maxSamples);
    this.usage = new UsageMeter(blockSize, this.series);
    this.#book = new GapBook(this.gaps, this.times.endMs);
  }

  arrived(request: number, nowMs: number): void {
    this.times.arrivalMs[request] = nowMs;
  }

  started(request: number, nowMs: number, replica: number, cachedTokens: number): void {
    const { times, totals } = this;
    if (!Number.isNaN(times.startMs[request] ?? NaN)) {
      this.#startedAgain(request, cachedTokens);
      return;
    }
    const prompt = times.table.promptTokens[request] ?? 0;
    times.startMs[request] = nowMs;
    times.replica[request] = replica;
    times.cachedTokens[request] = cachedTokens;
    totals.lookedUpTokens += prompt;
    totals.hitTokens += cachedTokens;
    this.series.counts.lookedUpTokens += prompt;
    this.series.counts.hitTokens += cachedTokens;
  }

  preempted(request: number, _nowMs: number, replica: number, lostTokens: number): void {
    this.#tracker(replica).leave(request);
    this.times.preemptions[request] = (this.times.preemptions[request] ?? 0) + 1;
    this.totals.preemptions++;
    this.#lost.set(request, lostTokens);
    this.series.counts.preemptions++;
  }

  prefilled(request: number, nowMs: number): void {
    const { firstTokenMs } = this.times;
    if (Number.isNaN(firstTokenMs[request] ?? NaN)) firstTokenMs[request] = nowMs;
  }

  finished(request: number, nowMs: number): void {
    this.times.endMs[request] = nowMs;
  }

  /** KV went to a lower tier, the host or another replica, or came from there. */
  moved(_replica: number, outBytes: number, inBytes: number): void {
    this.series.counts.tierOutBytes += outBytes;
    this.series.counts.tierInBytes += inBytes;
  }

  /** A replica has scheduled a step; `state` is what it holds while the step runs. */
  began(replica: number, startMs: number, plan: StepPlan, state: PoolState): void {
    this.usage.began(replica, startMs, linearTokens(plan.work), state);
  }

  step(
    replica: number,
    startMs: number,
    endMs: number,
    plan: StepPlan,
    outcome: StepOutcome,
    state: PoolState,
  ): void {
    const { totals } = this;
    totals.steps++;
    totals.sequences += plan.work.decodeSequences + plan.work.prefillCount;
    this.#tracker(replica).step(endMs, plan, outcome);
    this.usage.ended(replica, startMs, endMs, state);
  }

  /** Hit ratios count the first admission only: after a preemption a request finds its own blocks. */
  #startedAgain(request: number, cachedTokens: number): void {
    const lost = this.#lost.get(request) ?? 0;
    this.#lost.delete(request);
    this.totals.recomputedTokens += Math.max(0, lost - cachedTokens);
  }

  #tracker(replica: number): GapTracker {
    const tracker = this.#trackers[replica];
    if (tracker) return tracker;
    const made = new GapTracker(this.#book);
    this.#trackers[replica] = made;
    return made;
  }
}
