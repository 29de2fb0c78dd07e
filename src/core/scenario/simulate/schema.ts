/**
 * The scenario of a simulated serving engine: model, hardware, engine settings, workload, cost model, objectives.
 *
 * A second kind of the one scenario document (`kind: "simulate"`); the laboratory's is in ../schema.ts. The bounds here
 * are the bounds of everything that comes from outside; what contradicts itself is refused in rules.ts.
 */
import * as v from 'valibot';
import { BLOCK_POLICY_NAMES } from '../../eviction/blocks/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { SCENARIO_VERSION } from '../schema.ts';

const int = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const real = (min: number, max: number) => v.pipe(v.number(), v.finite(), v.minValue(min), v.maxValue(max));
const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const tokens = int(1, 10_000_000);

export const SCHEDULER_NAMES = ['vllm', 'sarathi', 'orca', 'static', 'static-bucketed'] as const;
export const SIM_KV_FORMATS = ['bf16', 'fp8', 'int8', 'int4', 'int2'] as const;
/** `mxfp4`: experts in four bits with a scale of eight for 32 of them, all else in bf16, as gpt-oss is released. */
export const SIM_WEIGHT_FORMATS = ['bf16', 'fp8', 'int8', 'int4', 'mxfp4'] as const;
export const ROUTER_NAMES = ['round-robin', 'least-loaded', 'prefix-aware'] as const;
export const TIER_KINDS = ['host', 'cxl', 'nvme', 'remote'] as const;

export const SimHardware = v.strictObject({
  /** A record of core/hardware. */
  gpu: text(60),
  tensorParallel: int(1, 64),
  pipelineParallel: int(1, 64),
  /** Share of the memory that the engine takes. */
  memoryUtilization: real(0.05, 1),
  /** KV blocks of one replica; null: what the memory leaves beside weights and activations. */
  kvBlocks: v.nullable(int(1, 50_000_000)),
});

export const Speculation = v.strictObject({
  /** Tokens that the draft proposes in a step. */
  draftTokens: int(1, 16),
  /** Probability that one proposed token is accepted. */
  acceptance: real(0, 1),
  /** Time of one draft token over the time of one target step. */
  draftCost: real(0, 1),
});

export const SimEngine = v.strictObject({
  scheduler: v.picklist(SCHEDULER_NAMES),
  blockSize: int(1, 4096),
  kvFormat: v.picklist(SIM_KV_FORMATS),
  weights: v.picklist(SIM_WEIGHT_FORMATS),
  /** Tokens of one step (vLLM's max_num_batched_tokens); the chunk of Sarathi. */
  tokenBudget: int(1, 1_048_576),
  /** Sequences of one step; the batch of static batching. */
  maxSequences: int(1, 65_536),
  /**
   * Longest that a request waits for a full batch under static batching; 0: batches start with what is there, as they did
   * in runs that do not say.
   */
  batchWaitMs: v.optional(real(0, 1e9), 0),
  /** Longest prompt + output; 0: what the model allows. */
  maxModelTokens: int(0, 10_000_000),
  /** Most tokens of one prompt in one step; 0: no limit. */
  longPrefillTokens: int(0, 1_048_576),
  priorities: v.picklist(['fcfs', 'priority']),
  /** `faster`: whichever of the two takes less time, sequence by sequence. */
  preemption: v.picklist(['recompute', 'swap', 'faster']),
  /** Share of the blocks that admission keeps free. */
  watermark: real(0, 0.5),
  /** Admit a prompt only when all of it fits, not its first chunk alone. */
  reserveFullPrompt: v.boolean(),
  prefixCache: v.picklist(['off', 'hash', 'radix']),
  /** Which cached block goes first; `lru` is vLLM's free queue. */
  cachePolicy: v.picklist(BLOCK_POLICY_NAMES),
  speculation: v.nullable(Speculation),
});

export const Tier = v.strictObject({
  kind: v.picklist(TIER_KINDS),
  capacityGB: real(0.001, 1e6),
  /** One direction. */
  bandwidthGBps: real(0.001, 1e5),
  latencyUs: real(0, 1e7),
  /** One store for all replicas. */
  shared: v.boolean(),
});

export const Cluster = v.strictObject({
  replicas: int(1, 256),
  router: v.picklist(ROUTER_NAMES),
  /** Prefill and decode on GPUs of their own, the KV sent over a link. `replicas` is then not used. */
  disaggregation: v.nullable(
    v.strictObject({
      prefillReplicas: int(1, 256),
      decodeReplicas: int(1, 256),
      linkGBps: real(0.001, 1e5),
      linkLatencyUs: real(0, 1e7),
    }),
  ),
  /** Below the GPU's memory, fastest first. */
  tiers: v.pipe(v.array(Tier), v.maxLength(4)),
  /** When blocks go down a tier: as they are written, or as they are evicted. */
  offload: v.picklist(['write-through', 'on-evict']),
  /** Whether blocks that a tier holds are always loaded, or only where that is faster than computing them again. */
  tierLoads: v.picklist(['always', 'when-faster']),
});

const rate = real(1e-6, 1e6);
export const ArrivalSettings = v.variant('kind', [
  v.strictObject({ kind: v.literal('constant'), rate }),
  v.strictObject({ kind: v.literal('poisson'), rate }),
  v.strictObject({ kind: v.literal('gamma'), rate, cv: real(0.01, 100) }),
  v.strictObject({ kind: v.literal('on-off'), rate, onSeconds: real(1e-3, 1e6), offSeconds: real(0, 1e6) }),
  v.strictObject({
    kind: v.literal('mmpp'),
    rates: v.tuple([real(0, 1e6), real(0, 1e6)]),
    leave: v.tuple([rate, rate]),
  }),
  /** A fixed number of users: the next request comes when one ends, after a pause. */
  v.strictObject({ kind: v.literal('closed'), users: int(1, 100_000), thinkSeconds: real(0, 1e5) }),
  /** Rate by time, straight lines between [seconds, requests per second] (ServeGen's series); Poisson within. */
  v.strictObject({
    kind: v.literal('series'),
    points: v.pipe(v.array(v.tuple([real(0, 1e8), real(0, 1e6)])), v.minLength(2), v.maxLength(2000)),
  }),
]);

export const LengthSettings = v.variant('kind', [
  v.strictObject({ kind: v.literal('fixed'), tokens }),
  v.strictObject({ kind: v.literal('uniform'), min: tokens, max: tokens }),
  v.strictObject({
    kind: v.literal('lognormal'),
    mu: real(-5, 20),
    sigma: real(0.001, 10),
    min: tokens,
    max: tokens,
  }),
  v.strictObject({ kind: v.literal('zipf'), exponent: real(0.01, 10), min: tokens, max: tokens }),
  v.strictObject({
    kind: v.literal('quantiles'),
    points: v.pipe(v.array(v.tuple([real(0, 1), tokens])), v.minLength(2), v.maxLength(200)),
  }),
  /** Several lengths side by side, by weight: short ones beside long ones. */
  v.strictObject({
    kind: v.literal('mixture'),
    parts: v.pipe(
      v.array(v.strictObject({ weight: real(1e-6, 1e6), tokens })),
      v.minLength(1),
      v.maxLength(16),
    ),
  }),
]);

/** What prompts have in common. */
export const SharingSettings = v.variant('kind', [
  v.strictObject({ kind: v.literal('none') }),
  /** One of `prompts` system prompts before each request, by Zipf's law. */
  v.strictObject({
    kind: v.literal('system'),
    prompts: int(1, 100_000),
    systemTokens: tokens,
    exponent: real(0, 10),
  }),
  /** Sessions that resend their history: turn t has the system prompt, all turns before it and a new message. */
  v.strictObject({
    kind: v.literal('sessions'),
    systemTokens: int(0, 10_000_000),
    turns: int(1, 1000),
    thinkSeconds: real(0, 1e5),
  }),
  /** Agents: each request branches from an ancestor's context, `branching` children a node down to `depth`. */
  v.strictObject({
    kind: v.literal('agents'),
    systemTokens: int(0, 10_000_000),
    branching: int(1, 64),
    depth: int(1, 16),
  }),
]);

export const SimWorkload = v.strictObject({
  /** Requests; with a trace the first ones of it, 0: all. */
  requests: int(0, 20_000_000),
  arrivals: ArrivalSettings,
  promptTokens: LengthSettings,
  outputTokens: LengthSettings,
  sharing: SharingSettings,
  /** Name of a trace that is given beside the scenario; replaces arrivals, lengths and sharing. Null: none. */
  trace: v.nullable(
    v.strictObject({
      name: text(200),
      /** Arrival times are divided by this. */
      speed: real(1e-6, 1e6),
    }),
  ),
  /** Share of requests of priority 1 (they go before priority 0 under `priority`). */
  highPriorityShare: real(0, 1),
});

export const CostSettings = v.variant('kind', [
  /** Rates of the GPU's record times named efficiencies. */
  v.strictObject({
    kind: v.literal('roofline'),
    /** Share of the matrix rate that large linear layers reach; null: what was measured on that GPU, else 0.8. */
    computeEfficiency: v.nullable(real(0.01, 1)),
    /** Share of the bandwidth that reading weights and KV reaches; null: what was measured on that GPU, else 0.89. */
    memoryEfficiency: v.nullable(real(0.01, 1)),
    /** Host's time of a step. */
    overheadMs: real(0, 1000),
  }),
  /** step = base + perToken·tokens + perPrefillPair·(query, key pairs of chunks) + perContextToken·decode context + perSequence·decodes. */
  v.strictObject({
    kind: v.literal('linear'),
    baseMs: real(0, 1e6),
    perTokenMs: real(0, 1e3),
    perPrefillPairMs: real(0, 1),
    perContextTokenMs: real(0, 1),
    perSequenceMs: real(0, 1e3),
  }),
  /** A measured table that is given beside the scenario. */
  v.strictObject({ kind: v.literal('table'), name: text(200) }),
  /** The visitor's own GPU: rates of a hardware check that is given beside the scenario. */
  v.strictObject({ kind: v.literal('check'), name: text(200) }),
]);

const objective = v.nullable(real(0, 1e9));

const isPart = (value: unknown): boolean => Array.isArray(value) || isJsonObject(value);
/** A number, a name, or a whole part of the scenario such as `{"kind": "none"}`, for which `labels` should have a name. */
const SimSweepValue = v.union([
  v.number(),
  text(80),
  v.boolean(),
  v.null(),
  v.custom<JsonObject | readonly Json[]>(isPart),
]);
/** One axis: a dotted path into the scenario and its values. Two scenarios beside each other are an axis of two. */
export const SimSweepAxis = v.strictObject({
  path: v.pipe(
    text(80),
    v.regex(
      /^(model|(hardware|engine|cluster|workload|cost)(\.[a-zA-Z0-9]+){1,4})$/,
      'is not a path such as engine.tokenBudget.',
    ),
  ),
  values: v.pipe(v.array(SimSweepValue), v.minLength(1), v.maxLength(64)),
  labels: v.optional(v.pipe(v.array(text(40)), v.maxLength(64))),
});

export const SimScenario = v.strictObject({
  version: v.literal(SCENARIO_VERSION),
  kind: v.literal('simulate'),
  title: text(120),
  /** What the scenario is for, in a sentence or two. */
  about: text(1200),
  seed: int(0, 4_294_967_295),
  /** A record of core/model. */
  model: text(80),
  hardware: SimHardware,
  engine: SimEngine,
  cluster: Cluster,
  workload: SimWorkload,
  cost: CostSettings,
  objectives: v.strictObject({ ttftMs: objective, tpotMs: objective, e2eMs: objective }),
  sweep: v.pipe(v.array(SimSweepAxis), v.maxLength(2)),
  /** Independent repetitions with seeds of their own, for intervals. */
  repeats: int(1, 100),
});

export type SimScenario = v.InferOutput<typeof SimScenario>;
export type SimHardware = v.InferOutput<typeof SimHardware>;
export type SimEngine = v.InferOutput<typeof SimEngine>;
export type Cluster = v.InferOutput<typeof Cluster>;
export type SimWorkload = v.InferOutput<typeof SimWorkload>;
export type ArrivalSettings = v.InferOutput<typeof ArrivalSettings>;
export type LengthSettings = v.InferOutput<typeof LengthSettings>;
export type SharingSettings = v.InferOutput<typeof SharingSettings>;
export type CostSettings = v.InferOutput<typeof CostSettings>;
export type SimSweepAxis = v.InferOutput<typeof SimSweepAxis>;
export type SchedulerName = (typeof SCHEDULER_NAMES)[number];
export type RouterName = (typeof ROUTER_NAMES)[number];
