/** What a plan's rows are compared by: each quantity once, with its unit, its definition and which way is better. */
import type { PlanRow } from '../../../core/run/plan.ts';
import type { FigureAxis } from '../../figure.ts';

export interface PlanQuantity {
  readonly label: string;
  /** In running text. */
  readonly words: string;
  readonly unit: string;
  readonly scale: FigureAxis['scale'];
  readonly better: 'less' | 'more';
  readonly definition: string;
  readonly of: (row: PlanRow) => number | null;
}

const per = (value: number | null, divisor: number): number | null =>
  value === null || divisor <= 0 ? null : value / divisor;

export const PLAN_QUANTITIES = {
  costPerMillionOutputTokens: {
    label: 'Cost of a million output tokens',
    words: 'cost per output token',
    unit: '$',
    scale: 'log',
    better: 'less',
    definition: 'Cost: dollars of the whole deployment for an hour over the output tokens of that hour.',
    of: (row) => row.costPerMillionOutputTokens,
  },
  costPerHour: {
    label: 'Cost of an hour',
    words: 'cost',
    unit: '$/h',
    scale: 'log',
    better: 'less',
    definition: 'Cost: dollars of all GPUs of the deployment for an hour.',
    of: (row) => row.costPerHour,
  },
  tpotMs: {
    label: 'TPOT',
    words: 'TPOT',
    unit: 'ms',
    scale: 'log',
    better: 'less',
    definition: 'TPOT: mean time between the output tokens of a request, after the first.',
    of: (row) => row.tpotMs,
  },
  ttftMs: {
    label: 'TTFT',
    words: 'TTFT',
    unit: 'ms',
    scale: 'log',
    better: 'less',
    definition: 'TTFT: mean time from a request’s arrival to its first token, waiting included.',
    of: (row) => row.ttftMs,
  },
  outputTokensPerSecondPerGpu: {
    label: 'Output tokens a second, a GPU',
    words: 'throughput of a GPU',
    unit: 'tokens/s',
    scale: 'log',
    better: 'more',
    definition: 'Throughput: output tokens of the deployment a second, over its GPUs.',
    of: (row) => per(row.outputTokensPerSecond, row.choice.gpus),
  },
  tokensPerSecondPerUser: {
    label: 'Output tokens a second, a user',
    words: 'speed for a user',
    unit: 'tokens/s',
    scale: 'log',
    better: 'more',
    definition: 'Speed for a user: 1 / TPOT.',
    of: (row) => (row.tpotMs === null ? null : per(1000, row.tpotMs)),
  },
  qualityLossPercent: {
    label: 'Loss of quality against bf16',
    words: 'quality',
    unit: '%',
    scale: 'linear',
    better: 'less',
    definition:
      'Loss: how much perplexity rises with the formats of weights and KV; a format that nobody measured is not drawn.',
    of: (row) => row.qualityLossPercent,
  },
  joulesPerOutputToken: {
    label: 'Energy of an output token',
    words: 'energy',
    unit: 'J',
    scale: 'log',
    better: 'less',
    definition: 'Energy: power of all GPUs, with the building’s share, over output tokens a second.',
    of: (row) => row.joulesPerOutputToken,
  },
} as const satisfies Record<string, PlanQuantity>;

export type PlanQuantityId = keyof typeof PLAN_QUANTITIES;
