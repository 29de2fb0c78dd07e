/**
 * Ways to guess tokens ahead, and lengths of models that think before they answer: starting points with their origin, for
 * whoever has not measured his own.
 *
 * Assumed, all of them: the figures are those of h9-tec/KV-planner 0.3, which names no measurement; arXiv:2211.17192 measured
 * acceptances of 0.53 to 0.75 for a small model as draft. Measure your own and set engine.speculation or the lengths.
 */
import { exp, log } from '../core/math.ts';
import type { PlanEngine } from '../core/scenario/plan/schema.ts';
import type { LengthSettings } from '../core/scenario/simulate/schema.ts';
import { normalQuantile } from '../core/special.ts';

type Speculation = NonNullable<PlanEngine['speculation']>;

export const SPECULATION_PRESETS = {
  eagle3: { draftTokens: 6, acceptance: 0.8, draftCost: 0.02 },
  medusa: { draftTokens: 4, acceptance: 0.65, draftCost: 0.02 },
  lookahead: { draftTokens: 5, acceptance: 0.55, draftCost: 0.01 },
  /** A model of a tenth of the size. */
  draft: { draftTokens: 4, acceptance: 0.7, draftCost: 0.1 },
} as const satisfies Record<string, Speculation>;
export type SpeculationPreset = keyof typeof SPECULATION_PRESETS;
export const SPECULATION_NAMES = Object.keys(SPECULATION_PRESETS) as readonly SpeculationPreset[];

interface Thinking {
  /** Tokens of thinking: mean and 99th percentile, and the answer after it. */
  readonly mean: number;
  readonly p99: number;
  readonly answer: number;
}

export const REASONING_PRESETS = {
  'deepseek-r1-math': { mean: 12_000, p99: 32_000, answer: 400 },
  'o3-mini-chat': { mean: 1500, p99: 6000, answer: 300 },
  'qwq-code': { mean: 4000, p99: 12_000, answer: 500 },
  balanced: { mean: 3000, p99: 12_000, answer: 400 },
} as const satisfies Record<string, Thinking>;
export type ReasoningPreset = keyof typeof REASONING_PRESETS;
export const REASONING_NAMES = Object.keys(REASONING_PRESETS) as readonly ReasoningPreset[];

/** z of the 99th percentile. */
const Z99 = normalQuantile(0.99);
/** Probabilities at which the distribution is written down. */
const POINTS = [0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1];

/**
 * Output of a thinking model: a lognormal with the mean and the 99th percentile of its thinking, and the answer, cut at the
 * 99.9th. Of σ that meets both, z·σ − σ²/2 = ln(p99 / mean), the smaller one.
 */
export function reasoningOutput(name: ReasoningPreset): LengthSettings {
  const { mean, p99, answer } = REASONING_PRESETS[name];
  const sigma = Z99 - Math.sqrt(Z99 * Z99 - 2 * log(p99 / mean));
  const mu = log(mean) - (sigma * sigma) / 2;
  const at = (p: number): number => {
    const z = normalQuantile(Math.min(0.999, Math.max(0.001, p)));
    return Math.max(1, Math.round(exp(mu + sigma * z) + answer));
  };
  return { kind: 'quantiles', points: POINTS.map((p): [number, number] => [p, at(p)]) };
}
