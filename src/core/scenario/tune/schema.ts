/**
 * The scenario of a tuning: which settings are tried, for which profile of work, on what, and how long it may take.
 *
 * A kind of the one scenario document (`kind: "tune"`). A candidate is the baseline with values of the space's axes set;
 * an axis that is left out keeps the baseline's value. What is null is filled in by resolved.ts. What contradicts itself is refused in rules.ts; which axes an
 * executor can act on stands in axes.ts.
 */
import * as v from 'valibot';
import { BLOCK_POLICY_NAMES } from '../../eviction/blocks/index.ts';
import { BLOCK_SIZES, EVICTION_POLICIES, SCENARIO_VERSION, TIERS } from '../schema.ts';

const int = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const real = (min: number, max: number) => v.pipe(v.number(), v.finite(), v.minValue(min), v.maxValue(max));
const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const tokens = int(1, 10_000_000);

/** Who measures: the simulator; the attention kernels or the engine with a real model on this GPU; a real server. */
export const TUNE_EXECUTORS = ['simulator', 'kernels', 'engine', 'endpoint'] as const;
export const PROFILE_NAMES = ['chat-agent', 'rag', 'longform', 'ci-micro', 'custom'] as const;
export const CACHE_STRATEGIES = ['paged', 'growing', 'reserved', 'sliding-window'] as const;
export const TUNE_BACKENDS = ['ours', 'transformers.js'] as const;
/** Names of the served formats and of the laboratory's; each executor knows some of them. */
export const TUNE_KV_FORMATS = [
  'bf16',
  'fp8',
  'f32',
  'f16',
  'fp8_e4m3',
  'fp8_e5m2',
  'int8',
  'int4',
  'int2',
] as const;
export const TUNE_WEIGHTS = ['bf16', 'fp8', 'f32', 'f16', 'int8', 'int4', 'mxfp4'] as const;

/** Everything that a candidate may differ in. */
const axes = {
  /** How the memory of a sequence is given: in blocks, growing with it, for its longest at once, or a window of it. */
  strategy: v.picklist(CACHE_STRATEGIES),
  backend: v.picklist(TUNE_BACKENDS),
  kvFormat: v.picklist(TUNE_KV_FORMATS),
  weights: v.picklist(TUNE_WEIGHTS),
  blockSize: v.picklist(BLOCK_SIZES),
  /** Sequences of one step. */
  maxSequences: int(1, 65_536),
  /** Tokens of one step. */
  tokenBudget: int(1, 1_048_576),
  /** Most prompt tokens of one request in a step; 0: no limit. */
  chunkTokens: int(0, 1_048_576),
  prefixCaching: v.boolean(),
  /** Which cached block goes first. */
  cachePolicy: v.picklist(BLOCK_POLICY_NAMES),
  /** Which tokens of a sequence go, above `evictionTokens`. */
  eviction: v.picklist(EVICTION_POLICIES),
  /** Tokens that a sequence keeps, under an eviction policy or a sliding window; 0: all. */
  evictionTokens: int(0, 1_048_576),
  /** Where KV goes that leaves the GPU. */
  offload: v.picklist(['none', 'host']),
  /** Kernels: which tier, lanes to a key and parts of a context; 0: as the laboratory chooses. */
  tier: v.picklist(TIERS),
  lanes: int(0, 64),
  splits: int(0, 64),
};

export const TuneSettings = v.strictObject(axes);
export type TuneSettings = v.InferOutput<typeof TuneSettings>;
export type TuneAxis = keyof TuneSettings;
export const TUNE_AXES = Object.keys(axes) as readonly TuneAxis[];

function values<S extends v.GenericSchema>(item: S) {
  return v.optional(v.pipe(v.array(item), v.minLength(1), v.maxLength(32)));
}

/** Values of each axis, all crossed. */
export const TuneSpace = v.strictObject({
  strategy: values(axes.strategy),
  backend: values(axes.backend),
  kvFormat: values(axes.kvFormat),
  weights: values(axes.weights),
  blockSize: values(axes.blockSize),
  maxSequences: values(axes.maxSequences),
  tokenBudget: values(axes.tokenBudget),
  chunkTokens: values(axes.chunkTokens),
  prefixCaching: values(axes.prefixCaching),
  cachePolicy: values(axes.cachePolicy),
  eviction: values(axes.eviction),
  evictionTokens: values(axes.evictionTokens),
  offload: values(axes.offload),
  tier: values(axes.tier),
  lanes: values(axes.lanes),
  splits: values(axes.splits),
});
export type TuneSpace = v.InferOutput<typeof TuneSpace>;

/** Of the score; they sum to 1. */
export const GoalWeights = v.strictObject({ ttft: real(0, 1), throughput: real(0, 1), memory: real(0, 1) });
export type GoalWeights = v.InferOutput<typeof GoalWeights>;

const lengths = v.nullable(v.pipe(v.array(tokens), v.minLength(1), v.maxLength(12)));

/** What the settings are for: lengths of prompts and outputs, and what counts how much. Null: the named profile's. */
export const TuneProfile = v.strictObject({
  name: v.picklist(PROFILE_NAMES),
  contexts: lengths,
  outputs: lengths,
  weights: v.nullable(GoalWeights),
});
export type TuneProfile = v.InferOutput<typeof TuneProfile>;

export const TuneBudget = v.strictObject({
  /** Repetitions of each cell for whoever comes to the end; more only to separate the first from the second. */
  repeats: int(1, 50),
  /** Of all measurements that a full grid would take, the share that may be spent. */
  share: real(0.01, 1),
  /** A rung keeps one of so many. */
  eta: int(2, 8),
  /** Seconds after which nothing new is begun; null: no limit. */
  seconds: v.nullable(real(1, 1e6)),
  /** Seconds after which a measurement is given up and its setting with it; null: no limit. */
  measurementSeconds: v.nullable(real(1, 1e5)),
  /** Settings that take more are not possible; null: what the device has. */
  memoryGB: v.nullable(real(0.001, 1e6)),
});
export type TuneBudget = v.InferOutput<typeof TuneBudget>;

export const TuneScenario = v.strictObject({
  version: v.literal(SCENARIO_VERSION),
  kind: v.literal('tune'),
  title: text(120),
  about: text(1200),
  seed: int(0, 4_294_967_295),
  executor: v.picklist(TUNE_EXECUTORS),
  /** Records of core/model; for the engine `shipped` or the name of the one that is loaded. Null: the executor's own. */
  models: v.nullable(v.pipe(v.array(text(200)), v.minLength(1), v.maxLength(4))),
  hardware: v.strictObject({
    /** Of the simulator. */
    gpu: text(80),
    tensorParallel: int(1, 64),
    memoryUtilization: real(0.05, 1),
    /** Of the kernels and the engine. */
    adapter: v.picklist(['high-performance', 'low-power']),
  }),
  profile: TuneProfile,
  load: v.strictObject({
    /** Requests in flight; null: the executor's own. */
    users: v.nullable(int(1, 4096)),
    /** Of one measurement; null: the executor's own. */
    requests: v.nullable(int(1, 10_000)),
    /** Prompts are as long as the context, down to this share less. */
    spread: real(0, 0.9),
    /** Share of a prompt that all have in common; null: the profile's. */
    shared: v.nullable(real(0, 0.95)),
  }),
  /** Over the executor's own. */
  baseline: v.partial(TuneSettings),
  /** Null: the executor's own. */
  space: v.nullable(TuneSpace),
  budget: TuneBudget,
});
export type TuneScenario = v.InferOutput<typeof TuneScenario>;
export type TuneExecutorName = (typeof TUNE_EXECUTORS)[number];
export type ProfileName = (typeof PROFILE_NAMES)[number];
export type CacheStrategy = (typeof CACHE_STRATEGIES)[number];
