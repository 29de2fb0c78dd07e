/**
 * The scenario of the serving lab: a real model on the kernels, under a load, and what the simulator says of the same.
 *
 * A kind of the one scenario document (`kind: "serve"`). The workload is the simulator's own, so that both sides draw the
 * same requests. What contradicts itself is refused in rules.ts; what depends on the model that is loaded, by the lab.
 */
import * as v from 'valibot';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { KV_FORMATS } from '../../kv/formats.ts';
import { BLOCK_SIZES, SCENARIO_VERSION } from '../schema.ts';
import { SimWorkload } from '../simulate/schema.ts';

const int = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const real = (min: number, max: number) => v.pipe(v.number(), v.finite(), v.minValue(min), v.maxValue(max));
const text = (max: number) => v.pipe(v.string(), v.maxLength(max));

/** Our engine with pages, our engine reserving the maximum, and another engine on the same model. */
export const SERVE_BACKENDS = ['paged', 'contiguous', 'transformers'] as const;
export const SERVE_WEIGHTS = ['f32', 'f16', 'int8', 'int4'] as const;
/** Tiers of the kernels that an engine can be told to use. */
export const SERVE_TIERS = ['auto', 'subgroups', 'no-subgroups'] as const;

export const ServeEngine = v.strictObject({
  kvFormat: v.picklist(KV_FORMATS),
  blockSize: v.picklist(BLOCK_SIZES),
  /** Blocks of the pool; a contiguous cache gets as many bytes. */
  blocks: int(1, 1_000_000),
  maxSequences: int(1, 1024),
  /** Tokens of one step. */
  tokenBudget: int(1, 65_536),
  /** Most prompt tokens of one request in a step; 0: no limit. */
  longPrefillTokens: int(0, 65_536),
  /** Longest prompt + output, which a contiguous cache reserves for every sequence; 0: what the model allows. */
  maxContextTokens: int(0, 1_048_576),
  prefixCaching: v.boolean(),
  tier: v.picklist(SERVE_TIERS),
  /** Newest tokens that int2 keeps in f16. */
  residualTokens: int(32, 512),
  /** What becomes of a preempted sequence's KV, and of cached blocks that are given away. */
  offload: v.picklist(['none', 'host']),
  /** Host memory for it. */
  hostMegabytes: real(0, 65_536),
});

/** The times to the first token of one prompt: computed, found in the prefix cache, fetched back from host memory. */
export const ServeTtft = v.strictObject({
  promptTokens: int(2, 1_048_576),
  repeats: int(1, 100),
});

const objective = v.nullable(real(0, 1e9));
const isPart = (value: unknown): boolean => Array.isArray(value) || isJsonObject(value);
const ServeSweepValue = v.union([
  v.number(),
  text(80),
  v.boolean(),
  v.custom<JsonObject | readonly Json[]>(isPart),
]);

export const ServeSweepAxis = v.strictObject({
  path: v.pipe(
    text(80),
    v.regex(/^((engine|workload)(\.[a-zA-Z0-9]+){1,4})$/, 'is not a path such as workload.arrivals.users.'),
  ),
  values: v.pipe(v.array(ServeSweepValue), v.minLength(1), v.maxLength(32)),
  labels: v.optional(v.pipe(v.array(text(40)), v.maxLength(32))),
});

export const ServeScenario = v.strictObject({
  version: v.literal(SCENARIO_VERSION),
  kind: v.literal('serve'),
  title: text(120),
  about: text(1200),
  seed: int(0, 4_294_967_295),
  /** `shipped`: the model that comes with the page; else the name of one that is loaded. */
  model: text(200),
  weights: v.picklist(SERVE_WEIGHTS),
  hardware: v.strictObject({ adapter: v.picklist(['high-performance', 'low-power']) }),
  engine: ServeEngine,
  workload: SimWorkload,
  /** Every point is run on each of them. */
  backends: v.pipe(v.array(v.picklist(SERVE_BACKENDS)), v.minLength(1), v.maxLength(SERVE_BACKENDS.length)),
  /** null: not measured. */
  ttft: v.nullable(ServeTtft),
  objectives: v.strictObject({ ttftMs: objective, tpotMs: objective, e2eMs: objective }),
  sweep: v.pipe(v.array(ServeSweepAxis), v.maxLength(2)),
  measurement: v.strictObject({
    /** Kept repetitions of every point, each with a seed of its own; the prediction is compared with these. */
    repeats: int(1, 20),
    /** Repetitions with other seeds that the cost model is fitted on, and nothing else; 0: no prediction. */
    calibrationRepeats: int(0, 20),
    /** Dropped repetitions before all of them. */
    warmupRepeats: int(0, 5),
  }),
});

export type ServeScenario = v.InferOutput<typeof ServeScenario>;
export type ServeEngine = v.InferOutput<typeof ServeEngine>;
export type ServeTtft = v.InferOutput<typeof ServeTtft>;
export type ServeBackend = (typeof SERVE_BACKENDS)[number];
