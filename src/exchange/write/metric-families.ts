/** The metrics that a run is written as: name, type, help, and where its values are. The dashboard reads the same table. */
import { FACT_TIMES, type FactTime, type RunFact } from '../facts/fact.ts';

/** An extra label, and the value. */
type Sample = readonly [readonly [string, string] | null, number | null];

interface Kvopt {
  readonly name: string;
  readonly scale: number;
}

export interface MetricFamily {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  /** As Grafana names the unit. */
  readonly unit: 's' | 'bytes' | 'percentunit' | 'short' | 'reqps';
  /** Panel of the dashboard; metrics of one panel stand in one plot. */
  readonly panel: string;
  /** kv-optkit's name for it, and what its unit takes of ours (kvopt/server/metrics.py @ 35e6e27598eb); null: it has none. */
  readonly kvopt: Kvopt | null;
  readonly samples: (fact: RunFact) => readonly Sample[];
}

const plain =
  (of: (fact: RunFact) => number | null): MetricFamily['samples'] =>
  (fact) => [[null, of(fact)]];

const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);

function shareOf(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole <= 0 ? null : part / whole;
}

const LATENCIES: Readonly<Record<FactTime, { readonly name: string; readonly help: string }>> = {
  ttftMs: { name: 'ttft', help: 'Time from sending a request to its first token' },
  tpotMs: { name: 'tpot', help: '(End to end − TTFT) / (output tokens − 1) of each request' },
  itlMs: { name: 'itl', help: 'Gaps between tokens, of all requests together' },
  e2eMs: { name: 'e2e', help: 'Time from sending a request to its last token' },
  queueMs: { name: 'queue', help: 'Time from a request’s arrival to its first step' },
};

const QUANTILES = [
  ['0.5', 'p50'],
  ['0.9', 'p90'],
  ['0.95', 'p95'],
  ['0.99', 'p99'],
] as const;

function latencyFamilies(time: FactTime): MetricFamily[] {
  const { name, help } = LATENCIES[time];
  const common = { type: 'gauge' as const, unit: 's' as const, panel: help, kvopt: null };
  return [
    {
      ...common,
      name: `kvlab_${name}_seconds`,
      help: `${help}, in seconds, by quantile`,
      samples: (fact) =>
        QUANTILES.map(([quantile, statistic]) => [
          ['quantile', quantile],
          seconds(fact.times[time]?.[statistic] ?? null),
        ]),
    },
    {
      ...common,
      name: `kvlab_${name}_mean_seconds`,
      kvopt: time === 'ttftMs' ? { name: 'kvopt_ttft_ms', scale: 1000 } : null,
      help: `${help}, in seconds, mean`,
      samples: plain((fact) => seconds(fact.times[time]?.mean ?? null)),
    },
  ];
}

const GAUGES: readonly MetricFamily[] = [
  {
    name: 'kvlab_kv_utilization_ratio',
    type: 'gauge',
    help: 'Mean share of the KV budget in use, 0 to 1',
    unit: 'percentunit',
    panel: 'KV cache in use',
    kvopt: { name: 'kvopt_hbm_utilization', scale: 1 },
    samples: plain((fact) => fact.kvUseMean ?? shareOf(fact.kvBytes, fact.kvBudgetBytes)),
  },
  {
    name: 'kvlab_kv_utilization_peak_ratio',
    type: 'gauge',
    help: 'Largest share of the KV budget in use, 0 to 1',
    unit: 'percentunit',
    panel: 'KV cache in use',
    kvopt: null,
    samples: plain((fact) => fact.kvUsePeak),
  },
  {
    name: 'kvlab_kv_used_bytes',
    type: 'gauge',
    help: 'Bytes of the KV cache in use, of all replicas, mean or at the end',
    unit: 'bytes',
    panel: 'Bytes of KV',
    kvopt: { name: 'kvopt_hbm_used_gb', scale: 1e-9 },
    samples: plain((fact) => fact.kvBytes),
  },
  {
    name: 'kvlab_kv_budget_bytes',
    type: 'gauge',
    help: 'Bytes that the KV caches of all replicas may take',
    unit: 'bytes',
    panel: 'Bytes of KV',
    kvopt: null,
    samples: plain((fact) => fact.kvBudgetBytes),
  },
  {
    name: 'kvlab_host_tier_used_bytes',
    type: 'gauge',
    help: 'Bytes of KV in lower tiers at the end',
    unit: 'bytes',
    panel: 'Bytes of KV',
    kvopt: { name: 'kvopt_ddr_used_gb', scale: 1e-9 },
    samples: plain((fact) => fact.hostBytes),
  },
  {
    name: 'kvlab_host_tier_utilization_ratio',
    type: 'gauge',
    help: 'Share of the lower tiers in use, 0 to 1',
    unit: 'percentunit',
    panel: 'KV cache in use',
    kvopt: { name: 'kvopt_ddr_utilization', scale: 1 },
    samples: plain((fact) => shareOf(fact.hostBytes, fact.hostBudgetBytes)),
  },
  {
    name: 'kvlab_p95_latency_seconds',
    type: 'gauge',
    help: '95th percentile of the time from sending a request to its last token, in seconds',
    unit: 's',
    panel: 'p95 and TTFT',
    kvopt: { name: 'kvopt_p95_latency_ms', scale: 1000 },
    samples: plain((fact) => seconds(fact.times.e2eMs?.p95 ?? null)),
  },
  {
    name: 'kvlab_request_throughput_rps',
    type: 'gauge',
    help: 'Finished requests a second',
    unit: 'reqps',
    panel: 'Requests a second',
    kvopt: null,
    samples: plain((fact) => fact.requestsPerSecond),
  },
  {
    name: 'kvlab_goodput_rps',
    type: 'gauge',
    help: 'Requests a second that met all objectives',
    unit: 'reqps',
    panel: 'Requests a second',
    kvopt: null,
    samples: plain((fact) => fact.goodput),
  },
  {
    name: 'kvlab_output_tokens_per_second',
    type: 'gauge',
    help: 'Output tokens of finished requests over the duration',
    unit: 'short',
    panel: 'Output tokens a second',
    kvopt: null,
    samples: plain((fact) => fact.outputTokensPerSecond),
  },
];

function counter(
  name: string,
  help: string,
  of: (fact: RunFact) => number | null,
  panel: string,
  kvopt: string | null = null,
): MetricFamily {
  const theirs = kvopt === null ? null : { name: kvopt, scale: 1 };
  return { name, type: 'counter', help, unit: 'short', panel, kvopt: theirs, samples: plain(of) };
}

const COUNTERS: readonly MetricFamily[] = [
  counter('kvlab_requests_total', 'Requests of the run', (fact) => fact.requests, 'Requests'),
  counter('kvlab_requests_failed_total', 'Requests that failed', (fact) => fact.failed, 'Requests'),
  counter(
    'kvlab_preemptions_total',
    'Sequences that were thrown out for want of blocks',
    (fact) => fact.preemptions,
    'Preemptions',
  ),
  counter(
    'kvlab_reuse_hits_total',
    'Prompt tokens found in the prefix cache',
    (fact) => fact.hitTokens,
    'Reuse of prompts',
    'kvopt_reuse_hits_total',
  ),
  counter(
    'kvlab_reuse_misses_total',
    'Prompt tokens not found in the prefix cache',
    ({ lookedUpTokens, hitTokens }) =>
      lookedUpTokens === null || hitTokens === null ? null : Math.max(0, lookedUpTokens - hitTokens),
    'Reuse of prompts',
    'kvopt_reuse_misses_total',
  ),
  counter(
    'kvlab_tokens_evicted_total',
    'Tokens that the autopilot evicted',
    (fact) => fact.tokensEvicted,
    'What the autopilot did',
    'kvopt_tokens_evicted_total',
  ),
  counter(
    'kvlab_tokens_quantized_total',
    'Tokens whose KV the autopilot put into a smaller format',
    (fact) => fact.tokensQuantized,
    'What the autopilot did',
    'kvopt_tokens_quantized_total',
  ),
  counter(
    'kvlab_tokens_offloaded_total',
    'Tokens that the autopilot moved to a lower tier',
    (fact) => fact.tokensOffloaded,
    'What the autopilot did',
  ),
  counter(
    'kvlab_tokens_fetched_total',
    'Tokens that came back from a lower tier',
    (fact) => fact.tokensFetched,
    'What the autopilot did',
  ),
  counter(
    'kvlab_autopilot_applies_total',
    'Plans of the autopilot that were applied',
    (fact) => fact.applies,
    'Plans',
    'kvopt_autopilot_applies_total',
  ),
  counter(
    'kvlab_autopilot_rollbacks_total',
    'Plans of the autopilot that were rolled back',
    (fact) => fact.rollbacks,
    'Plans',
    'kvopt_autopilot_rollbacks_total',
  ),
];

export const METRIC_FAMILIES: readonly MetricFamily[] = [
  ...GAUGES,
  ...FACT_TIMES.flatMap(latencyFamilies),
  ...COUNTERS,
];
