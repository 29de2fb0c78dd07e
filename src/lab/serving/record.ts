/** Fills the raw columns of a repetition (core/run/serve.ts) while it is driven. Times count from its start. */
import type { ServeRecord, ServeSteps } from '../../core/run/serve.ts';
import type { RequestTable } from '../../core/schedule/requests.ts';
import type { ServedStep } from './served-engine.ts';

/** Microseconds are what the clocks tell; more digits are only bytes. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

type Column = (number | null)[];

export class ServeRecorder {
  readonly #requests: RequestTable;
  readonly #startMs: number;
  readonly #arrival: Column;
  readonly #sent: Column;
  readonly #start: Column;
  readonly #end: Column;
  readonly #cached: Column;
  readonly #preemptions: number[];
  readonly #tokenMs: number[][];
  /** Computed tokens that a request lost when it was preempted the last time. */
  readonly #lost = new Map<number, number>();
  readonly #steps: { [K in keyof ServeSteps]: ServeSteps[K] } = emptySteps();

  constructor(requests: RequestTable, startMs: number) {
    const column = (): Column => new Array<number | null>(requests.size).fill(null);
    this.#requests = requests;
    this.#startMs = startMs;
    this.#arrival = column();
    this.#sent = column();
    this.#start = column();
    this.#end = column();
    this.#cached = column();
    this.#preemptions = new Array<number>(requests.size).fill(0);
    this.#tokenMs = Array.from({ length: requests.size }, () => []);
  }

  sent(row: number, dueMs: number, nowMs: number): void {
    this.#arrival[row] = this.#at(dueMs);
    this.#sent[row] = this.#at(nowMs);
  }

  /** A request is scheduled for the first time. */
  started(row: number, nowMs: number, cachedTokens: number): void {
    this.#start[row] = this.#at(nowMs);
    this.#cached[row] = cachedTokens;
  }

  token(row: number, nowMs: number, last: boolean): void {
    this.#tokenMs[row]?.push(this.#at(nowMs));
    if (last) this.#end[row] = this.#at(nowMs);
  }

  step(step: ServedStep): void {
    let recomputed = 0;
    step.joined.forEach((row, i) => {
      const cached = step.joinedCachedTokens[i] ?? 0;
      if (this.#start[row] === null) this.started(row, step.startMs, cached);
      else recomputed += Math.max(0, (this.#lost.get(row) ?? 0) - cached);
    });
    step.preempted.forEach((row, i) => {
      this.#preemptions[row] = (this.#preemptions[row] ?? 0) + 1;
      this.#lost.set(row, step.lostTokens[i] ?? 0);
    });
    for (const { row, last } of step.tokens) this.token(row, step.endMs, last);
    this.#addStep(step, recomputed);
  }

  record(seed: number): ServeRecord {
    const { promptTokens, outputTokens } = this.#requests;
    return {
      seed,
      requests: {
        arrivalMs: this.#arrival,
        sentMs: this.#sent,
        startMs: this.#start,
        firstTokenMs: this.#tokenMs.map(([first]) => first ?? null),
        endMs: this.#end,
        promptTokens: [...promptTokens],
        outputTokens: [...outputTokens],
        cachedTokens: this.#cached,
        preemptions: this.#preemptions,
        tokens: this.#tokenMs.map(({ length }) => length),
        tokenMs: this.#tokenMs.flat(),
      },
      steps: this.#steps,
    };
  }

  #at(ms: number): number {
    return rounded(ms - this.#startMs);
  }

  #addStep(step: ServedStep, recomputed: number): void {
    const steps = this.#steps;
    steps.startMs.push(this.#at(step.startMs));
    steps.endMs.push(this.#at(step.endMs));
    steps.gpuMs.push(step.gpuMs === null ? null : rounded(step.gpuMs));
    steps.decodeSequences.push(step.decodeSequences);
    steps.decodeContextTokens.push(step.decodeContextTokens);
    steps.prefillTokens.push(step.prefillTokens);
    steps.prefillChunks.push(step.prefillChunks);
    steps.prefillPairs.push(step.prefillPairs);
    steps.running.push(step.numRunning);
    steps.waiting.push(step.numWaiting);
    steps.activeBlocks.push(step.numActiveBlocks);
    steps.cachedBlocks.push(step.numCachedBlocks);
    steps.wastedSlots.push(step.numWastedSlots);
    steps.preemptions.push(step.preempted.length);
    steps.recomputedTokens.push(recomputed);
  }
}

export function emptySteps(): ServeSteps {
  return {
    startMs: [],
    endMs: [],
    gpuMs: [],
    decodeSequences: [],
    decodeContextTokens: [],
    prefillTokens: [],
    prefillChunks: [],
    prefillPairs: [],
    running: [],
    waiting: [],
    activeBlocks: [],
    cachedBlocks: [],
    wastedSlots: [],
    preemptions: [],
    recomputedTokens: [],
  };
}
