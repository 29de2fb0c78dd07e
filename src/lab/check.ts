/**
 * The hardware check: in 20 seconds at most, what the GPU in front of you is and can do. Each stage has a share of the
 * time and fails alone: what could not be measured is absent and says why.
 */
import { adapterName } from '../core/run/adapter-name.ts';
import { median } from '../core/metrics/percentiles.ts';
import type { CheckMeasurement, CheckRun, Environment } from '../core/run/schema.ts';
import type { Gpu } from '../gpu/context.ts';
import { createTimer, type Timer } from '../gpu/timing.ts';
import type { TuningMemory } from './autotune.ts';
import { checkStages, missing, type Reading, type Stage } from './check-stages.ts';
import { describeEnvironment } from './environment.ts';
import { DeviceLostError, unlessLost } from './errors.ts';
import type { LabHost } from './host.ts';
import { describeInWords } from './plain-words.ts';
import type { Progress } from './types.ts';

export interface CheckOptions {
  readonly host: LabHost;
  readonly tunings: TuningMemory;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** Milliseconds for everything; 20 s unless told. */
  readonly budgetMs?: number;
  /** Most that the allocation probe may take, beside its own caps. */
  readonly poolCapBytes?: number;
}

const BUDGET_MS = 20_000;

/** @throws the signal's reason when cancelled, DeviceLostError */
export async function runCheck(options: CheckOptions): Promise<CheckRun> {
  const gpu = await options.host.openGpu();
  try {
    return await unlessLost(gpu.device, (lost) =>
      new Check(gpu, { ...options, signal: AbortSignal.any([options.signal, lost]) }).run(),
    );
  } finally {
    gpu.device.destroy();
  }
}

class Check {
  readonly #gpu: Gpu;
  readonly #options: CheckOptions;
  readonly #measurements: CheckMeasurement[] = [];
  readonly #notes: string[] = [];
  readonly #startedMs: number;
  readonly #budgetMs: number;
  /** Ends a stage that would outlast the whole check: compiling, above all, takes as long as it takes. */
  readonly #deadline = new AbortController();
  /** Cancelled, lost or out of time. */
  readonly #signal: AbortSignal;
  #fraction = 0;

  constructor(gpu: Gpu, options: CheckOptions) {
    this.#gpu = gpu;
    this.#options = options;
    this.#startedMs = options.host.now();
    this.#budgetMs = options.budgetMs ?? BUDGET_MS;
    this.#signal = AbortSignal.any([options.signal, this.#deadline.signal]);
  }

  async run(): Promise<CheckRun> {
    const { host } = this.#options;
    const createdAt = host.date();
    const over = setTimeout(() => this.#deadline.abort(), this.#budgetMs);
    this.#progress('Finding out how fine the GPU’s clock is');
    const timer = await createTimer(this.#gpu, { now: host.now });
    try {
      const environment = describeEnvironment(this.#gpu, host, timer.quantumNs);
      this.#notes.push(...describeInWords(this.#gpu, environment));
      this.#quantum(timer);
      const { tunings, poolCapBytes = Infinity } = this.#options;
      const parts = { gpu: this.#gpu, timer, host, tunings, signal: this.#signal, poolCapBytes };
      for (const stage of checkStages(parts)) await this.#stage(stage);
      return this.#result(environment, createdAt);
    } finally {
      clearTimeout(over);
      timer.destroy();
    }
  }

  /** Stages share the time in proportion; one that a slow device can't begin any more is skipped, and says so. */
  async #stage(stage: Stage): Promise<void> {
    const { signal, host } = this.#options;
    signal.throwIfAborted();
    this.#progress(stage.doing);
    const leftMs = this.#budgetMs - (host.now() - this.#startedMs);
    const reading = await this.#attempt(stage, leftMs);
    this.#fraction = Math.min(1, this.#fraction + stage.share);
    this.#keep(stage, reading);
  }

  async #attempt(stage: Stage, leftMs: number): Promise<Reading> {
    if (leftMs < 0.02 * this.#budgetMs)
      return missing('No time was left: this device needed it for what comes before.');
    const over = new Promise<never>((_, reject) => {
      const stop = (): void => reject(this.#signal.reason);
      if (this.#signal.aborted) stop();
      else this.#signal.addEventListener('abort', stop, { once: true });
    });
    const measuring = stage.measure(Math.min(stage.share * this.#budgetMs, leftMs));
    try {
      return await Promise.race([measuring, over]);
    } catch (error) {
      // What is abandoned here ends with the device, and its error with it.
      measuring.catch(() => undefined);
      this.#options.signal.throwIfAborted();
      if (error instanceof DeviceLostError) throw error;
      if (this.#deadline.signal.aborted)
        return missing('Not finished when the time was over: this device is slow at it.');
      return missing(error instanceof Error ? error.message : String(error));
    } finally {
      over.catch(() => undefined);
    }
  }

  #keep({ id, label, unit }: Stage, reading: Reading): void {
    const { samples, note, percentOfPeak = null } = reading;
    const empty = samples.length === 0 && reading.value === undefined;
    this.#measurements.push({
      id,
      label,
      unit,
      value: reading.value ?? (samples.length === 0 ? null : median(samples)),
      samples,
      percentOfPeak,
      note: (empty && note === '' ? 'The clock gave no usable sample.' : note).slice(0, 400),
    });
  }

  #quantum({ quantumNs, clock }: Timer): void {
    this.#measurements.push({
      id: 'timestamp-quantum',
      label: 'Step of the GPU’s clock',
      unit: 'ns',
      value: quantumNs,
      samples: quantumNs === null ? [] : [quantumNs],
      percentOfPeak: null,
      note:
        clock === 'gpu'
          ? 'Greatest common divisor of timestamp differences.'
          : 'This device gives no timestamps.',
    });
  }

  #progress(message: string): void {
    this.#options.onProgress({ fraction: this.#fraction, message });
  }

  #result(environment: Environment, createdAt: string): CheckRun {
    const { host } = this.#options;
    return {
      version: 1,
      kind: 'check',
      id: host.newId(),
      title: `Hardware check: ${adapterName(environment.adapter)}`.slice(0, 120),
      createdAt,
      origin: 'measured',
      command: host.command,
      environment,
      measurements: this.#measurements,
      notes: this.#notes.map((note) => note.slice(0, 600)),
      complete: true,
    };
  }
}
