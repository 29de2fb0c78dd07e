/**
 * The scenario: the only input of the laboratory. One plain JSON document with a version and a seed.
 *
 * A link, a file in `scenarios/`, a form, a test and a command line all make scenarios, and all come through
 * `parseScenario` (parse.ts). The bounds here are the bounds of everything that comes from outside.
 */
import * as v from 'valibot';
import { KV_FORMATS } from '../kv/formats.ts';

export const SCENARIO_VERSION = 1;

const int = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const text = (max: number) => v.pipe(v.string(), v.maxLength(max));

export const HEAD_DIMS = [64, 80, 96, 128, 256] as const;
export const BLOCK_SIZES = [8, 16, 32, 64, 128] as const;
export const TIERS = ['auto', 'subgroups', 'no-subgroups', 'cpu'] as const;
export const EVICTION_POLICIES = [
  'none',
  'streaming-llm',
  'h2o',
  'tova',
  'snapkv',
  'knorm',
  'paged-eviction',
  'quest',
] as const;

/** Shape of the attention layers of a model; everything the lab needs to measure attention and cache. */
export const ModelShape = v.pipe(
  v.strictObject({
    name: text(80),
    layers: int(1, 256),
    queryHeads: int(1, 256),
    kvHeads: int(1, 256),
    headDim: v.picklist(HEAD_DIMS),
  }),
  v.check(
    ({ queryHeads, kvHeads }) => queryHeads % kvHeads === 0 && queryHeads / kvHeads <= 8,
    'queryHeads must be 1 to 8 times kvHeads, in whole numbers.',
  ),
);

export const Engine = v.strictObject({
  /** `contiguous` reserves `maxContextTokens` for each sequence, as engines before paging did. */
  layout: v.picklist(['paged', 'contiguous']),
  blockSize: v.picklist(BLOCK_SIZES),
  kvFormat: v.picklist(KV_FORMATS),
  /** Newest tokens that int2 keeps in f16 (KIVI's residual). */
  residualTokens: int(32, 512),
  /** Prompt tokens that one prefill dispatch processes. */
  prefillChunkTokens: int(16, 8192),
  /** Reservation of one sequence under `contiguous`; 0: the longest prompt + output of the workload. */
  maxContextTokens: int(0, 1_048_576),
  tier: v.picklist(TIERS),
  /** Sliding window in tokens; 0: full attention. Sinks are the first tokens, always visible. */
  windowTokens: int(0, 1_048_576),
  sinkTokens: int(0, 4096),
  eviction: v.strictObject({
    policy: v.picklist(EVICTION_POLICIES),
    /** Tokens that a sequence keeps. */
    budgetTokens: int(16, 1_048_576),
  }),
});

/** A class of requests beside others, for mixed lengths. */
export const RequestGroup = v.strictObject({
  name: text(40),
  count: int(1, 1024),
  promptTokens: int(1, 1_048_576),
  outputTokens: int(1, 65_536),
});

export const Workload = v.strictObject({
  /** Requests in flight together. */
  concurrency: int(1, 1024),
  promptTokens: int(1, 1_048_576),
  outputTokens: int(1, 65_536),
  /** Leading prompt tokens that all sequences share; their blocks are stored once under `paged`. */
  sharedPrefixTokens: int(0, 1_048_576),
  /** When not empty, replaces concurrency and lengths: all groups run together. */
  groups: v.pipe(v.array(RequestGroup), v.maxLength(8)),
});

const SweepValue = v.union([
  v.number(),
  text(80),
  v.boolean(),
  v.pipe(v.array(RequestGroup), v.maxLength(8)),
]);

/** One sweep axis: a dotted path into the scenario and the values it takes. All axes are crossed. */
export const SweepAxis = v.strictObject({
  path: v.pipe(
    text(60),
    v.regex(/^(model|engine|workload)(\.[a-zA-Z]+){1,3}$/, 'is not a path such as workload.concurrency.'),
  ),
  values: v.pipe(v.array(SweepValue), v.minLength(1), v.maxLength(32)),
  /** Names of the values where the values themselves read badly; same length as `values`. */
  labels: v.optional(v.pipe(v.array(text(40)), v.maxLength(32))),
});

export const Scenario = v.strictObject({
  version: v.literal(SCENARIO_VERSION),
  kind: v.literal('lab'),
  title: text(120),
  /** What the scenario is for, in a sentence or two. */
  about: text(600),
  seed: int(0, 4_294_967_295),
  model: ModelShape,
  hardware: v.strictObject({ adapter: v.picklist(['high-performance', 'low-power']) }),
  engine: Engine,
  workload: Workload,
  sweep: v.pipe(v.array(SweepAxis), v.maxLength(3)),
  measurement: v.strictObject({
    /** Kept repetitions of every point, interleaved. */
    repeats: int(1, 100),
    /** Dropped repetitions before them. */
    warmupRepeats: int(0, 10),
  }),
  objectives: v.strictObject({
    ttftMs: v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(1e9))),
    tpotMs: v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(1e9))),
  }),
  /** Dotted paths that replace values on a software adapter, where the full size would take hours. The run says so. */
  softwareAdapter: v.record(text(60), v.union([SweepValue, v.array(SweepValue)])),
});

export type Scenario = v.InferOutput<typeof Scenario>;
export type ModelShape = v.InferOutput<typeof ModelShape>;
export type EngineSettings = v.InferOutput<typeof Engine>;
export type WorkloadSettings = v.InferOutput<typeof Workload>;
export type SweepAxis = v.InferOutput<typeof SweepAxis>;
export type RequestGroup = v.InferOutput<typeof RequestGroup>;
export type Tier = (typeof TIERS)[number];
export type EvictionPolicyName = (typeof EVICTION_POLICIES)[number];
export type HeadDim = (typeof HEAD_DIMS)[number];
