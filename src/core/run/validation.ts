/**
 * A plan beside what was measured: every quantity of every point, how far apart they are, and what is likely wrong.
 * Errors are signed shares of the measured value: (predicted − measured) / measured.
 */
import * as v from 'valibot';
import { MEASURING_TOOLS, MeasuredLoad } from './measured.ts';

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const number = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.finite(), v.minValue(0));

/** What a plan predicts and a benchmark can measure. */
export const VALIDATED = [
  'ttftMs',
  'tpotMs',
  'e2eMs',
  'outputTokensPerSecond',
  'requestsPerSecond',
  'kvTokens',
  'weightsBytes',
  'peakBytes',
] as const;
export type Validated = (typeof VALIDATED)[number];

export const ValidatedTerm = v.strictObject({
  metric: v.picklist(VALIDATED),
  predicted: count,
  measured: count,
  errorPercent: number,
  within: v.boolean(),
  /** Whether the measured value lies in the plan's 80 % band; null: it has none. */
  inBand: v.nullable(v.boolean()),
});
export type ValidatedTerm = v.InferOutput<typeof ValidatedTerm>;

export const ValidatedPoint = v.strictObject({
  label: text(160),
  tool: v.picklist(MEASURING_TOOLS),
  load: MeasuredLoad,
  /** `plan`: the measured load is the plan's; `measured`: the plan's deployment was predicted again at the measured one. */
  predictedAt: v.picklist(['plan', 'measured']),
  terms: v.pipe(v.array(ValidatedTerm), v.maxLength(VALIDATED.length)),
  notes: v.pipe(v.array(text(600)), v.maxLength(20)),
});
export type ValidatedPoint = v.InferOutput<typeof ValidatedPoint>;

export const Assumption = v.strictObject({
  /** What of the plan is likely wrong, in a few words. */
  what: text(120),
  /** The sign that says so, with its numbers. */
  because: text(400),
  remedy: text(300),
});
export type Assumption = v.InferOutput<typeof Assumption>;

export const PlanValidation = v.strictObject({
  tolerancePercent: count,
  points: v.pipe(v.array(ValidatedPoint), v.maxLength(5000)),
  meanAbsoluteErrorPercent: count,
  /** 100 − that, 0 at the least. */
  accuracyPercent: count,
  /** `over`: the plan promises more than was measured: faster, or more room. */
  bias: v.picklist(['over', 'under', 'balanced']),
  /** Mean of what it promises too much, negative for too little. */
  biasPercent: number,
  /** Whether every term of every point is within the tolerance. */
  within: v.boolean(),
  assumptions: v.pipe(v.array(Assumption), v.maxLength(12)),
  notes: v.pipe(v.array(text(600)), v.maxLength(20)),
});
export type PlanValidation = v.InferOutput<typeof PlanValidation>;
