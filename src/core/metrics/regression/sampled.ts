/**
 * A run as samples to test: what each request took, repetition by repetition, in one shape for every kind of run that has
 * requests. Times are milliseconds by the definitions of definitions.ts; a request that has none is NaN.
 *
 * Runs without requests (checks, plans, tunings, quality, watches) have no samples here, and say so.
 */
import type { Run } from '../../run/schema.ts';
import type { ServingObjectives } from '../serving/summary.ts';
import { sampledLab } from './sampled-lab.ts';
import { sampledLoad } from './sampled-load.ts';
import { sampledServe } from './sampled-serve.ts';
import { sampledSimulation } from './sampled-sim.ts';

export const SAMPLED_LATENCIES = ['ttft', 'tpot', 'itl', 'e2e', 'queue'] as const;
export type SampledLatency = (typeof SAMPLED_LATENCIES)[number];
/** Latencies with one value a request; gaps between tokens have many. */
export type RequestLatencyName = Exclude<SampledLatency, 'itl'>;

export const SAMPLED_SCALARS = [
  'throughput',
  'requests per second',
  'goodput',
  'attainment',
  'hit ratio',
  'error rate',
  'preemptions',
] as const;
export type SampledScalar = (typeof SAMPLED_SCALARS)[number];

/** All requests of a repetition in the order in which they came. */
export interface SampledRows {
  readonly arrivalMs: Float64Array;
  readonly promptTokens: Float64Array;
  readonly latencies: Readonly<Record<RequestLatencyName, Float64Array>>;
  /** Gaps between tokens and the row that each belongs to; null where the run does not keep them. */
  readonly gaps: { readonly values: Float64Array; readonly rows: Uint32Array } | null;
  /** 1 for a request that kept every objective, 0 for one that broke one or failed; null without objectives. */
  readonly kept: Float64Array | null;
  /** 1 for a request that was sent and did not end. */
  readonly failed: Float64Array;
}

/** A distribution that was summed up while the run had all of it. */
export interface SummedUp {
  readonly mean: number;
  readonly samples: number;
  /** Values at probabilities 0, 1/n … 1. */
  readonly quantiles: readonly number[];
  /** Percentiles that are known exactly. */
  readonly exact: Readonly<Record<number, number>>;
}

export interface SampledRepetition {
  readonly seed: number | null;
  /** null where the run keeps only some of its requests. */
  readonly rows: SampledRows | null;
  readonly summed: Readonly<Record<SampledLatency, SummedUp | null>>;
  readonly scalars: Readonly<Record<SampledScalar, number | null>>;
  readonly requests: number;
  readonly finished: number;
}

export interface SampledPoint {
  readonly settings: Readonly<Record<string, number | string>>;
  readonly repetitions: readonly SampledRepetition[];
  /** Why there is nothing; null where there is. */
  readonly reason: string | null;
}

export interface SampledRun {
  readonly title: string;
  readonly origin: 'measured' | 'simulated';
  readonly objectives: ServingObjectives;
  readonly points: readonly SampledPoint[];
}

/** null for a run of a kind that has no requests. */
export function sampledRun(run: Run): SampledRun | null {
  switch (run.kind) {
    case 'simulate':
      return sampledSimulation(run);
    case 'load':
      return sampledLoad(run);
    case 'serve':
      return sampledServe(run);
    case 'lab':
      return sampledLab(run);
    case 'check':
    case 'quality':
    case 'tune':
    case 'plan':
    case 'watch':
    case 'autopilot':
    case 'imported':
      return null;
    default:
      return run satisfies never;
  }
}

/** Settings as a key that does not depend on their order. */
export function pointKey({ settings }: Pick<SampledPoint, 'settings'>): string {
  return JSON.stringify(Object.entries(settings).sort(([x], [y]) => (x < y ? -1 : 1)));
}

/** Settings in words; empty for the only point of a run without a sweep. */
export function pointWords({ settings }: Pick<SampledPoint, 'settings'>): string {
  return Object.entries(settings)
    .map(([path, value]) => `${path.split('.').at(-1) ?? path} ${String(value)}`)
    .join(', ');
}
