/**
 * The run of a simulated serving engine: scenario + what happened. A kind of the one run document (schema.ts).
 *
 * Series and requests are columns, so that a long run is a few arrays. Summaries are computed once, exactly, by
 * core/metrics while the run has all its requests; the columns that a file keeps may be fewer, and say so.
 */
import * as v from 'valibot';
import { SimScenario } from '../scenario/simulate/schema.ts';
import { RUN_VERSION } from './version.ts';

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const count = v.pipe(v.number(), v.minValue(0));
const number = v.pipe(v.number(), v.finite());
const column = v.pipe(v.array(v.nullable(number)), v.maxLength(200_000));

/** A distribution: exact while `samples` values fit, from a histogram of 3 digits beyond (`exact` says which). */
export const SimDistribution = v.strictObject({
  samples: count,
  exact: v.boolean(),
  mean: number,
  min: number,
  p50: number,
  p90: number,
  p95: number,
  p99: number,
  p999: number,
  max: number,
  /** Values at probabilities 0, 1/n … 1, for a CDF. */
  quantiles: v.pipe(v.array(number), v.maxLength(1001)),
});
export type SimDistribution = v.InferOutput<typeof SimDistribution>;

export const SimSummary = v.strictObject({
  requests: count,
  finished: count,
  durationMs: count,
  ttftMs: v.nullable(SimDistribution),
  tpotMs: v.nullable(SimDistribution),
  itlMs: v.nullable(SimDistribution),
  /** Mean of the longest tenth of the gaps. Absent where there are none, and in older runs. */
  tbtMs: v.optional(count),
  e2eMs: v.nullable(SimDistribution),
  queueMs: v.nullable(SimDistribution),
  promptTokensPerSecond: count,
  outputTokensPerSecond: count,
  requestsPerSecond: count,
  /** Requests that met all objectives, a second; null without objectives. */
  goodput: v.nullable(count),
  /** Share of finished requests that met all objectives; null without. */
  attainment: v.nullable(count),
  /** Finished requests that kept each objective, by itself; null for one that is not set. Older runs lack it. */
  withinObjective: v.optional(
    v.strictObject({ ttftMs: v.nullable(count), tpotMs: v.nullable(count), e2eMs: v.nullable(count) }),
  ),
  /** Prompt tokens found in the cache over all prompt tokens; null without a prefix cache. */
  prefixHitRatio: v.nullable(count),
  preemptions: count,
  /** Tokens computed again after a preemption. */
  recomputedTokens: count,
  steps: count,
  meanBatch: count,
  kvBlocks: count,
  peakKvBlocks: count,
  meanKvBlocks: count,
  /** Mean share of slots in given blocks that hold no token. */
  fragmentation: count,
  /** Times when the run was in its steady state; null where none was found. */
  steadyFromMs: v.nullable(count),
});
export type SimSummary = v.InferOutput<typeof SimSummary>;

/** Sampled at most some thousand times a run: each value holds from its time until the next. */
export const SimSeries = v.strictObject({
  timeMs: column,
  running: column,
  waiting: column,
  /** Blocks that a sequence refers to. */
  activeBlocks: column,
  /** Free blocks whose contents a prefix cache can still find. */
  cachedBlocks: column,
  freeBlocks: column,
  /** Slots of active blocks without a token, in blocks. */
  wastedBlocks: column,
  /** Preemptions since the sample before. */
  preemptions: column,
  /** Prompt tokens that were asked of the prefix cache since the sample before, and those it had. */
  lookedUpTokens: column,
  hitTokens: column,
  /** Bytes that went to and came from lower tiers since the sample before. */
  tierOutBytes: column,
  tierInBytes: column,
});
export type SimSeries = v.InferOutput<typeof SimSeries>;

/** The first requests of a run, or all; null where it did not happen. */
export const SimRequests = v.strictObject({
  /** Requests that the run had; more than the columns hold when it was long. */
  total: count,
  arrivalMs: column,
  /** First scheduled. */
  startMs: column,
  firstTokenMs: column,
  endMs: column,
  promptTokens: column,
  outputTokens: column,
  /** Prompt tokens found in the cache at the first admission. */
  cachedTokens: column,
  preemptions: column,
  replica: column,
});
export type SimRequests = v.InferOutput<typeof SimRequests>;

export const SimRepetition = v.strictObject({
  seed: count,
  summary: SimSummary,
  series: SimSeries,
  requests: SimRequests,
  /** Steps by what their time rests on (sim/cost/model.ts). */
  basis: v.strictObject({ measured: count, interpolated: count, extrapolated: count, assumed: count }),
  /** Bytes to and from each tier, by its kind; hits there. Empty without tiers. */
  tiers: v.pipe(
    v.array(v.strictObject({ kind: text(40), outBytes: count, inBytes: count, hitTokens: count })),
    v.maxLength(8),
  ),
});
export type SimRepetition = v.InferOutput<typeof SimRepetition>;

export const SimPoint = v.strictObject({
  settings: v.record(text(80), v.union([v.number(), text(80)])),
  status: v.picklist(['done', 'failed']),
  /** Why it failed. */
  reason: v.nullable(text(400)),
  costModel: text(400),
  repetitions: v.pipe(v.array(SimRepetition), v.maxLength(100)),
});
export type SimPoint = v.InferOutput<typeof SimPoint>;

export const SimRun = v.strictObject({
  version: v.literal(RUN_VERSION),
  kind: v.literal('simulate'),
  id: text(60),
  title: text(120),
  createdAt: text(40),
  origin: v.literal('simulated'),
  command: v.nullable(text(1000)),
  appVersion: text(40),
  scenario: SimScenario,
  points: v.pipe(v.array(SimPoint), v.maxLength(1024)),
  notes: v.pipe(v.array(text(600)), v.maxLength(50)),
  complete: v.boolean(),
});
export type SimRun = v.InferOutput<typeof SimRun>;
