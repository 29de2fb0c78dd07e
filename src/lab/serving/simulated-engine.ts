/**
 * The simulator as an engine that can be driven: the scheduler and the block manager of the real one, a cost model in
 * place of the GPU, and a clock that is only counted.
 *
 * With two steps under way (`depth`) the next one is planned and launched while the one before it runs, and its tokens are
 * known when it is over: the turn of src/engine/engine.ts. Nothing is read of the machine, so equal requests and equal
 * constants give equal times to the byte.
 */
import { BlockManager } from '../../core/kv/block-manager.ts';
import type { RequestTable } from '../../core/schedule/requests.ts';
import type { StepPlan } from '../../core/schedule/scheduler.ts';
import { Sequences } from '../../core/schedule/sequences.ts';
import { VllmScheduler } from '../../core/schedule/vllm.ts';
import { linearTokens, type StepWork } from '../../core/schedule/work.ts';
import type { EngineSettings } from '../../engine/engine-types.ts';
import { ReservingBlockManager } from '../../engine/reserving-block-manager.ts';
import type { CostModel } from '../../sim/cost/model.ts';
import type { ServedEngine, ServedStep, ServedToken } from './served-engine.ts';

export type SimulatedSettings = Pick<
  EngineSettings,
  | 'blockSize'
  | 'numBlocks'
  | 'maxSequences'
  | 'tokenBudget'
  | 'longPrefillTokens'
  | 'maxContextTokens'
  | 'prefixCaching'
  | 'layout'
>;

export interface SimulatedParts {
  readonly requests: RequestTable;
  readonly settings: SimulatedSettings;
  readonly cost: CostModel;
  readonly depth: 1 | 2;
  /** The host's time between a step's end and the next launch. */
  readonly gapMs: number;
}

interface Flight {
  readonly plan: StepPlan;
  readonly endMs: number;
  readonly told: Omit<ServedStep, 'endMs'>;
}

export class SimulatedEngine implements ServedEngine {
  readonly #parts: SimulatedParts;
  readonly #manager: BlockManager;
  readonly #scheduler: VllmScheduler;
  readonly #generated: Int32Array;
  /** Rows that get a token in every step. */
  readonly #decoding = new Set<number>();
  #flight: Flight | null = null;
  #nowMs = 0;
  #freeMs = 0;

  constructor(parts: SimulatedParts) {
    this.#parts = parts;
    const { requests, settings, depth } = parts;
    this.#manager = blockManager(settings, requests);
    this.#generated = new Int32Array(requests.size);
    this.#scheduler = new VllmScheduler({
      manager: this.#manager,
      sequences: new Sequences(requests, settings.blockSize),
      tokenBudget: settings.tokenBudget,
      maxSequences: settings.maxSequences,
      longPrefillTokens: settings.longPrefillTokens,
      priorities: 'fcfs',
      watermarkBlocks: 0,
      reserveFullPrompt: false,
      ahead: depth === 2,
    });
  }

  now(): number {
    return this.#nowMs;
  }

  submit(row: number): void {
    this.#scheduler.add(row);
  }

  step(): Promise<ServedStep | null> {
    return Promise.resolve(this.#step());
  }

  idleUntil(ms: number): Promise<void> {
    this.#nowMs = Math.max(this.#nowMs, ms);
    return Promise.resolve();
  }

  #step(): ServedStep | null {
    const flight = this.#flight ?? this.#launch();
    if (flight === null) return null;
    this.#flight = this.#parts.depth === 2 ? this.#launch() : null;
    this.#nowMs = Math.max(this.#nowMs, flight.endMs);
    this.#scheduler.complete(flight.plan);
    return { ...flight.told, endMs: this.#nowMs };
  }

  #launch(): Flight | null {
    const { cost, depth, gapMs } = this.#parts;
    const plan = this.#scheduler.schedule();
    if (plan === null) return null;
    const startMs = this.#nowMs + (depth === 1 ? gapMs : 0);
    this.#freeMs = Math.max(this.#freeMs, startMs) + cost.stepMs(plan.work);
    return { plan, endMs: this.#freeMs, told: this.#told(plan, startMs) };
  }

  #told(plan: StepPlan, startMs: number): Omit<ServedStep, 'endMs'> {
    const { work, joined, preempted, lostTokens, chunks } = plan;
    const first = chunks.length - joined.length;
    const tokens = this.#tokensOf(plan);
    let prefillTokens = 0;
    for (let i = 0; i < work.prefillCount; i++) prefillTokens += work.prefillTokens[i] ?? 0;
    // A plan that is made ahead counts its tokens already; otherwise their slots are given and still empty.
    const coming = this.#parts.depth === 2 ? 0 : linearTokens(work);
    const slots = this.#manager.numTableBlocks * this.#manager.blockSize;
    return {
      startMs,
      gpuMs: null,
      decodeSequences: work.decodeSequences,
      decodeContextTokens: work.decodeContextTokens,
      prefillTokens,
      prefillChunks: work.prefillCount,
      prefillPairs: prefillPairs(work),
      joined: [...joined],
      joinedCachedTokens: joined.map((_, i) => work.prefillContextTokens[first + i] ?? 0),
      preempted: [...preempted],
      lostTokens: [...lostTokens],
      tokens,
      numRunning: this.#scheduler.numRunning,
      numWaiting: this.#scheduler.numWaiting,
      numActiveBlocks: this.#manager.numActiveBlocks,
      numCachedBlocks: this.#manager.numIdleCachedBlocks,
      numWastedSlots: Math.max(0, slots - this.#scheduler.numRunningTokens - coming),
    };
  }

  /** Who gets a token: everybody who decodes, and each chunk that completes its text. */
  #tokensOf({ work, chunks, preempted, heldBack }: StepPlan): ServedToken[] {
    const { promptTokens, outputTokens } = this.#parts.requests;
    for (const row of preempted) this.#decoding.delete(row);
    const rows = [...this.#decoding].filter((row) => !heldBack.includes(row));
    chunks.forEach((row, i) => {
      const computed = (work.prefillContextTokens[i] ?? 0) + (work.prefillTokens[i] ?? 0);
      if (computed < (promptTokens[row] ?? 0) + (this.#generated[row] ?? 0)) return;
      this.#decoding.add(row);
      rows.push(row);
    });
    return rows.map((row) => {
      const generated = (this.#generated[row] ?? 0) + 1;
      this.#generated[row] = generated;
      const last = generated >= Math.max(1, outputTokens[row] ?? 1);
      if (last) this.#decoding.delete(row);
      return { row, token: -1, last };
    });
  }
}

/** As src/engine/session.ts: the reserving one shares nothing. */
function blockManager(settings: SimulatedSettings, requests: RequestTable): BlockManager {
  const { numBlocks, blockSize, prefixCaching, layout, maxContextTokens } = settings;
  return layout === 'paged'
    ? new BlockManager({ numBlocks, blockSize, requests, prefixCaching })
    : new ReservingBlockManager({
        ...{ numBlocks, blockSize, requests },
        prefixCaching: false,
        reservedTokens: maxContextTokens,
      });
}

/** (query, key) pairs of the causal attention of a step's chunks. */
export function prefillPairs(work: StepWork): number {
  let pairs = 0;
  for (let i = 0; i < work.prefillCount; i++) {
    const tokens = work.prefillTokens[i] ?? 0;
    pairs += tokens * (work.prefillContextTokens[i] ?? 0) + (tokens * (tokens + 1)) / 2;
  }
  return pairs;
}
