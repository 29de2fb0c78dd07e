/**
 * `best_plan.json`: what a tuning came to, small enough to keep beside a deployment. Versioned by itself, because it lives
 * on without the run; `apply` turns it into settings of an engine. It also comes from files, so this is a door: bounded.
 */
import * as v from 'valibot';
import { isJsonObject, readJson, checkJson, type JsonBounds, type Read } from '../json.ts';
import { GoalWeights, PROFILE_NAMES, TUNE_EXECUTORS, TuneSettings } from '../scenario/tune/schema.ts';
import { issueSentence } from '../sentences.ts';
import { versionSentence } from '../scenario/version-sentence.ts';
import { TuneMetrics } from './tune.ts';

export const BEST_PLAN_VERSION = 1;

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const number = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.finite(), v.minValue(0));

/** When something else is better than the plan; exactly one of them. */
const When = v.union([
  /** Share of the device's memory in use. */
  v.strictObject({ memoryAbove: v.pipe(number, v.minValue(0), v.maxValue(1)) }),
  /** Less memory than the plan takes. */
  v.strictObject({ memoryConstrained: v.literal(true) }),
  v.strictObject({ ttftAboveMs: count }),
]);

export const Fallback = v.strictObject({
  when: When,
  /** Null: nothing that was measured helps then. */
  use: v.nullable(TuneSettings),
  /** What it gives and costs against the plan, or why there is none. */
  reason: text(400),
});
export type Fallback = v.InferOutput<typeof Fallback>;

export const BestPlan = v.strictObject({
  version: v.literal(BEST_PLAN_VERSION),
  kind: v.literal('best-plan'),
  models: v.pipe(v.array(text(200)), v.minLength(1), v.maxLength(4)),
  profile: v.strictObject({
    name: v.picklist(PROFILE_NAMES),
    contexts: v.pipe(v.array(count), v.minLength(1), v.maxLength(12)),
    outputs: v.pipe(v.array(count), v.minLength(1), v.maxLength(12)),
    weights: GoalWeights,
  }),
  config: TuneSettings,
  /** What differs from the baseline, in words. */
  label: text(400),
  baseline: TuneSettings,
  metrics: v.strictObject({
    score: v.strictObject({ value: number, low: number, high: number }),
    best: TuneMetrics,
    baseline: TuneMetrics,
    gains: v.strictObject({ ttft: count, throughput: count, memory: count }),
    measurements: count,
  }),
  /** Chance that no other setting of the space is better by more than half a percent; null without a second one. */
  confidence: v.nullable(v.pipe(number, v.minValue(0), v.maxValue(1))),
  environment: v.strictObject({
    executor: v.picklist(TUNE_EXECUTORS),
    origin: v.picklist(['measured', 'simulated']),
    device: text(200),
    runtime: text(300),
    /** Of the simulator: what an engine's settings are for. */
    gpu: text(80),
    tensorParallel: count,
    memoryUtilization: count,
    appVersion: text(40),
  }),
  fallbacks: v.pipe(v.array(Fallback), v.maxLength(8)),
  run: v.strictObject({ id: text(60), createdAt: text(40), command: v.nullable(text(1000)) }),
});
export type BestPlan = v.InferOutput<typeof BestPlan>;

const BOUNDS: JsonBounds = { what: 'plan', maxCharacters: 262_144, maxDepth: 10, maxValues: 5000 };

/** Reads a plan from JSON text or a plain object. */
export function parseBestPlan(input: unknown): Read<BestPlan> {
  const read = typeof input === 'string' ? readJson(input, BOUNDS) : checkJson(input, BOUNDS);
  if (!read.ok) return read;
  const document = read.value;
  if (!isJsonObject(document) || document['kind'] !== 'best-plan') {
    const kind = isJsonObject(document) ? JSON.stringify(document['kind'] ?? null).slice(0, 40) : 'no object';
    return refuse(
      `This is no best_plan.json (its kind is ${kind}); name the file that tune wrote with --out.`,
    );
  }
  const sentence = versionSentence(document['version'], BEST_PLAN_VERSION, 'plan');
  if (sentence !== null) return refuse(sentence);
  const result = v.safeParse(BestPlan, document, { abortEarly: true });
  return result.success
    ? { ok: true, value: result.output }
    : refuse(issueSentence(result.issues, 'The plan'));
}

function refuse(sentence: string): { readonly ok: false; readonly sentence: string } {
  return { ok: false, sentence };
}
