/**
 * The run: the only output of the laboratory. Scenario + environment + raw samples.
 *
 * Views, figures, exports and comparison read runs and nothing else; summaries are computed from the samples by
 * `core/metrics`, so that an old run gains each new statistic. Runs also come from files, so this is a door: bounded.
 */
import * as v from 'valibot';
import { Scenario } from '../scenario/schema.ts';
import { Environment } from './environment.ts';
import type { AutopilotRun } from './autopilot.ts';
import type { ImportedRun } from './imported.ts';
import type { LoadRun, WatchRun } from './load.ts';
import type { PlanRun } from './plan.ts';
import { QualityRun } from './quality.ts';
import { ServeRun } from './serve.ts';
import { SimRun } from './simulation.ts';
import { TuneRun } from './tune.ts';
import { RUN_VERSION } from './version.ts';

export { Environment, RUN_VERSION };
export type { AutopilotRun, ImportedRun, LoadRun, PlanRun, QualityRun, ServeRun, SimRun, TuneRun, WatchRun };

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const ms = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const bytes = v.pipe(v.number(), v.minValue(0), v.finite());

/** Where a number comes from; every figure on screen and in each export carries one. */
export const Origin = v.picklist(['measured', 'simulated', 'published', 'assumed']);
export type Origin = v.InferOutput<typeof Origin>;

/** One request. Times are milliseconds from the start of its repetition. */
export const RequestRow = v.strictObject({
  id: count,
  group: text(40),
  promptTokens: count,
  outputTokens: count,
  queuedMs: ms,
  startMs: v.nullable(ms),
  firstTokenMs: v.nullable(ms),
  endMs: v.nullable(ms),
  peakKvBytes: bytes,
  backend: text(80),
  error: v.nullable(text(400)),
});
export type RequestRow = v.InferOutput<typeof RequestRow>;

/** One engine step: everything one submit did for all layers. */
export const StepSample = v.strictObject({
  phase: v.picklist(['prefill', 'decode', 'evict']),
  /** Sequences in the step. */
  sequences: count,
  /** Tokens appended in the step. */
  tokens: count,
  /** Sum of the context lengths read. */
  contextTokens: count,
  /** Bytes of K and V that attention reads in the step, over all layers. */
  kvReadBytes: bytes,
  startMs: ms,
  /** Submit to done, on the host's clock. */
  wallMs: ms,
  /** On the GPU's clock; null where it cannot be had. */
  gpuMs: v.nullable(ms),
});
export type StepSample = v.InferOutput<typeof StepSample>;

/** KV memory, as the sum of our own allocations. */
export const MemorySample = v.strictObject({
  /** Bytes that hold a token's K or V. */
  usedBytes: bytes,
  /** Bytes of blocks (or reservations) given to sequences. */
  reservedBytes: bytes,
  /** Bytes of the pool buffers on the GPU. */
  allocatedBytes: bytes,
});
export type MemorySample = v.InferOutput<typeof MemorySample>;

/** One repetition of one point. */
export const Repetition = v.strictObject({
  requests: v.pipe(v.array(RequestRow), v.maxLength(10_000)),
  steps: v.pipe(v.array(StepSample), v.maxLength(200_000)),
  /** At the moment of the highest use. */
  peakMemory: MemorySample,
  /** Start on the run's clock, for drift. */
  startedMs: ms,
});
export type Repetition = v.InferOutput<typeof Repetition>;

/** One point of the sweep: the settings of its axes and its kept repetitions. */
export const Point = v.strictObject({
  /** Sweep path → label of the value. */
  settings: v.record(text(60), v.union([v.number(), text(80)])),
  /** `failed` and `skipped` have a reason and no invented numbers; `shrunk` ran smaller and says how. */
  status: v.picklist(['done', 'shrunk', 'failed', 'skipped']),
  reason: v.nullable(text(400)),
  /** Kernel tier and variant that ran. */
  variant: text(120),
  repetitions: v.pipe(v.array(Repetition), v.maxLength(100)),
});
export type Point = v.InferOutput<typeof Point>;

export const LabRun = v.strictObject({
  version: v.literal(RUN_VERSION),
  kind: v.literal('lab'),
  id: text(60),
  title: text(120),
  /** ISO 8601, UTC. */
  createdAt: text(40),
  origin: Origin,
  /** Command line that wrote the run; null for one made in the page. */
  command: v.nullable(text(1000)),
  /** What was run: the scenario after software-adapter and memory reductions, which `notes` name. */
  scenario: Scenario,
  environment: Environment,
  points: v.pipe(v.array(Point), v.maxLength(1024)),
  /** Sentences about the run as a whole: reductions, drift, a lost device, a hidden tab. */
  notes: v.pipe(v.array(text(600)), v.maxLength(50)),
  /** False when the run was cancelled or cut short. */
  complete: v.boolean(),
});
export type LabRun = v.InferOutput<typeof LabRun>;

/** One measured quantity of the hardware check, with its raw samples. */
export const CheckMeasurement = v.strictObject({
  id: text(60),
  label: text(120),
  unit: text(30),
  /** Median of the samples; null when it could not be measured. */
  value: v.nullable(v.number()),
  samples: v.pipe(v.array(v.number()), v.maxLength(1000)),
  /** Percent of the measured peak that applies, where one does. */
  percentOfPeak: v.nullable(v.number()),
  /** Why it is missing, or how it was measured. */
  note: text(400),
});
export type CheckMeasurement = v.InferOutput<typeof CheckMeasurement>;

export const CheckRun = v.strictObject({
  version: v.literal(RUN_VERSION),
  kind: v.literal('check'),
  id: text(60),
  title: text(120),
  createdAt: text(40),
  origin: Origin,
  command: v.nullable(text(1000)),
  environment: Environment,
  measurements: v.pipe(v.array(CheckMeasurement), v.maxLength(200)),
  /** Present on a card that came in a link: its numbers are the sender's word. */
  received: v.optional(v.literal('link')),
  notes: v.pipe(v.array(text(600)), v.maxLength(50)),
  complete: v.boolean(),
});
export type CheckRun = v.InferOutput<typeof CheckRun>;

/** The runs whose schemas the first screen loads; those of LAZY_RUNS (document.ts) come with the first of their kind. */
export const EagerRun = v.variant('kind', [LabRun, CheckRun, SimRun, QualityRun, ServeRun, TuneRun]);
export type LazyRun = PlanRun | LoadRun | WatchRun | AutopilotRun | ImportedRun;
export type Run = v.InferOutput<typeof EagerRun> | LazyRun;
