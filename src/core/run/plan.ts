/**
 * The run of the planner: scenario + the deployment that it came to, what that rests on, and what it was chosen from.
 *
 * Views, renderers of engine settings (exchange), comparison and validation read this and nothing else. Plans also come
 * from files, so this is a door: bounded. Times are milliseconds, sizes bytes on one GPU unless a name says otherwise.
 */
import * as v from 'valibot';
import { PLAN_ENGINES, PlanScenario } from '../scenario/plan/schema.ts';
import { SIM_KV_FORMATS, SIM_WEIGHT_FORMATS } from '../scenario/simulate/schema.ts';
import { RUN_VERSION } from './version.ts';

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const number = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.finite(), v.minValue(0));
const origin = v.picklist(['measured', 'simulated', 'published', 'assumed']);

/** The settings that the planner came to: nothing of it is left to choose. */
export const PlanChoice = v.strictObject({
  model: text(200),
  gpu: text(80),
  gpuName: text(120),
  /** GPUs of the whole deployment, and of one replica (tensor × pipeline). */
  gpus: count,
  replicas: count,
  tensorParallel: count,
  pipelineParallel: count,
  expertParallel: v.boolean(),
  engine: v.picklist(PLAN_ENGINES),
  engineVersion: text(40),
  weights: v.picklist(SIM_WEIGHT_FORMATS),
  kvFormat: v.picklist(SIM_KV_FORMATS),
  blockSize: count,
  memoryUtilization: count,
  tokenBudget: count,
  maxSequences: count,
  maxModelTokens: count,
  prefixCaching: v.boolean(),
  offloadGB: count,
  speculation: v.nullable(v.strictObject({ draftTokens: count, acceptance: count, draftCost: count })),
  /** Replicas of each phase, where they are apart. */
  disaggregated: v.nullable(v.strictObject({ prefillReplicas: count, decodeReplicas: count })),
});
export type PlanChoice = v.InferOutput<typeof PlanChoice>;

/** One step of the waterfall from a GPU's memory to its KV tokens. */
export const MemoryStep = v.strictObject({
  id: text(40),
  label: text(120),
  /** Negative: taken away. */
  bytes: number,
  /** With the numbers in it: "2 × 8.03e9 parameters". */
  formula: text(400),
  origin,
  source: text(400),
});
export type MemoryStep = v.InferOutput<typeof MemoryStep>;

/** What a deployment keeps in the memory of one GPU, the tightest of a replica. */
export const PlanMemory = v.strictObject({
  fits: v.boolean(),
  /** One sentence: by how much it fits or not. */
  verdict: text(600),
  steps: v.pipe(v.array(MemoryStep), v.maxLength(40)),
  weightsBytes: count,
  kvBytesPerToken: count,
  activationBytes: count,
  overheadBytes: count,
  /** Tokens of one replica's pool, as the engine prints them. */
  kvTokens: count,
  /** Sequences of the load's mean and longest length that the pool holds at once. */
  sequencesAtMean: count,
  sequencesAtMax: count,
  /** Share of reserved slots without a token: every sequence reserving the longest, and whole blocks. */
  reservedWaste: count,
  pagedWaste: count,
  /** How many requests of the load's lengths the pool holds either way, and paged by size of a block. */
  occupancy: v.optional(
    v.strictObject({
      reservedRequests: count,
      pagedRequests: count,
      byBlockSize: v.pipe(
        v.array(v.strictObject({ blockSize: count, waste: count, requests: count })),
        v.maxLength(12),
      ),
    }),
  ),
  /** Smallest changes that make it fit, or what would double the KV; each one setting. */
  remedies: v.pipe(v.array(text(200)), v.maxLength(12)),
});
export type PlanMemory = v.InferOutput<typeof PlanMemory>;

/** One kind of operation of a step on the roofline. */
export const PlanOperation = v.strictObject({
  name: text(80),
  phase: v.picklist(['prefill', 'decode']),
  /** Of all layers on one GPU, in one step. */
  flops: count,
  bytes: count,
  ms: count,
  bound: v.picklist(['compute', 'memory', 'communication', 'latency']),
});
export type PlanOperation = v.InferOutput<typeof PlanOperation>;

export const PlanPhase = v.strictObject({
  /** FLOP a byte. */
  arithmeticIntensity: count,
  /** FLOP a byte above which the GPU is bound by arithmetic, in the format that computes. */
  ridge: count,
  bound: v.picklist(['compute', 'memory', 'communication', 'latency']),
  /** Shares of the published dense rate and bandwidth. */
  mfu: count,
  mbu: count,
  /** Those two, of one GPU and in the format that computes: the roofs of a roofline. */
  peakTflops: count,
  bandwidthGBps: count,
});
export type PlanPhase = v.InferOutput<typeof PlanPhase>;

const Interval = v.tuple([count, count]);

/** What one replica does with `batch` sequences in flight. */
export const PlanSpeed = v.strictObject({
  batch: count,
  /** Mean; with queueing where a rate is given. */
  ttftMs: count,
  tpotMs: count,
  e2eMs: count,
  /** At the constraint's percentile. */
  ttftTailMs: count,
  tpotTailMs: count,
  /** Of the whole deployment at the load. */
  outputTokensPerSecond: count,
  requestsPerSecond: count,
  /** Most that the deployment could carry. */
  maxRequestsPerSecond: count,
  /** 80 % bands from the errors on measured points. */
  interval: v.strictObject({ ttftMs: Interval, tpotMs: Interval, outputTokensPerSecond: Interval }),
  phases: v.strictObject({ prefill: PlanPhase, decode: PlanPhase }),
  operations: v.pipe(v.array(PlanOperation), v.maxLength(60)),
  origin,
  /** What the times rest on: a sentence. */
  about: text(1000),
});
export type PlanSpeed = v.InferOutput<typeof PlanSpeed>;

export const PlanPrefix = v.strictObject({
  /** Of prompt tokens, simulated. */
  hitRatio: count,
  ttftSaved: count,
  memorySaved: count,
  throughputRatio: count,
});
export type PlanPrefix = v.InferOutput<typeof PlanPrefix>;

export const PlanCost = v.strictObject({
  perGpuHour: count,
  /** Whose price, of which day; a sentence. */
  priceSource: text(400),
  perHour: count,
  perRequest: count,
  perMonth: count,
  perMillionInputTokens: count,
  perMillionOutputTokens: count,
  /** Output tokens a second from which it is cheaper than the given API price; null: no such price was given. */
  breakEven: v.nullable(count),
  /** Share of what the GPUs could carry that the load uses. */
  utilization: count,
});
export type PlanCost = v.InferOutput<typeof PlanCost>;

export const PlanEnergy = v.strictObject({
  wattsPerGpu: count,
  joulesPerOutputToken: count,
  gramsCo2PerMillionOutputTokens: count,
  source: text(400),
});
export type PlanEnergy = v.InferOutput<typeof PlanEnergy>;

/** What a format costs in quality, with its origin; null: nobody measured it for this model. */
export const PlanQuality = v.strictObject({
  lossPercent: v.nullable(count),
  origin,
  source: text(400),
});
export type PlanQuality = v.InferOutput<typeof PlanQuality>;

/** What one format of the weights, or of the KV cache apart from them, would change of a deployment. */
export const PlanFormat = v.strictObject({
  part: v.picklist(['weights', 'kv']),
  format: v.picklist(['bf16', 'fp8', 'int8', 'int4']),
  /** As the field says it: fp16 for what is computed in 16 bits. */
  label: v.picklist(['fp16', 'fp8', 'int8', 'int4']),
  /** Why this GPU or engine has no such thing, in words; null: it has. All numbers are null then. */
  unsupported: v.nullable(text(300)),
  /** Bytes of the weights on one GPU, and of a token of KV on it. */
  weightsBytes: v.nullable(count),
  kvBytesPerToken: v.nullable(count),
  /** Requests of the load's mean length that the pool holds; null, with the times, where it does not fit. */
  sequences: v.nullable(count),
  /** The deployment's batch, or as many requests as fit. */
  batch: v.nullable(count),
  tpotMs: v.nullable(count),
  prefillMs: v.nullable(count),
  /** Of one replica, and against 16 bits. */
  outputTokensPerSecond: v.nullable(count),
  speedup: v.nullable(count),
  /** Of this format alone, everything else as released. */
  quality: PlanQuality,
  /** What it is for, a sentence. */
  use: text(300),
});
export type PlanFormat = v.InferOutput<typeof PlanFormat>;

/** A deployment, complete. */
export const Deployment = v.strictObject({
  choice: PlanChoice,
  memory: PlanMemory,
  speed: v.nullable(PlanSpeed),
  prefixCache: v.nullable(PlanPrefix),
  /** Null where nobody publishes a price and none was given. */
  cost: v.nullable(PlanCost),
  energy: v.nullable(PlanEnergy),
  quality: PlanQuality,
  /** 16, 8 and 4 bits of weights and of KV, each alone. Left out in plans of before. */
  formats: v.optional(v.pipe(v.array(PlanFormat), v.maxLength(12))),
});
export type Deployment = v.InferOutput<typeof Deployment>;

/** A row of the search: what was looked at beside the choice. */
export const PlanRow = v.strictObject({
  choice: PlanChoice,
  feasible: v.boolean(),
  reason: v.nullable(text(400)),
  ttftMs: v.nullable(count),
  tpotMs: v.nullable(count),
  outputTokensPerSecond: v.nullable(count),
  costPerHour: v.nullable(count),
  costPerMillionOutputTokens: v.nullable(count),
  joulesPerOutputToken: v.nullable(count),
  qualityLossPercent: v.nullable(count),
  /** Not beaten by any other row in cost, latency, throughput and quality together. */
  pareto: v.boolean(),
});
export type PlanRow = v.InferOutput<typeof PlanRow>;

export const PlanRun = v.strictObject({
  version: v.literal(RUN_VERSION),
  kind: v.literal('plan'),
  id: text(60),
  title: text(120),
  createdAt: text(40),
  origin,
  command: v.nullable(text(1000)),
  scenario: PlanScenario,
  feasible: v.boolean(),
  /** Why not, in one sentence; null when it is. */
  reason: v.nullable(text(600)),
  /** Null only where not even the weights' size is known. An infeasible plan still shows its memory. */
  deployment: v.nullable(Deployment),
  /** The best of the other rows first; the full table of a search. */
  rows: v.pipe(v.array(PlanRow), v.maxLength(2000)),
  /** Settings that were looked at, and those that were dropped before anything was computed. */
  searched: v.strictObject({ candidates: count, infeasible: count }),
  /** Five sentences with the runner-up and what would change the decision. */
  explanation: v.pipe(v.array(text(600)), v.maxLength(8)),
  notes: v.pipe(v.array(text(600)), v.maxLength(50)),
  complete: v.boolean(),
});
export type PlanRun = v.InferOutput<typeof PlanRun>;
