/** What is told of a steered cache, each defined once; figures, tiles, tables and exports read it here. */
import type { PlanStatus } from '../../run/autopilot.ts';

export interface AutopilotMetric {
  readonly title: string;
  /** As figures name it: `share`, `ms`, `bytes`, … */
  readonly unit: string;
  readonly definition: string;
}

export const AUTOPILOT_METRICS = {
  kvUse: {
    title: 'KV use',
    unit: 'share',
    definition:
      'Bytes of the GPU’s KV budget that hold the KV of sequences, over all of the budget. A quantized token counts its ' +
      'smaller size, an evicted or offloaded one nothing.',
  },
  p95Ms: {
    title: 'p95 latency',
    unit: 'ms',
    definition:
      '95th percentile of the end-to-end latency, from arrival to last token, of the requests that ended since the look ' +
      'before. Absent where none ended.',
  },
  ttftP95Ms: {
    title: 'p95 TTFT',
    unit: 'ms',
    definition:
      '95th percentile of the time from arrival to first token, of the requests that ended since the look before. Absent ' +
      'where none ended.',
  },
  hostBytes: {
    title: 'Lower tiers',
    unit: 'bytes',
    definition:
      'Bytes of KV that lie below the GPU’s memory: in the host’s, over CXL, on NVMe or on another machine.',
  },
  running: {
    title: 'Running',
    unit: '',
    definition: 'Sequences that hold KV blocks and are part of the engine’s batch.',
  },
  waiting: {
    title: 'Waiting',
    unit: '',
    definition: 'Requests that arrived and are not yet admitted, or were preempted and are not yet back.',
  },
  preemptions: {
    title: 'Preemptions',
    unit: '',
    definition: 'Times that a running sequence lost its KV to make room, since the start.',
  },
  outputTokensPerSecond: {
    title: 'Output',
    unit: 'tokens/s',
    definition: 'Tokens that all sequences together were given since the look before, a second.',
  },
  qualityDelta: {
    title: 'Quality lost',
    unit: '',
    definition:
      'On copies of the shadowed sequences, by teacher forcing against the untouched cache: 1 − agreement of the most ' +
      'probable token, or the KL divergence in nats, whichever is larger. The upper bound holds however often it is looked ' +
      'at (mSPRT).',
  },
  risk: {
    title: 'Risk',
    unit: '',
    definition:
      'Tokens that an action touches × the weight of its kind: the policy’s, or what the shadow measured.',
  },
} as const satisfies Record<string, AutopilotMetric>;

/** What became of a plan, in a word. */
export const PLAN_STATUS_WORDS: Readonly<Record<PlanStatus, string>> = {
  pending: 'planned',
  executing: 'under way',
  completed: 'kept',
  rolledBack: 'rolled back',
  failed: 'failed',
  cancelled: 'stopped',
};
