/** The raw numbers of a point that metrics are made of: a list for each repetition. */
import type { Point, Repetition, StepSample } from '../run/schema.ts';
import type { MetricId } from './definitions.ts';
import { median } from './percentiles.ts';
import {
  e2eMs,
  goodput,
  interTokenGapsMs,
  isFinished,
  queueMs,
  spanMs,
  tpotMs,
  ttftMs,
  type Objectives,
} from './requests.ts';

type Phase = StepSample['phase'];

/** GPU milliseconds of a step, the host's where the GPU told none. */
export function stepMs({ gpuMs, wallMs }: StepSample): number {
  return gpuMs ?? wallMs;
}

function stepsOf({ steps }: Repetition, phase: Phase): StepSample[] {
  return steps.filter((step) => step.phase === phase);
}

function total(steps: readonly StepSample[], of: (step: StepSample) => number): number {
  return steps.reduce((sum, step) => sum + of(step), 0);
}

/** Quotient, or null where nothing was measured. */
function ratio(numerator: number, denominator: number): number | null {
  return denominator > 0 ? numerator / denominator : null;
}

function tokensPerSecond(repetition: Repetition, phase: Phase): number | null {
  const steps = stepsOf(repetition, phase);
  return ratio(
    1000 * total(steps, ({ tokens }) => tokens),
    total(steps, ({ wallMs }) => wallMs),
  );
}

function throughput({ requests }: Repetition): number | null {
  const tokens = requests.filter(isFinished).reduce((sum, { outputTokens }) => sum + outputTokens, 0);
  const span = spanMs(requests);
  return span === null ? null : (1000 * tokens) / span;
}

function kvReadGBps(repetition: Repetition): number | null {
  const steps = stepsOf(repetition, 'decode');
  return ratio(total(steps, ({ kvReadBytes }) => kvReadBytes) / 1e6, total(steps, stepMs));
}

/** Time of the steps of a phase; null where a repetition has none. */
function phaseMs(repetition: Repetition, phase: Phase): number | null {
  const steps = stepsOf(repetition, phase);
  return steps.length === 0 ? null : total(steps, ({ wallMs }) => wallMs);
}

function medianDecodeMs(repetition: Repetition): number | null {
  const steps = stepsOf(repetition, 'decode');
  return steps.length === 0 ? null : median(steps.map(({ wallMs }) => wallMs));
}

export type DistributionId = 'queue' | 'ttft' | 'tpot' | 'itl' | 'e2e';
export type ScalarId = Exclude<MetricId, DistributionId>;

/** One value for a repetition, or null where it has none. */
const SCALARS: Record<ScalarId, (repetition: Repetition, objectives: Objectives) => number | null> = {
  prefillMs: (repetition) => phaseMs(repetition, 'prefill'),
  decodeStepMs: medianDecodeMs,
  evictMs: (repetition) => phaseMs(repetition, 'evict'),
  throughput,
  prefillThroughput: (repetition) => tokensPerSecond(repetition, 'prefill'),
  decodeThroughput: (repetition) => tokensPerSecond(repetition, 'decode'),
  goodput: ({ requests }, objectives) => goodput(requests, objectives)?.perSecond ?? null,
  attainment: ({ requests }, objectives) => {
    const good = goodput(requests, objectives);
    return good === null ? null : 100 * good.attainment;
  },
  kvReadGBps,
  kvUsed: ({ peakMemory }) => peakMemory.usedBytes,
  kvReserved: ({ peakMemory }) => peakMemory.reservedBytes,
  kvWasted: ({ peakMemory }) => peakMemory.reservedBytes - peakMemory.usedBytes,
  kvAllocated: ({ peakMemory }) => peakMemory.allocatedBytes,
};

const DISTRIBUTIONS: Record<DistributionId, (repetition: Repetition) => number[]> = {
  queue: ({ requests }) => requests.filter(isFinished).map(queueMs),
  ttft: ({ requests }) => requests.filter(isFinished).map(ttftMs),
  // A single token has no time between tokens; the 0 of the definition would only pull percentiles down.
  tpot: ({ requests }) =>
    requests
      .filter(isFinished)
      .filter((r) => r.outputTokens > 1)
      .map(tpotMs),
  itl: interTokenGapsMs,
  e2e: ({ requests }) => requests.filter(isFinished).map(e2eMs),
};

export const SCALAR_IDS = Object.keys(SCALARS).filter((id): id is ScalarId => id in SCALARS);
export const DISTRIBUTION_IDS = Object.keys(DISTRIBUTIONS).filter(
  (id): id is DistributionId => id in DISTRIBUTIONS,
);

/** Whether a point ran and kept something. */
export function hasRepetitions({ status, repetitions }: Point): boolean {
  return (status === 'done' || status === 'shrunk') && repetitions.length > 0;
}

/** The value of each repetition that has one. */
export function scalarSamples(point: Point, id: ScalarId, objectives: Objectives): number[] {
  if (!hasRepetitions(point)) return [];
  return point.repetitions.flatMap((repetition) => SCALARS[id](repetition, objectives) ?? []);
}

/** The samples of each repetition that has some. */
export function distributionSamples(point: Point, id: DistributionId): number[][] {
  if (!hasRepetitions(point)) return [];
  return point.repetitions.map(DISTRIBUTIONS[id]).filter((samples) => samples.length > 0);
}
