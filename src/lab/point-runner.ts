/** One point of a sweep over all its repetitions: prepares it, keeps what it measured, and knows why it failed. */
import type { Random } from '../core/random.ts';
import type { Point, Repetition } from '../core/run/schema.ts';
import type { Scenario } from '../core/scenario/schema.ts';
import type { SweepPoint } from '../core/scenario/sweep.ts';
import { GpuOutOfMemoryError } from '../gpu/buffers.ts';
import type { Gpu } from '../gpu/context.ts';
import type { DecodeTuning } from '../gpu/kernels/tuning.ts';
import { createAttentionEngine, type AttentionEngine } from './attention-engine.ts';
import { autotune } from './autotune.ts';
import { DeviceLostError } from './errors.ts';
import { ranksByAttention } from '../engine/eviction/evictor-parts.ts';
import { planMemory, type MemoryPlan } from './memory-plan.ts';
import { createPacer } from './pacer.ts';
import { runRepetition, type Pacers } from './repetition.ts';
import type { RunOptions } from './run-options.ts';
import { shrink } from './shrink.ts';
import { StepRunner } from './step-runner.ts';
import { verifyKernels } from './verify.ts';

/** Multiply-adds in a millisecond, low: what a software adapter and a small GPU do at least. */
const SOFTWARE_MACS_PER_MS = 3e5;
const GPU_MACS_PER_MS = 2e7;

export class PointRunner {
  readonly label: string;
  readonly #asked: SweepPoint;
  readonly #random: Random;
  readonly #runStartedMs: number;
  readonly #options: RunOptions;
  readonly #repetitions: Repetition[] = [];
  #scenario: Scenario;
  #reason: string | null = null;
  #failed = false;
  #variant = '';
  #tuning: DecodeTuning | null = null;
  /** The device on which the kernels were verified; another one verifies anew. */
  #verifiedOn: Gpu | null = null;
  #pacers: Pacers | null = null;
  #losses = 0;
  #drawn = 0;

  constructor(asked: SweepPoint, random: Random, runStartedMs: number, options: RunOptions) {
    this.label = asked.label;
    this.#asked = asked;
    this.#scenario = asked.scenario;
    this.#random = random;
    this.#runStartedMs = runStartedMs;
    this.#options = options;
  }

  /** The point as far as it is measured. */
  point(): Point {
    const { settings } = this.#asked;
    const measured = this.#repetitions.length > 0;
    const status = this.#failed
      ? 'failed'
      : !measured
        ? 'skipped'
        : this.#reason === null
          ? 'done'
          : 'shrunk';
    const reason = status === 'skipped' ? 'No repetition was finished.' : this.#reason;
    return {
      settings,
      status,
      reason: reason === null ? null : reason.slice(0, 400),
      variant: this.#variant.slice(0, 120),
      repetitions: this.#failed ? [] : [...this.#repetitions],
    };
  }

  get failed(): boolean {
    return this.#failed;
  }

  /** Counts a lost device. @returns false when the point has failed by it */
  lose(): boolean {
    this.#verifiedOn = null;
    if (++this.#losses === 1) return true;
    this.#fail(
      'The GPU device was lost twice here: this point asks too much of it, or its driver is unstable.',
    );
    return false;
  }

  /**
   * One repetition. What only this point suffers is noted in it; the rest is thrown.
   * @param lost aborted when the device is lost
   * @throws the reason of a cancelled signal, DeviceLostError
   */
  async repetition(
    gpu: Gpu,
    kept: boolean,
    onShare: (share: number) => void,
    lost: AbortSignal,
  ): Promise<void> {
    try {
      await this.#prepare(gpu);
      const signal = AbortSignal.any([this.#options.signal, lost]);
      const done = await withoutErrors(gpu, () => this.#fitting(gpu, onShare, signal));
      if (kept) this.#repetitions.push(done);
    } catch (error) {
      if (this.#options.signal.aborted || error instanceof DeviceLostError) throw error;
      // Work on a dying device throws all kinds of things before the loss is told.
      await new Promise((resolve) => setTimeout(resolve, 30));
      lost.throwIfAborted();
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  #fail(reason: string): void {
    this.#failed = true;
    this.#reason = reason;
  }

  /** Chooses the tuning and checks the kernels against their twins, once a device. */
  async #prepare(gpu: Gpu): Promise<void> {
    if (this.#verifiedOn === gpu) return;
    const { model, engine, seed } = this.#scenario;
    const { queryHeads, kvHeads, headDim } = model;
    const { blockSize, kvFormat: format, residualTokens, windowTokens, sinkTokens, tier, layout } = engine;
    const shape = { queryHeads, kvHeads, headDim, blockSize, format };
    if (tier !== 'cpu') {
      const { host, tunings, signal } = this.#options;
      const tuneOptions = { memory: tunings, runtime: host.facts.runtime, now: host.now, signal };
      this.#tuning = await autotune(gpu, tier, shape, tuneOptions);
      await verifyOnce(gpu, {
        shape: { ...shape, residualTokens },
        ...{ layout, tier, windowTokens, sinkTokens, seed },
        tuning: this.#tuning,
        emitScores: ranksByAttention(this.#scenario.engine.eviction.policy),
      });
    }
    const perMs = gpu.isFallback ? SOFTWARE_MACS_PER_MS : GPU_MACS_PER_MS;
    this.#pacers = { prefill: createPacer(perMs), decode: createPacer(perMs) };
    this.#verifiedOn = gpu;
  }

  /** A repetition of the point, or of the largest smaller one that the device has room for. */
  async #fitting(gpu: Gpu, onShare: (share: number) => void, signal: AbortSignal): Promise<Repetition> {
    for (;;) {
      const plan = planMemory(this.#scenario);
      let engine: AttentionEngine | null = null;
      try {
        engine = await createAttentionEngine(gpu, { scenario: this.#scenario, plan, tuning: this.#tuning });
        return await this.#measure(gpu, engine, plan, onShare, signal);
      } catch (error) {
        if (!(error instanceof GpuOutOfMemoryError)) throw error;
        this.#shrink(error);
      } finally {
        engine?.destroy();
      }
    }
  }

  #shrink(error: GpuOutOfMemoryError): void {
    const smaller = shrink(this.#scenario, this.#asked.scenario);
    if (smaller === null) throw error;
    this.#scenario = smaller.scenario;
    this.#reason = `Out of GPU memory at the full size; ran with ${smaller.change}.`;
    // What was measured at another size is not comparable.
    this.#repetitions.length = 0;
  }

  async #measure(
    gpu: Gpu,
    engine: AttentionEngine,
    plan: MemoryPlan,
    onShare: (share: number) => void,
    signal: AbortSignal,
  ): Promise<Repetition> {
    const { host } = this.#options;
    this.#variant = engine.variant;
    if (!this.#pacers) throw new Error('The point was not prepared.');
    const steps = new StepRunner(gpu, host.now, signal);
    try {
      return await runRepetition({
        scenario: this.#scenario,
        plan,
        engine,
        steps,
        pacers: this.#pacers,
        random: this.#random.fork(this.#drawn++),
        now: host.now,
        runStartedMs: this.#runStartedMs,
        onStep: onShare,
      });
    } finally {
      steps.destroy();
    }
  }
}

/** Kernels that were right on a device need no second check there: points of a sweep often share them. */
const verified = new WeakMap<Gpu, Map<string, Promise<unknown>>>();

async function verifyOnce(gpu: Gpu, options: Parameters<typeof verifyKernels>[1]): Promise<void> {
  let known = verified.get(gpu);
  if (!known) verified.set(gpu, (known = new Map()));
  const key = JSON.stringify(options);
  let result = known.get(key);
  if (!result) known.set(key, (result = verifyKernels(gpu, options)));
  await result;
}

/** Runs `body` and throws what the device refused meanwhile: times of refused commands are times of nothing. */
async function withoutErrors<T>(gpu: Gpu, body: () => Promise<T>): Promise<T> {
  gpu.device.pushErrorScope('validation');
  let error: GPUError | null = null;
  try {
    return await body();
  } finally {
    // A lost device pops nothing; the loss is told elsewhere.
    error = await gpu.device.popErrorScope().catch(() => null);
    if (error) throw new Error(`The device refused a command, so nothing was measured: ${error.message}`);
  }
}
