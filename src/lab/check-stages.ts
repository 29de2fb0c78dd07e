/**
 * What the hardware check measures, stage by stage: each with a share of the time, a name and what its number means.
 *
 * Boundary: the list. Running it within the time, and what becomes of a stage that fails, is check.ts.
 */
import { KV_FORMATS, type KvFormat } from '../core/kv/formats.ts';
import { median } from '../core/metrics/percentiles.ts';
import type { CheckMeasurement } from '../core/run/schema.ts';
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
import type { Timer } from '../gpu/timing.ts';
import type { TuningMemory } from './autotune.ts';
import { measureDecodeByFormat } from './check-decode.ts';
import type { LabHost } from './host.ts';
import { softwareCapBytes } from './risk.ts';

const GIB = 1_073_741_824;
/** Nobody's desktop is to be pushed out of memory: beyond this the probe stops and says so. */
const GPU_CAP_BYTES = 16 * GIB;

export type Reading = Omit<CheckMeasurement, 'id' | 'label' | 'unit' | 'value' | 'percentOfPeak'> & {
  readonly value?: number | null;
  readonly percentOfPeak?: number | null;
};

export interface Stage {
  readonly id: string;
  readonly label: string;
  readonly unit: string;
  /** Of the whole time. */
  readonly share: number;
  /** In words, for the progress. */
  readonly doing: string;
  readonly measure: (budgetMs: number) => Promise<Reading>;
}

/** What the stages measure on and with. */
export interface StageParts {
  readonly gpu: Gpu;
  readonly timer: Timer;
  readonly host: LabHost;
  readonly tunings: TuningMemory;
  readonly signal: AbortSignal;
  /** Most that the allocation probe may take, beside its own caps. */
  readonly poolCapBytes: number;
}

/** The peak that an earlier stage measured, for the shares of later ones. */
interface Peak {
  readGbps: number | null;
}

/** In the order in which they are measured. */
export function checkStages(parts: StageParts): Stage[] {
  const { gpu, timer, host, signal } = parts;
  const peak: Peak = { readGbps: null };
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
        if (read.gbpsSamples.length > 0) peak.readGbps = median(read.gbpsSamples);
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
    poolStage(parts),
    ...decodeStages(parts, KV_FORMATS, peak),
  ];
}

function decodeStages(parts: StageParts, formats: readonly KvFormat[], peak: Peak): Stage[] {
  const { gpu, timer, host, tunings, signal } = parts;
  return formats.map((format) => ({
    id: `decode.${format}`,
    label: `Decode attention, ${format}`,
    unit: 'GB/s',
    share: 0.45 / formats.length,
    doing: `Measuring decode attention with ${format}`,
    measure: async (budgetMs) => {
      const decode = await measureDecodeByFormat(gpu, timer, format, {
        host,
        signal,
        tunings,
        budgetMs,
      });
      const samples = [...decode.gbpsSamples];
      const { readGbps } = peak;
      const percentOfPeak =
        readGbps === null || samples.length === 0 ? null : (100 * median(samples)) / readGbps;
      return { samples, percentOfPeak, note: decode.note };
    },
  }));
}

function poolStage({ gpu, host, poolCapBytes, signal }: StageParts): Stage {
  const { hostMemoryBytes } = host.facts;
  const ownCap = gpu.isFallback
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
      const found = await measureLargestPool(gpu, { capBytes, budgetMs, now, signal });
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

/** A reading that says why there is no number. */
export function missing(note: string): Reading {
  return { samples: [], value: null, note };
}
