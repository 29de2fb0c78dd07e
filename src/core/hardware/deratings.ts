/**
 * What a part keeps of its published rates where power and cooling are short: laptops, small cases, capped boards.
 *
 * A share for heat, one for the power limit and one for what lasts beyond the first minutes; their product takes rates and
 * bandwidth down alike, memory stays. Three presets that a public planner uses, assumed by it and by us, and a fourth that it
 * calls validated: its .072 compares a laptop RTX 5060 with a desktop RTX 5090, two different chips, so it is kept as
 * disputed and never chosen on its own. A sustained hardware check replaces all of them: a measured GPU is not derated.
 */
import { THIS_GPU, type GpuRecord } from './records.ts';

export interface Derating {
  readonly thermal: number;
  readonly power: number;
  readonly sustained: number;
}

export interface DeratingPreset extends Derating {
  readonly id: DeratingId;
  readonly name: string;
  readonly disputed: boolean;
  readonly about: string;
}

export const DERATING_IDS = ['conservative', 'balanced', 'optimistic', 'disputed'] as const;
export type DeratingId = (typeof DERATING_IDS)[number];

function preset(id: DeratingId, shares: readonly [number, number, number], about: string): DeratingPreset {
  const [thermal, power, sustained] = shares;
  const name = `${id.charAt(0).toUpperCase()}${id.slice(1)}`;
  return { id, name, thermal, power, sustained, disputed: id === 'disputed', about };
}

const SOURCE = 'assumed, after kv-planner 0.1';

export const DERATINGS: Readonly<Record<DeratingId, DeratingPreset>> = {
  conservative: preset(
    'conservative',
    [0.5, 0.6, 0.7],
    `A thin laptop on its battery or in a warm room; ${SOURCE}.`,
  ),
  balanced: preset('balanced', [0.6, 0.7, 0.8], `A laptop at its charger; ${SOURCE}.`),
  optimistic: preset('optimistic', [0.7, 0.8, 0.9], `A large laptop, well cooled; ${SOURCE}.`),
  disputed: preset(
    'disputed',
    [0.45, 0.5, 0.32],
    'Published as validated, but it compares a laptop RTX 5060 with a desktop RTX 5090: disputed; kv-planner 0.1.',
  ),
};

export const NO_DERATING: Derating = { thermal: 1, power: 1, sustained: 1 };

/** The share of the published rates that is left. */
export function deratedShare({ thermal, power, sustained }: Derating): number {
  return thermal * power * sustained;
}

/** What a GPU is planned with when nobody says otherwise: laptops balanced, all others as published. */
export function deratingOf({ id, kind }: Pick<GpuRecord, 'id' | 'kind'>): Derating {
  // A hardware check measured what is left already.
  if (id === THIS_GPU) return NO_DERATING;
  return kind === 'laptop' || kind === 'mobile' ? DERATINGS.balanced : NO_DERATING;
}

function times(rate: number | null, share: number): number | null {
  return rate === null ? null : rate * share;
}

/** The record with its rates and bandwidth taken down; memory, links and power stay. */
export function derate(gpu: GpuRecord, derating: Derating): GpuRecord {
  const share = deratedShare(derating);
  if (share === 1) return gpu;
  if (!(share > 0 && share < 1))
    throw new Error(`A derating leaves ${share} of the rates; it must be above 0 and at most 1.`);
  const { serving } = gpu;
  return {
    ...gpu,
    bandwidthGBps: gpu.bandwidthGBps * share,
    fp32Tflops: times(gpu.fp32Tflops, share),
    fp16MatrixTflops: times(gpu.fp16MatrixTflops, share),
    fp16AccumulateTflops: times(gpu.fp16AccumulateTflops, share),
    serving: {
      ...serving,
      fp8MatrixTflops: times(serving.fp8MatrixTflops, share),
      int8MatrixTops: times(serving.int8MatrixTops, share),
      fp4MatrixTflops: times(serving.fp4MatrixTflops, share),
      int4MatrixTops: times(serving.int4MatrixTops, share),
    },
  };
}
