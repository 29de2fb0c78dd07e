/**
 * Times kernels against one another.
 *
 * A sample is one submit that repeats the call inside one compute pass until it lasts long enough for the clock: at
 * least 2 ms and 20 steps of the GPU clock, and never near 100 ms, so that no watchdog bites and a cancel is quick.
 * Variants are sampled in rounds, forwards and backwards by turns, so that drift and neighbours on a shared machine
 * hit all of them alike. Samples are returned raw; statistics belong to `core/metrics`.
 *
 * The GPU's timestamps are used where there are some, else the host's clock from submit to done, whose samples then
 * hold the price of the submit. https://gpuweb.github.io/gpuweb/#timestamp allows any coarse step and resets: the step
 * is measured here, and deltas that run backwards are dropped and counted.
 */
import type { Gpu } from './context.ts';
import { createPassClock, passMs, type PassClock } from './pass-clock.ts';

export interface TimedVariant {
  readonly name: string;
  /** One call, in dispatches. `call` counts the calls of a sample, so that buffers can be rotated. */
  encode(pass: GPUComputePassEncoder, call: number): void;
}

/** A call that is no dispatch (a copy, say) and is timed on the host's clock. */
export interface TimedCommands {
  readonly name: string;
  encodeCommands(encoder: GPUCommandEncoder, call: number): void;
}

export interface VariantTiming {
  readonly name: string;
  /** Milliseconds of one call, one value a round, raw. */
  readonly samplesMs: readonly number[];
  /** Calls in each sample. */
  readonly calls: number;
  readonly clock: 'gpu' | 'host';
  /** Samples dropped because the clock ran backwards or stood still. */
  readonly discarded: number;
}

export interface MeasureOptions {
  /** Samples of every variant; 7 unless told. */
  readonly rounds?: number;
  /** A sample lasts at least this long, where the clock's step does not ask for more; 2 ms unless told. */
  readonly minSampleMs?: number;
  /** No sample is planned to last longer; 60 ms unless told, which leaves room below 100 ms. */
  readonly maxSampleMs?: number;
  /** No new round starts after this time; at least one round is always made. */
  readonly budgetMs?: number;
  readonly signal?: AbortSignal;
}

export interface Timer {
  readonly clock: 'gpu' | 'host';
  /** Step of the GPU clock in nanoseconds; null on the host's clock. */
  readonly quantumNs: number | null;
  /** @throws the signal's reason when aborted. */
  measure(
    variants: readonly (TimedVariant | TimedCommands)[],
    options?: MeasureOptions,
  ): Promise<VariantTiming[]>;
  /** Milliseconds from submit to done of one call, on the host's clock. */
  submitToDoneMs(call: TimedVariant): Promise<number>;
  destroy(): void;
}

export interface TimerOptions {
  /** The host's clock in milliseconds. */
  readonly now?: () => number;
  /** False times on the host's clock although there are timestamps. */
  readonly timestamps?: boolean;
}

const MIN_SAMPLE_MS = 2;
const MAX_SAMPLE_MS = 60;
const QUANTA_PER_SAMPLE = 20;
const MAX_CALLS = 4096;
const DEFAULT_ROUNDS = 7;

interface Plan {
  readonly variant: TimedVariant | TimedCommands;
  calls: number;
  discarded: number;
  readonly samplesMs: number[];
}

interface Sample {
  /** Of the whole sample; null where the clock failed. */
  readonly ms: number | null;
  readonly hostMs: number;
}

export async function createTimer(gpu: Gpu, options: TimerOptions = {}): Promise<Timer> {
  const now = options.now ?? (() => performance.now());
  let clock = options.timestamps === false ? null : createPassClock(gpu, 64);
  const quantumNs = clock ? await measureQuantum(gpu, clock, now) : null;
  if (quantumNs === null) {
    clock?.destroy();
    clock = null;
  }
  return new GpuTimer(gpu, clock, quantumNs, now);
}

class GpuTimer implements Timer {
  readonly quantumNs: number | null;
  readonly #gpu: Gpu;
  readonly #clock: PassClock | null;
  readonly #now: () => number;

  constructor(gpu: Gpu, clock: PassClock | null, quantumNs: number | null, now: () => number) {
    this.#gpu = gpu;
    this.#clock = clock;
    this.quantumNs = quantumNs;
    this.#now = now;
  }

  get clock(): 'gpu' | 'host' {
    return this.#clock ? 'gpu' : 'host';
  }

  async measure(
    variants: readonly (TimedVariant | TimedCommands)[],
    options: MeasureOptions = {},
  ): Promise<VariantTiming[]> {
    const started = this.#now();
    const plans: Plan[] = variants.map((variant) => ({ variant, calls: 1, discarded: 0, samplesMs: [] }));
    for (const plan of plans) await this.#calibrate(plan, options);
    const rounds = options.rounds ?? DEFAULT_ROUNDS;
    for (let round = 0; round < rounds; round++) {
      if (round > 0 && this.#now() - started > (options.budgetMs ?? Infinity)) break;
      const order = round % 2 === 0 ? plans : plans.toReversed();
      for (const plan of order) {
        options.signal?.throwIfAborted();
        this.#keep(plan, await this.#sample(plan.variant, plan.calls), options);
      }
    }
    return plans.map((plan) => ({
      name: plan.variant.name,
      samplesMs: plan.samplesMs,
      calls: plan.calls,
      clock: this.#clockOf(plan.variant),
      discarded: plan.discarded,
    }));
  }

  async submitToDoneMs(call: TimedVariant): Promise<number> {
    const encoder = this.#gpu.device.createCommandEncoder({ label: 'Timer.once' });
    const pass = encoder.beginComputePass({ label: call.name });
    call.encode(pass, 0);
    pass.end();
    return this.#submit(encoder);
  }

  destroy(): void {
    this.#clock?.destroy();
  }

  /** Finds how many calls make a sample: after a warm-up, grows until one is long enough. */
  async #calibrate(plan: Plan, options: MeasureOptions): Promise<void> {
    const target = this.#targetMs(plan.variant, options);
    const most = options.maxSampleMs ?? MAX_SAMPLE_MS;
    await this.#sample(plan.variant, 1);
    for (;;) {
      options.signal?.throwIfAborted();
      // The shorter of two, so that one interruption does not end the growth too early.
      const a = await this.#sample(plan.variant, plan.calls);
      const b = (a.ms ?? 0) < target ? a : await this.#sample(plan.variant, plan.calls);
      const tookMs = Math.max(0, Math.min(a.ms ?? 0, b.ms ?? 0));
      const hostMs = Math.max(a.hostMs, b.hostMs);
      if (tookMs >= target || plan.calls >= MAX_CALLS) return;
      const oneMs = Math.max(tookMs, 1e-4) / plan.calls;
      // The host's figure bounds the growth where the GPU's reads zero between two steps of a coarse clock.
      const growth = Math.min((1.3 * target) / oneMs / plan.calls, 8, most / Math.max(hostMs, 0.01));
      if (growth < 1.1) return;
      plan.calls = Math.min(MAX_CALLS, Math.ceil(plan.calls * growth));
    }
  }

  #keep(plan: Plan, { ms }: Sample, options: MeasureOptions): void {
    if (ms === null || ms <= 0) {
      plan.discarded++;
      return;
    }
    plan.samplesMs.push(ms / plan.calls);
    // A machine that slowed down since the calibration must not drive a submit towards the watchdog.
    const most = options.maxSampleMs ?? MAX_SAMPLE_MS;
    if (ms > most) plan.calls = Math.max(1, Math.floor((plan.calls * most) / ms));
  }

  #targetMs(variant: TimedVariant | TimedCommands, options: MeasureOptions): number {
    const least = options.minSampleMs ?? MIN_SAMPLE_MS;
    const quanta =
      this.#clockOf(variant) === 'gpu' ? (QUANTA_PER_SAMPLE * (this.quantumNs ?? 0)) / 1e6 : least;
    return Math.max(least, quanta);
  }

  #clockOf(variant: TimedVariant | TimedCommands): 'gpu' | 'host' {
    return this.#clock && 'encode' in variant ? 'gpu' : 'host';
  }

  async #sample(variant: TimedVariant | TimedCommands, calls: number): Promise<Sample> {
    const encoder = this.#gpu.device.createCommandEncoder({ label: 'Timer.sample' });
    if ('encodeCommands' in variant) {
      for (let call = 0; call < calls; call++) variant.encodeCommands(encoder, call);
      const hostMs = await this.#submit(encoder);
      return { ms: hostMs, hostMs };
    }
    const timestampWrites = this.#clock?.next();
    const pass = encoder.beginComputePass({
      label: variant.name,
      ...(timestampWrites && { timestampWrites }),
    });
    for (let call = 0; call < calls; call++) variant.encode(pass, call);
    pass.end();
    const hostMs = await this.#submit(encoder);
    if (!this.#clock) return { ms: hostMs, hostMs };
    const [stamps] = await this.#clock.read();
    return { ms: stamps ? passMs(stamps) : null, hostMs };
  }

  async #submit(encoder: GPUCommandEncoder): Promise<number> {
    const { queue } = this.#gpu.device;
    const commands = encoder.finish();
    const started = this.#now();
    queue.submit([commands]);
    await queue.onSubmittedWorkDone();
    return this.#now() - started;
  }
}

const QUANTUM_DELTAS = 32;
const QUANTUM_BUDGET_MS = 400;

/** Step of the GPU clock: the greatest common divisor of at least 32 differences; null when it never moves. */
async function measureQuantum(gpu: Gpu, clock: PassClock, now: () => number): Promise<number | null> {
  const pipeline = await gpu.pipelines.get({ kernel: 'peak_nothing' });
  const sink = gpu.buffers.create('Timer.sink', 16, GPUBufferUsage.STORAGE);
  const group = gpu.bindings.group(pipeline, [sink]);
  const deltas: bigint[] = [];
  const started = now();
  let work = 1;
  while (deltas.length < QUANTUM_DELTAS && now() - started < QUANTUM_BUDGET_MS) {
    const encoder = gpu.device.createCommandEncoder({ label: 'Timer.quantum' });
    for (let i = 0; i < QUANTUM_DELTAS; i++) {
      const timestampWrites = clock.next();
      const pass = encoder.beginComputePass({
        label: 'Timer.quantum',
        ...(timestampWrites && { timestampWrites }),
      });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      // Passes of different lengths, so that a coarse clock is caught at different steps.
      for (let d = 0; d < work + (i % 7); d++) pass.dispatchWorkgroups(1);
      pass.end();
    }
    gpu.device.queue.submit([encoder.finish()]);
    const stamps = (await clock.read()).flat();
    for (let i = 1; i < stamps.length; i++) {
      const delta = (stamps[i] ?? 0n) - (stamps[i - 1] ?? 0n);
      if (delta > 0n) deltas.push(delta);
    }
    work = Math.min(work * 4, 256);
  }
  gpu.buffers.destroy(sink);
  return deltas.length === 0 ? null : Number(greatestCommonDivisor(deltas));
}

/** @param values at least one, all above zero */
export function greatestCommonDivisor(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => {
    while (b !== 0n) [a, b] = [b, a % b];
    return a;
  });
}
