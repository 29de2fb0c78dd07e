/**
 * Each metric, defined once: the tooltip, the figure's caption, the export and the docs read this.
 *
 * Symbols: q queued, s start, f first token, e end (milliseconds on a repetition's clock); n output tokens; p prompt
 * tokens. Times are the host's clock unless a definition says otherwise; those of a simulation are its own clock.
 */

import type { SimSummary } from '../run/simulation.ts';

export interface MetricDefinition {
  readonly name: string;
  /** In symbols; empty where words are shorter. */
  readonly symbols: string;
  /** One or two plain sentences. */
  readonly sentence: string;
  readonly unit: string;
  /** Which way is better; null where neither is. */
  readonly better: 'lower' | 'higher' | null;
}

const DEFINED = {
  queue: {
    name: 'Queue time',
    symbols: 's − q',
    sentence: 'From the moment a request was handed in until its first prefill step began.',
    unit: 'ms',
    better: 'lower',
  },
  ttft: {
    name: 'Time to first token',
    symbols: 'TTFT = f − q',
    sentence:
      'From the moment a request was handed in until its first output token was done, queueing included.',
    unit: 'ms',
    better: 'lower',
  },
  tpot: {
    name: 'Time per output token',
    symbols: 'TPOT = (e − f) / (n − 1)',
    sentence: 'Mean time between the output tokens of one request after its first; 0 for a single token.',
    unit: 'ms',
    better: 'lower',
  },
  itl: {
    name: 'Inter-token latency',
    symbols: 'ITL = t(i) − t(i−1)',
    sentence:
      'Each gap between two output tokens of one request, pauses for other requests’ prefill included.',
    unit: 'ms',
    better: 'lower',
  },
  e2e: {
    name: 'Request latency',
    symbols: 'E2E = e − q',
    sentence: 'From the moment a request was handed in until its last token was done.',
    unit: 'ms',
    better: 'lower',
  },
  prefillMs: {
    name: 'Prefill time',
    symbols: 'Σ prefill steps',
    sentence:
      'Time of all prefill steps of one repetition: appending the prompts’ K and V and attending over them.',
    unit: 'ms',
    better: 'lower',
  },
  decodeStepMs: {
    name: 'Decode step',
    symbols: 'median of decode steps',
    sentence:
      'One token for every running sequence: appending its K and V and attending over its context, all layers.',
    unit: 'ms',
    better: 'lower',
  },
  evictMs: {
    name: 'Eviction time',
    symbols: 'Σ eviction steps',
    sentence:
      'Time of all steps of one repetition that score, select and compact tokens to keep within the budget.',
    unit: 'ms',
    better: 'lower',
  },
  throughput: {
    name: 'Output throughput',
    symbols: 'Σ n / (max e − min q)',
    sentence:
      'Output tokens of all finished requests of a repetition over the time from the first hand-in to the last end.',
    unit: 'tok/s',
    better: 'higher',
  },
  prefillThroughput: {
    name: 'Prefill throughput',
    symbols: 'Σ prompt tokens / Σ prefill steps',
    sentence: 'Prompt tokens appended and attended in prefill steps over the time of those steps.',
    unit: 'tok/s',
    better: 'higher',
  },
  decodeThroughput: {
    name: 'Decode throughput',
    symbols: 'Σ decode tokens / Σ decode steps',
    sentence: 'Tokens of all decode steps over the time of those steps.',
    unit: 'tok/s',
    better: 'higher',
  },
  goodput: {
    name: 'Goodput',
    symbols: '#(TTFT ≤ a and TPOT ≤ b) / (max e − min q)',
    sentence: 'Requests a second that meet every objective that is set; a failed request meets none.',
    unit: 'req/s',
    better: 'higher',
  },
  attainment: {
    name: 'Objectives met',
    symbols: '#(TTFT ≤ a and TPOT ≤ b) / #requests',
    sentence: 'Share of the requests that meet every objective that is set.',
    unit: '%',
    better: 'higher',
  },
  kvReadGBps: {
    name: 'KV read rate',
    symbols: 'Σ bytes of K and V read / Σ decode steps',
    sentence:
      'Bytes of K and V that decode attention reads over the time of the decode steps, by the GPU’s clock where there is one. 1 GB = 10⁹ bytes.',
    unit: 'GB/s',
    better: 'higher',
  },
  kvUsed: {
    name: 'KV used',
    symbols: '',
    sentence:
      'Bytes that hold a token’s K or V at the moment of highest use; the sum of our own allocations.',
    unit: 'B',
    better: null,
  },
  kvReserved: {
    name: 'KV reserved',
    symbols: '',
    sentence: 'Bytes of the blocks or reservations given to sequences at the moment of highest use.',
    unit: 'B',
    better: 'lower',
  },
  kvWasted: {
    name: 'KV wasted',
    symbols: 'reserved − used',
    sentence:
      'Bytes reserved for sequences that hold no token: ends of last blocks, or the unused rest of a reservation.',
    unit: 'B',
    better: 'lower',
  },
  kvAllocated: {
    name: 'KV allocated',
    symbols: '',
    sentence:
      'Bytes of the pool’s buffers on the GPU; the sum of our own allocations, not what the driver adds.',
    unit: 'B',
    better: null,
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricId = keyof typeof DEFINED;

export const METRICS: Readonly<Record<MetricId, MetricDefinition>> = DEFINED;

/** Every metric in the order of reading. */
export const METRIC_IDS = Object.keys(DEFINED).filter((id): id is MetricId => id in DEFINED);

/** Name, sentence, symbols and unit as one caption. */
export function describeMetric(id: MetricId): string {
  const { name, sentence, symbols, unit } = METRICS[id];
  return `${name} (${unit}): ${sentence}${symbols === '' ? '' : ` ${symbols}.`}`;
}

const SERVING = {
  requests: {
    name: 'Requests',
    symbols: '',
    sentence: 'Requests of the workload, those included that were never sent or never ended.',
    unit: '',
    better: null,
  },
  finished: {
    name: 'Finished',
    symbols: '',
    sentence: 'Requests whose last token was done.',
    unit: '',
    better: null,
  },
  durationMs: {
    name: 'Duration',
    symbols: 'max e − min q',
    sentence: 'From the first arrival to the last end.',
    unit: 'ms',
    better: null,
  },
  ttftMs: DEFINED.ttft,
  tpotMs: DEFINED.tpot,
  itlMs: {
    ...DEFINED.itl,
    sentence:
      'Each gap between two steps that brought a request tokens, pauses for other requests’ prefill and for its own preemption included.',
  },
  tbtMs: {
    name: 'TBT',
    symbols: 'mean of the longest 10 % of ITL',
    sentence: 'Mooncake’s time between tokens: the mean of the longest tenth of all gaps.',
    unit: 'ms',
    better: 'lower',
  },
  e2eMs: DEFINED.e2e,
  queueMs: DEFINED.queue,
  promptTokensPerSecond: {
    name: 'Prompt throughput',
    symbols: 'Σ p / (max e − min q)',
    sentence: 'Prompt tokens of all finished requests, cached ones included, over the duration.',
    unit: 'tok/s',
    better: 'higher',
  },
  outputTokensPerSecond: DEFINED.throughput,
  requestsPerSecond: {
    name: 'Request throughput',
    symbols: '#finished / (max e − min q)',
    sentence: 'Finished requests over the duration.',
    unit: 'req/s',
    better: 'higher',
  },
  goodput: {
    ...DEFINED.goodput,
    symbols: '#(TTFT ≤ a and TPOT ≤ b and E2E ≤ c) / (max e − min q)',
  },
  attainment: {
    ...DEFINED.attainment,
    symbols: '#(TTFT ≤ a and TPOT ≤ b and E2E ≤ c) / #finished',
    sentence: 'Share of the finished requests that meet every objective that is set.',
  },
  withinObjective: {
    name: 'Within one objective',
    symbols: '#(TTFT ≤ a), #(TPOT ≤ b), #(E2E ≤ c)',
    sentence: 'Finished requests that meet an objective, each objective by itself.',
    unit: 'requests',
    better: 'higher',
  },
  prefixHitRatio: {
    name: 'Prefix hit ratio',
    symbols: 'Σ cached / Σ p',
    sentence:
      'Prompt tokens found in the prefix cache at a request’s first admission over all prompt tokens that were looked up.',
    unit: '%',
    better: 'higher',
  },
  preemptions: {
    name: 'Preemptions',
    symbols: '',
    sentence: 'Times that a running request lost its blocks to another one.',
    unit: '',
    better: 'lower',
  },
  recomputedTokens: {
    name: 'Recomputed tokens',
    symbols: 'Σ (computed − found again)',
    sentence:
      'Tokens that were computed before a preemption and were not found in the cache when the request came back.',
    unit: 'tokens',
    better: 'lower',
  },
  steps: { name: 'Steps', symbols: '', sentence: 'Steps of all replicas.', unit: '', better: null },
  meanBatch: {
    name: 'Mean batch',
    symbols: 'Σ (decodes + chunks) / #steps',
    sentence: 'Sequences that computed something in a step, on average.',
    unit: '',
    better: null,
  },
  kvBlocks: {
    name: 'KV blocks',
    symbols: '',
    sentence:
      'Blocks of the pools of all replicas. Where layers keep unlike, a block is a page of each layer of one group of them.',
    unit: 'blocks',
    better: null,
  },
  peakKvBlocks: {
    name: 'Peak KV blocks',
    symbols: '',
    sentence: 'Most blocks that sequences referred to while a step ran, all replicas together.',
    unit: 'blocks',
    better: null,
  },
  meanKvBlocks: {
    name: 'Mean KV blocks',
    symbols: 'Σ blocks · step time / duration',
    sentence: 'Blocks that sequences referred to, on average over the duration.',
    unit: 'blocks',
    better: null,
  },
  fragmentation: {
    name: 'Fragmentation',
    symbols: 'Σ empty slots · step time / Σ slots of given blocks · step time',
    sentence: 'Share of the slots in blocks that were given to sequences that hold no token.',
    unit: '%',
    better: 'lower',
  },
  steadyFromMs: {
    name: 'Steady from',
    symbols: 'MSER-5',
    sentence:
      'When the number of requests in the system has left its start behind (MSER-5 over 400 spans); none where it still grows.',
    unit: 'ms',
    better: null,
  },
} as const satisfies Record<keyof SimSummary, MetricDefinition>;

/** What the summary of a simulated engine says, field by field. Ratios are shares of 1 there and percent on screen. */
export const SERVING_METRICS: Readonly<Record<keyof SimSummary, MetricDefinition>> = SERVING;
