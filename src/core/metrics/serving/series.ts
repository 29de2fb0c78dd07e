/**
 * The run over time in bounded memory: one sample a step until there are too many, then two become one, as often as
 * needed, so that a run of any length ends with between half of `maxSamples` and all of them.
 *
 * What is merged keeps its peaks: counts of sequences are the highest of the steps that a sample stands for, the four
 * block columns come from the step with the most active blocks (so that they still sum to the pool), and what is counted
 * between samples is added up.
 */
import type { SimSeries } from '../../run/simulation.ts';

/** All replicas together, at one moment. */
export interface Usage {
  running: number;
  waiting: number;
  activeBlocks: number;
  cachedBlocks: number;
  freeBlocks: number;
  /** Slots of active blocks without a token, in blocks. */
  wastedBlocks: number;
}

export function noUsage(): Usage {
  return { running: 0, waiting: 0, activeBlocks: 0, cachedBlocks: 0, freeBlocks: 0, wastedBlocks: 0 };
}

/** What happened since the sample before. */
export interface Counts {
  preemptions: number;
  lookedUpTokens: number;
  hitTokens: number;
  tierOutBytes: number;
  tierInBytes: number;
}

function noCounts(): Counts {
  return { preemptions: 0, lookedUpTokens: 0, hitTokens: 0, tierOutBytes: 0, tierInBytes: 0 };
}

type Sample = { timeMs: number } & Usage & Counts;

function moment(into: Usage, from: Usage): void {
  into.activeBlocks = from.activeBlocks;
  into.cachedBlocks = from.cachedBlocks;
  into.freeBlocks = from.freeBlocks;
  into.wastedBlocks = from.wastedBlocks;
}

function keepPeaks(into: Usage, from: Usage): void {
  if (from.running > into.running) into.running = from.running;
  if (from.waiting > into.waiting) into.waiting = from.waiting;
  if (from.activeBlocks > into.activeBlocks) moment(into, from);
}

export class SeriesSampler {
  readonly #size: number;
  #samples: Sample[] = [];
  /** Steps that a sample stands for, and those of the last one so far. */
  #stride = 1;
  #steps = 0;
  #last: Sample | null = null;
  /** Added to by whoever counts; taken up by the next step. */
  readonly counts: Counts = noCounts();

  constructor(maxSamples: number) {
    // Even, so that samples merge in pairs.
    this.#size = Math.max(2, maxSamples - (maxSamples % 2));
  }

  /** A step began at `timeMs`, and this is what is in use while it runs. */
  step(timeMs: number, usage: Usage): void {
    if (this.#last === null || this.#steps === this.#stride) this.#open(timeMs, usage);
    else {
      keepPeaks(this.#last, usage);
      this.#steps++;
    }
  }

  series(): SimSeries {
    this.#takeCounts();
    const column = (name: keyof Sample): number[] => this.#samples.map((sample) => sample[name]);
    return {
      timeMs: column('timeMs'),
      running: column('running'),
      waiting: column('waiting'),
      activeBlocks: column('activeBlocks'),
      cachedBlocks: column('cachedBlocks'),
      freeBlocks: column('freeBlocks'),
      wastedBlocks: column('wastedBlocks'),
      preemptions: column('preemptions'),
      lookedUpTokens: column('lookedUpTokens'),
      hitTokens: column('hitTokens'),
      tierOutBytes: column('tierOutBytes'),
      tierInBytes: column('tierInBytes'),
    };
  }

  #open(timeMs: number, usage: Usage): void {
    this.#takeCounts();
    if (this.#samples.length === this.#size) this.#halve();
    this.#last = {
      timeMs,
      running: usage.running,
      waiting: usage.waiting,
      activeBlocks: usage.activeBlocks,
      cachedBlocks: usage.cachedBlocks,
      freeBlocks: usage.freeBlocks,
      wastedBlocks: usage.wastedBlocks,
      preemptions: 0,
      lookedUpTokens: 0,
      hitTokens: 0,
      tierOutBytes: 0,
      tierInBytes: 0,
    };
    this.#samples.push(this.#last);
    this.#steps = 1;
  }

  /** What was counted belongs to the sample that was open meanwhile. */
  #takeCounts(): void {
    const [last, counts] = [this.#last, this.counts];
    if (last === null) return;
    last.preemptions += counts.preemptions;
    last.lookedUpTokens += counts.lookedUpTokens;
    last.hitTokens += counts.hitTokens;
    last.tierOutBytes += counts.tierOutBytes;
    last.tierInBytes += counts.tierInBytes;
    counts.preemptions = 0;
    counts.lookedUpTokens = 0;
    counts.hitTokens = 0;
    counts.tierOutBytes = 0;
    counts.tierInBytes = 0;
  }

  #halve(): void {
    const merged: Sample[] = [];
    for (let i = 0; i + 1 < this.#samples.length; i += 2) {
      const [first, second] = [this.#samples[i], this.#samples[i + 1]];
      if (!first || !second) continue;
      keepPeaks(first, second);
      first.preemptions += second.preemptions;
      first.lookedUpTokens += second.lookedUpTokens;
      first.hitTokens += second.hitTokens;
      first.tierOutBytes += second.tierOutBytes;
      first.tierInBytes += second.tierInBytes;
      merged.push(first);
    }
    this.#samples = merged;
    this.#stride *= 2;
  }
}
