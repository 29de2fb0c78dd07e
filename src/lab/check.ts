/**
 * The hardware check: in 20 seconds at most, what the GPU in front of you is and can do. Each stage has a share of the
 * time and fails alone: what could not be measured is absent and says why.
 */
import { adapterName } from '../core/run/adapter-name.ts';
import { KV_FORMATS, type KvFormat } from '../core/kv/formats.ts';
import { median } from '../core/metrics/percentiles.ts';
import type { CheckMeasurement, CheckRun, Environment } from '../core/run/schema.ts';
import type { Gpu } from '../gpu/context.ts';
import { measureCopyBandwidth } from '../gpu/microbench/copy-bandwidth.ts';
import { measureFmaRate, type FmaNumber } from '../gpu/microbench/fma-rate.ts';
import { measureLargestPool } from '../gpu/microbench/largest-pool.ts';
import {
  measureDispatchOverhead,
  measureReadback,
  measureSubmitLatency,
} from '../gpu/microbench/overhead.ts';
import { measureReadBandwidth } from '../gpu/microbench/read-bandwidth.ts';
import { createTimer, type Timer } from '../gpu/timing.ts';
import type { TuningMemory } from './autotune.ts';
import { measureDecodeByFormat } from './check-decode.ts';
import { describeEnvironment } from './environment.ts';
import { DeviceLostError, unlessLost } from './errors.ts';
import type { LabHost } from './host.ts';
import { describeInWords } from './plain-words.ts';
import { softwareCapBytes } from './risk.ts';
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
const GIB = 1_073_741_824;
/** Nobody's desktop is to be pushed out of memory: beyond this the probe stops and says so. */
const GPU_CAP_BYTES = 16 * GIB;

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

type Reading = Omit<CheckMeasurement, 'id' | 'label' | 'unit' | 'value' | 'percentOfPeak'> & {
  readonly value?: number | null;
  readonly percentOfPeak?: number | null;
};

interface Stage {
  readonly id: string;
  readonly label: string;
  readonly unit: string;
  /** Of the whole time. */
  readonly share: number;
  /** In words, for the progress. */
  readonly doing: string;
  readonly measure: (budgetMs: number) => Promise<Reading>;
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
  #readPeakGbps: number | null = null;
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
      for (const stage of this.#stages(timer)) await this.#stage(stage);
      return this.#result(environment, createdAt);
    } finally {
      clearTimeout(over);
      timer.destroy();
    }
  }

  #stages(timer: Timer): Stage[] {
    const { host } = this.#options;
    const signal = this.#signal;
    const gpu = this.#gpu;
    const clocked = timer.clock === 'gpu' ? 'On the GPU’s clock.' : 'On the host’s clock, submit included.';
    const fma = (number: FmaNumber): Stage => ({
      id: `fma-${number}`,
      label: `Multiply-add rate, ${number}`,
      unit: 'GFLOP/s',
      share: 0.05,
      doing: `Measuring ${number} arithmetic`,
      measure: async (budgetMs) => {
        if (number === 'f16' && !gpu.features.f16) return missing('This device has no shader-f16.');
        const { gflopsSamples, variant } = await measureFmaRate(gpu, timer, number, { budgetMs, signal });
        return {
          samples: [...gflopsSamples],
          note: `${variant}; a multiply-add counts as two operations. ${clocked}`,
        };
      },
    });
    return [
      {
        id: 'dispatch-overhead',
        label: 'One more dispatch in a pass',
        unit: 'µs',
        share: 0.05,
        doing: 'Measuring what a dispatch costs',
        measure: async (budgetMs) => ({
          samples: [...(await measureDispatchOverhead(gpu, timer, { budgetMs, signal }))],
          note: `Slope between 50 and 450 empty dispatches of one pass. ${clocked}`,
        }),
      },
      {
        id: 'submit-latency',
        label: 'Submit to done, empty',
        unit: 'ms',
        share: 0.01,
        doing: 'Measuring what a submit costs',
        measure: async () => ({
          samples: [...(await measureSubmitLatency(gpu, timer, 15))],
          note: 'From the submit of one empty dispatch until the host hears that it is done.',
        }),
      },
      {
        id: 'readback-latency',
        label: 'Read-back of 16 bytes',
        unit: 'ms',
        share: 0.01,
        doing: 'Measuring what a read-back costs',
        measure: async () => ({
          samples: [...(await measureReadback(gpu, host.now, 15))],
          note: 'From the submit of a 16-byte copy until the host can read it.',
        }),
      },
      {
        id: 'read-bandwidth',
        label: 'Read bandwidth',
        unit: 'GB/s',
        share: 0.13,
        doing: 'Measuring read bandwidth',
        measure: async (budgetMs) => {
          const read = await measureReadBandwidth(gpu, timer, { budgetMs, signal });
          if (read.gbpsSamples.length > 0) this.#readPeakGbps = median(read.gbpsSamples);
          const mib = Math.round(read.footprintBytes / 1_048_576);
          return { samples: [...read.gbpsSamples], note: `${read.variant}, over ${mib} MiB. ${clocked}` };
        },
      },
      {
        id: 'copy-bandwidth',
        label: 'Copy bandwidth',
        unit: 'GB/s',
        share: 0.08,
        doing: 'Measuring copy bandwidth',
        measure: async (budgetMs) => ({
          samples: [...(await measureCopyBandwidth(gpu, timer, { budgetMs, signal }))],
          note: 'Between two buffers; a copied byte counts once. On the host’s clock.',
        }),
      },
      fma('f32'),
      fma('f16'),
      // Before attention, which a slow device may not finish: what fits is the first thing that people ask.
      this.#poolStage(),
      ...this.#decodeStages(timer, KV_FORMATS),
    ];
  }

  #decodeStages(timer: Timer, formats: readonly KvFormat[]): Stage[] {
    const { host, tunings } = this.#options;
    const signal = this.#signal;
    return formats.map((format) => ({
      id: `decode.${format}`,
      label: `Decode attention, ${format}`,
      unit: 'GB/s',
      share: 0.45 / formats.length,
      doing: `Measuring decode attention with ${format}`,
      measure: async (budgetMs) => {
        const decode = await measureDecodeByFormat(this.#gpu, timer, format, {
          host,
          signal,
          tunings,
          budgetMs,
        });
        const samples = [...decode.gbpsSamples];
        const peak = this.#readPeakGbps;
        const percentOfPeak = peak === null || samples.length === 0 ? null : (100 * median(samples)) / peak;
        return { samples, percentOfPeak, note: decode.note };
      },
    }));
  }

  #poolStage(): Stage {
    const { host, poolCapBytes = Infinity } = this.#options;
    const signal = this.#signal;
    const { hostMemoryBytes } = host.facts;
    const ownCap = this.#gpu.isFallback
      ? softwareCapBytes(hostMemoryBytes)
      : Math.min(GPU_CAP_BYTES, hostMemoryBytes === null ? 4 * GIB : Math.max(4 * GIB, hostMemoryBytes / 2));
    const capBytes = Math.min(ownCap, poolCapBytes);
    return {
      id: 'largest-pool',
      label: 'Largest pool that really allocates',
      unit: 'B',
      share: 0.2,
      doing: 'Allocating and writing a large pool',
      measure: async (budgetMs) => {
        const now = host.now;
        const found = await measureLargestPool(this.#gpu, { capBytes, budgetMs, now, signal });
        const why = found.capped
          ? 'Stopped there to spare this machine; there may be more.'
          : found.outOfTime
            ? 'Stopped when its time was over; there may be more.'
            : 'The device refused more.';
        return {
          samples: [found.bytes],
          note: `Allocated in pieces of a layer’s size and written to. ${why}`,
        };
      },
    };
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

function missing(note: string): Reading {
  return { samples: [], value: null, note };
}
