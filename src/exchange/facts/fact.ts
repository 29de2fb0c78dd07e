/**
 * What a run says in figures, whatever kind it is: one fact a repetition of a point. Exporters read facts, so that each of
 * them need not know every kind of run.
 *
 * Only what a run holds: a figure that it has not is null, never 0, and an exporter leaves it out.
 */
import type { Origin } from '../../core/run/schema.ts';
import type { SimDistribution, SimSummary } from '../../core/run/simulation.ts';

export const FACT_TIMES = ['ttftMs', 'tpotMs', 'itlMs', 'e2eMs', 'queueMs'] as const;
export type FactTime = (typeof FACT_TIMES)[number];

export const FACT_STATISTICS = ['mean', 'min', 'p50', 'p90', 'p95', 'p99', 'p999', 'max'] as const;
export type FactStatistic = (typeof FACT_STATISTICS)[number];
export type FactDistribution = Readonly<Record<FactStatistic, number | null>> & {
  readonly samples: number | null;
};

export interface FactEngine {
  /** `KV Lab simulator`, `vllm`, `llama.cpp` … */
  readonly name: string;
  readonly version: string | null;
}

/** What the GPUs are, where the run knows it. */
export interface FactHardware {
  readonly gpu: string;
  readonly gpus: number;
  readonly replicas: number;
  readonly tensorParallel: number;
  readonly pipelineParallel: number;
}

export interface RunFact {
  readonly point: number;
  readonly repetition: number;
  /** Tells the facts of one run apart. */
  readonly label: string;
  readonly settings: Readonly<Record<string, number | string>>;
  readonly origin: Origin;
  readonly model: string | null;
  readonly engine: FactEngine;
  readonly hardware: FactHardware | null;
  /** Offered requests a second; null: as many as are in flight. */
  readonly requestRate: number | null;
  /** Requests in flight, as the load set them. */
  readonly concurrency: number | null;
  /** Means of a request. */
  readonly promptTokens: number | null;
  readonly outputTokens: number | null;
  readonly requests: number | null;
  readonly finished: number | null;
  readonly failed: number | null;
  readonly durationMs: number | null;
  readonly times: Readonly<Record<FactTime, FactDistribution | null>>;
  readonly requestsPerSecond: number | null;
  readonly promptTokensPerSecond: number | null;
  readonly outputTokensPerSecond: number | null;
  readonly goodput: number | null;
  /** Prompt tokens asked of the prefix cache, and found there. */
  readonly lookedUpTokens: number | null;
  readonly hitTokens: number | null;
  readonly preemptions: number | null;
  /** Share of the KV budget, 0…1. */
  readonly kvUseMean: number | null;
  readonly kvUsePeak: number | null;
  readonly kvBytes: number | null;
  readonly kvBudgetBytes: number | null;
  readonly hostBytes: number | null;
  readonly hostBudgetBytes: number | null;
  /** Of an autopilot. */
  readonly tokensEvicted: number | null;
  readonly tokensQuantized: number | null;
  readonly tokensOffloaded: number | null;
  readonly tokensFetched: number | null;
  readonly applies: number | null;
  readonly rollbacks: number | null;
}

export const NO_TIMES: RunFact['times'] = {
  ttftMs: null,
  tpotMs: null,
  itlMs: null,
  e2eMs: null,
  queueMs: null,
};

/** Of which nothing is known. */
export const NO_DISTRIBUTION: FactDistribution = {
  samples: null,
  mean: null,
  min: null,
  p50: null,
  p90: null,
  p95: null,
  p99: null,
  p999: null,
  max: null,
};

/** A fact without a figure, to be filled. */
export const NO_FACT: RunFact = {
  point: 0,
  repetition: 0,
  label: '',
  settings: {},
  origin: 'measured',
  model: null,
  engine: { name: 'unknown', version: null },
  hardware: null,
  requestRate: null,
  concurrency: null,
  promptTokens: null,
  outputTokens: null,
  requests: null,
  finished: null,
  failed: null,
  durationMs: null,
  times: NO_TIMES,
  requestsPerSecond: null,
  promptTokensPerSecond: null,
  outputTokensPerSecond: null,
  goodput: null,
  lookedUpTokens: null,
  hitTokens: null,
  preemptions: null,
  kvUseMean: null,
  kvUsePeak: null,
  kvBytes: null,
  kvBudgetBytes: null,
  hostBytes: null,
  hostBudgetBytes: null,
  tokensEvicted: null,
  tokensQuantized: null,
  tokensOffloaded: null,
  tokensFetched: null,
  applies: null,
  rollbacks: null,
};

function distributionOf(found: SimDistribution | null): FactDistribution | null {
  if (found === null) return null;
  const { samples, mean, min, p50, p90, p95, p99, p999, max } = found;
  return { samples, mean, min, p50, p90, p95, p99, p999, max };
}

/** What a summary of requests says; the caller adds whose it is. */
export function summaryFigures(summary: SimSummary): Partial<RunFact> {
  const { ttftMs, tpotMs, itlMs, e2eMs, queueMs } = summary;
  const blocks = summary.kvBlocks > 0;
  return {
    requests: summary.requests,
    finished: summary.finished,
    durationMs: summary.durationMs,
    times: {
      ttftMs: distributionOf(ttftMs),
      tpotMs: distributionOf(tpotMs),
      itlMs: distributionOf(itlMs),
      e2eMs: distributionOf(e2eMs),
      queueMs: distributionOf(queueMs),
    },
    requestsPerSecond: summary.requestsPerSecond,
    promptTokensPerSecond: summary.promptTokensPerSecond,
    outputTokensPerSecond: summary.outputTokensPerSecond,
    goodput: summary.goodput,
    preemptions: summary.preemptions,
    kvUseMean: blocks ? summary.meanKvBlocks / summary.kvBlocks : null,
    kvUsePeak: blocks ? summary.peakKvBlocks / summary.kvBlocks : null,
  };
}

/** `workload.concurrency=8, engine.kvFormat=int8`, or the place in the run. */
export function settingsWords(settings: RunFact['settings'], point: number): string {
  const words = Object.entries(settings).map(([path, value]) => `${path}=${value}`);
  return words.length === 0 ? `point ${point + 1}` : words.join(', ');
}

/** Sum of what there is; null where there is nothing. */
export function sumOf(column: readonly (number | null)[]): number | null {
  const known = column.filter((value): value is number => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}

export function meanOf(column: readonly (number | null)[]): number | null {
  const known = column.filter((value): value is number => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
