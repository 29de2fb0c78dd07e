/**
 * Each metric, defined once: the tooltip, the figure's caption, the export and the docs read this.
 *
 * Symbols: q queued, s start, f first token, e end (milliseconds on a repetition's clock); n output tokens; p prompt
 * tokens. Times are the host's clock unless a definition says otherwise.
 */

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
