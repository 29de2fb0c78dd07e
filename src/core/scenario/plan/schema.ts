/**
 * The scenario of a plan: which model, on what, under which load, for which goal. What is null is the planner's to choose.
 *
 * A kind of the one scenario document (`kind: "plan"`). The bounds here are the bounds of everything that comes from
 * outside; what contradicts itself is refused in rules.ts. A model or GPU that is in no record is carried whole, so that
 * a link and a file reproduce the plan.
 */
import * as v from 'valibot';
import { GpuRecord } from '../../hardware/records.ts';
import { Architecture } from '../../model/architecture.ts';
import { SCENARIO_VERSION } from '../schema.ts';
import { LengthSettings, SIM_KV_FORMATS, SIM_WEIGHT_FORMATS } from '../simulate/schema.ts';

const int = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const real = (min: number, max: number) => v.pipe(v.number(), v.finite(), v.minValue(min), v.maxValue(max));
const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const tokens = int(1, 10_000_000);
const share = real(0, 1);

export const PLAN_ENGINES = ['vllm', 'sglang', 'tensorrt-llm', 'llama.cpp'] as const;
export const PLAN_GOALS = ['cost', 'latency', 'throughput', 'quality', 'energy', 'balanced'] as const;
export const PRICE_CONTRACTS = ['on-demand', 'spot', 'reserved'] as const;
/** Terms of the memory waterfall that a person can replace, in bytes on one GPU. */
export const MEMORY_TERMS = [
  'weights',
  'activations',
  'logits',
  'runtime',
  'graphs',
  'communication',
  'encoder',
  'draft',
] as const;

/** What limits the published rates of a part without the power or the cooling of the full one. */
export const Derating = v.strictObject({ thermal: share, power: share, sustained: share });

export const PlanHardware = v.strictObject({
  /** A record of core/hardware; null: the search looks at all of them. */
  gpu: v.nullable(text(80)),
  /** A GPU of no record, or a hardware check as one; replaces `gpu`. */
  custom: v.nullable(GpuRecord),
  /** Of the whole deployment; null: as many as the load takes. */
  count: v.nullable(int(1, 100_000)),
  tensorParallel: v.nullable(int(1, 64)),
  pipelineParallel: v.nullable(int(1, 64)),
  /** Experts whole on one rank each, instead of a part of each on all. */
  expertParallel: v.boolean(),
  /** Null: a record's own (laptops: balanced), else none. */
  derating: v.nullable(Derating),
});

export const PlanEngine = v.strictObject({
  name: v.picklist(PLAN_ENGINES),
  /** Null: the newest whose overheads are known. */
  version: v.nullable(text(40)),
  weights: v.nullable(v.picklist(SIM_WEIGHT_FORMATS)),
  kvFormat: v.nullable(v.picklist(SIM_KV_FORMATS)),
  blockSize: v.nullable(int(1, 4096)),
  /** Share of a GPU's memory, in the engine's own meaning; null: the engine's default. */
  memoryUtilization: v.nullable(real(0.05, 1)),
  tokenBudget: v.nullable(int(1, 1_048_576)),
  maxSequences: v.nullable(int(1, 65_536)),
  /** Longest prompt + output that it is started for; null: what the load needs. */
  maxModelTokens: v.nullable(tokens),
  prefixCaching: v.nullable(v.boolean()),
  /** Host memory for evicted KV, a GPU; null: the planner's choice, 0: none. */
  offloadGB: v.nullable(real(0, 100_000)),
  speculation: v.nullable(
    v.strictObject({
      draftTokens: int(1, 64),
      acceptance: share,
      /** Time and memory of the draft as a share of the model's. */
      draftCost: share,
    }),
  ),
  /** Prefill and decode on GPUs of their own; null: the planner's choice. */
  disaggregated: v.nullable(v.boolean()),
});

export const PlanLoad = v.strictObject({
  /** Requests a second; null: `concurrency` requests in flight, or whatever the GPUs carry when both are null. */
  rate: v.nullable(real(1e-6, 1e6)),
  concurrency: v.nullable(int(1, 1_000_000)),
  promptTokens: LengthSettings,
  outputTokens: LengthSettings,
  /** Tokens that prompts begin with in common, and the different ones of them. */
  sharedPrefix: v.nullable(v.strictObject({ tokens, prompts: int(1, 100_000) })),
  /** Images in a prompt, for models that take them; each is `imageTokens` of the prompt's KV beside its text. */
  images: v.nullable(v.strictObject({ each: int(1, 1000), imageTokens: tokens })),
  /** Name of a trace given beside the scenario: its rate, lengths and sharing replace those above. */
  trace: v.nullable(text(200)),
  /** Share of the peak rate in each hour of the day, for the utilization curve; null: even. */
  hours: v.nullable(v.pipe(v.array(share), v.length(24))),
});

const limit = v.nullable(real(1e-9, 1e12));

export const PlanConstraints = v.strictObject({
  ttftMs: limit,
  tpotMs: limit,
  e2eMs: limit,
  /** Share of requests that keep each of them. */
  percentile: real(0.5, 0.999),
  costPerHour: limit,
  costPerMillionOutputTokens: limit,
  /** Ids of the GPUs that can be had; null: all. */
  gpus: v.nullable(v.pipe(v.array(text(80)), v.minLength(1), v.maxLength(500))),
  maxGpus: v.nullable(int(1, 100_000)),
  /** Most that quality may lose against bf16, in percent of perplexity; null: not asked. */
  qualityLossPercent: v.nullable(real(0, 100)),
});

export const PlanPrices = v.strictObject({
  contract: v.picklist(PRICE_CONTRACTS),
  provider: v.nullable(text(80)),
  region: v.nullable(text(80)),
  /** $ of one GPU for an hour; replaces the record's. */
  perGpuHour: v.nullable(real(0, 1e6)),
  /** Share of the GPUs that are rented on the spot market. */
  spotShare: share,
  /** $ of a million output tokens elsewhere, to break even against. */
  apiPerMillionOutput: v.nullable(real(0, 1e6)),
  apiPerMillionInput: v.nullable(real(0, 1e6)),
  /** Own hardware instead of rent: $ a GPU with its part of the server, years, $ a kWh. */
  owned: v.nullable(
    v.strictObject({
      perGpu: real(0, 1e7),
      years: real(0.1, 30),
      perKwh: real(0, 100),
      otherPerHour: real(0, 1e5),
    }),
  ),
  /** Grid whose carbon counts; a region of plan/energy. */
  grid: text(40),
  pue: real(1, 5),
});

export const PlanScenario = v.strictObject({
  version: v.literal(SCENARIO_VERSION),
  kind: v.literal('plan'),
  title: text(120),
  about: text(1200),
  seed: int(0, 4_294_967_295),
  /** A record of core/model: id, display name or alias. */
  model: text(200),
  /** A model of no record, read from its config.json; replaces `model`. */
  architecture: v.nullable(Architecture),
  hardware: PlanHardware,
  engine: PlanEngine,
  load: PlanLoad,
  goal: v.strictObject({
    kind: v.picklist(PLAN_GOALS),
    /** Of a balanced goal; they are brought to a sum of 1. Filled in where a layer names another goal alone. */
    weights: v.optional(
      v.strictObject({ cost: share, latency: share, throughput: share, quality: share, energy: share }),
      { cost: 0.4, latency: 0.3, throughput: 0.15, quality: 0.1, energy: 0.05 },
    ),
  }),
  constraints: PlanConstraints,
  prices: PlanPrices,
  /** Bytes on one GPU instead of the computed ones. */
  memory: v.partial(
    v.strictObject(
      Object.fromEntries(MEMORY_TERMS.map((term) => [term, real(0, 1e15)])) as Record<
        MemoryTerm,
        ReturnType<typeof real>
      >,
    ),
  ),
  /** Name of a calibration made from measured results and kept beside the scenarios; null: the built-in constants. */
  calibration: v.nullable(text(120)),
});

export type MemoryTerm = (typeof MEMORY_TERMS)[number];
export type PlanScenario = v.InferOutput<typeof PlanScenario>;
export type PlanHardware = v.InferOutput<typeof PlanHardware>;
export type PlanEngine = v.InferOutput<typeof PlanEngine>;
export type PlanLoad = v.InferOutput<typeof PlanLoad>;
export type PlanConstraints = v.InferOutput<typeof PlanConstraints>;
export type PlanPrices = v.InferOutput<typeof PlanPrices>;
export type Derating = v.InferOutput<typeof Derating>;
export type PlanEngineName = (typeof PLAN_ENGINES)[number];
export type PlanGoal = (typeof PLAN_GOALS)[number];
