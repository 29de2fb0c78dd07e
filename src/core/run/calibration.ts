/**
 * A calibration: what measured results say of the planner's times, as factors, kept under a name beside the scenarios.
 *
 * A plan that names one is multiplied by it where it applies: the same GPU, the same engine. It comes from files too, so this
 * is a door: bounded. Made by plan/validate, applied by plan/speed.
 */
import * as v from 'valibot';
import { PLAN_ENGINES } from '../scenario/plan/schema.ts';
import { RUN_VERSION } from './version.ts';

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const factor = v.pipe(v.number(), v.finite(), v.minValue(0.02), v.maxValue(50));

export const PlanCalibration = v.strictObject({
  version: v.literal(RUN_VERSION),
  kind: v.literal('plan-calibration'),
  name: v.pipe(text(120), v.minLength(1)),
  createdAt: text(40),
  /** Of which results: a sentence. */
  source: text(600),
  /** Results that it rests on. */
  points: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** What was measured; a plan on another GPU or with another engine is left as it is. Null: any model. */
  gpu: text(80),
  engine: v.picklist(PLAN_ENGINES),
  model: v.nullable(text(200)),
  /** Measured over predicted: decode steps, and what prompts take. */
  decode: factor,
  prefill: factor,
  /** Milliseconds of a request outside of steps before its first token; replaces the engine's own. Null: the engine's. */
  requestMs: v.nullable(v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(1e6))),
  /** Of KV tokens, measured over predicted; null: not measured. */
  kvTokens: v.nullable(factor),
  /** Factor of the 80 % band of the time per output token around the calibrated prediction. */
  band: v.pipe(v.number(), v.finite(), v.minValue(1), v.maxValue(50)),
});
export type PlanCalibration = v.InferOutput<typeof PlanCalibration>;
