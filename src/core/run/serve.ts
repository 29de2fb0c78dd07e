/**
 * The run of the serving lab: a real model under a load, measured, and what the simulator says of the same requests.
 *
 * Raw columns only, the same on both sides: when each request and each token came, and what each step did. Summaries are
 * computed from them by core/metrics/serving/served.ts, so measured and predicted go through one code.
 */
import * as v from 'valibot';
import { ServeScenario, SERVE_BACKENDS } from '../scenario/serve/schema.ts';
import { Environment } from './environment.ts';
import { RUN_VERSION } from './version.ts';

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const count = v.pipe(v.number(), v.minValue(0), v.finite());
const number = v.pipe(v.number(), v.finite());
const MAX_REQUESTS = 20_000;
const MAX_STEPS = 100_000;
const MAX_TOKENS = 400_000;
const requestColumn = v.pipe(v.array(v.nullable(number)), v.maxLength(MAX_REQUESTS));
const stepColumn = v.pipe(v.array(number), v.maxLength(MAX_STEPS));

/** One entry a request, milliseconds from the repetition's start; null where it did not happen. */
export const ServeRequests = v.strictObject({
  /** When it was due: latencies count from here, whenever it could be sent. */
  arrivalMs: requestColumn,
  sentMs: requestColumn,
  /** First scheduled. */
  startMs: requestColumn,
  firstTokenMs: requestColumn,
  endMs: requestColumn,
  promptTokens: requestColumn,
  /** Tokens that it asked for. */
  outputTokens: requestColumn,
  /** Prompt tokens found in the cache at the first admission. */
  cachedTokens: requestColumn,
  preemptions: requestColumn,
  /** Tokens that came. */
  tokens: requestColumn,
  /** When each token came, request by request, `tokens` of each. */
  tokenMs: v.pipe(v.array(number), v.maxLength(MAX_TOKENS)),
});
export type ServeRequests = v.InferOutput<typeof ServeRequests>;

/** One entry an engine step. Empty for a backend that does not tell its steps. */
export const ServeSteps = v.strictObject({
  startMs: stepColumn,
  endMs: stepColumn,
  /** On the GPU's clock; null where there is none. */
  gpuMs: v.pipe(v.array(v.nullable(number)), v.maxLength(MAX_STEPS)),
  decodeSequences: stepColumn,
  decodeContextTokens: stepColumn,
  prefillTokens: stepColumn,
  prefillChunks: stepColumn,
  /** (query, key) pairs of the chunks' causal attention. */
  prefillPairs: stepColumn,
  running: stepColumn,
  waiting: stepColumn,
  activeBlocks: stepColumn,
  cachedBlocks: stepColumn,
  /** Slots of active blocks, or of reservations, that hold no token when the step is over. */
  wastedSlots: stepColumn,
  preemptions: stepColumn,
  /** Tokens of preempted requests that come back in the step and have to be computed again. */
  recomputedTokens: stepColumn,
});
export type ServeSteps = v.InferOutput<typeof ServeSteps>;

export const ServeRecord = v.strictObject({
  seed: count,
  requests: ServeRequests,
  steps: ServeSteps,
});
export type ServeRecord = v.InferOutput<typeof ServeRecord>;

const MAX_DECODE_TIMES = 1024;
const decodeColumn = v.pipe(v.array(count), v.maxLength(MAX_DECODE_TIMES));

/**
 * What the steps of an engine cost (lab/serving/step-law.ts), and what that was fitted on: the constants of
 * sim/cost/linear.ts for steps with prompt tokens, a table for steps that only decode.
 */
export const ServeFit = v.strictObject({
  baseMs: count,
  perTokenMs: count,
  perPrefillPairMs: count,
  perContextTokenMs: count,
  perSequenceMs: count,
  decode: v.strictObject({
    /** Numbers of decoding sequences, ascending. */
    sequences: decodeColumn,
    /** A step of as many, without the time of its contexts. */
    ms: decodeColumn,
    perContextTokenMs: count,
  }),
  /** Steps under way at once: with 2 the next one is launched before the one before it is over. */
  depth: v.picklist([1, 2]),
  /** Between a step's end and the next one's launch, on the host; 0 with two under way. */
  gapMs: count,
  steps: count,
  /** Σ |fitted − measured| / Σ measured over those steps, in percent. */
  meanErrorPercent: count,
  /** The repetitions whose steps were used, none of which is compared with a prediction. */
  from: v.pipe(v.array(v.strictObject({ point: count, seed: count, steps: count })), v.maxLength(1024)),
});
export type ServeFit = v.InferOutput<typeof ServeFit>;

export const ServePoint = v.strictObject({
  settings: v.record(text(80), v.union([v.number(), text(80)])),
  backend: v.picklist(SERVE_BACKENDS),
  /** For people, with what it runs on. */
  engine: text(200),
  status: v.picklist(['done', 'failed', 'skipped']),
  /** Why there are no numbers. */
  reason: v.nullable(text(400)),
  /** Of the pool, all sequences together; null where the backend does not say. */
  kvBlocks: v.nullable(count),
  blockSize: v.nullable(count),
  kvBytesPerToken: v.nullable(count),
  /** Tokens that one sequence reserves; 0: pages. */
  reservedTokens: count,
  fit: v.nullable(ServeFit),
  /** Kept repetitions and the predictions of the same requests. */
  repetitions: v.pipe(
    v.array(v.strictObject({ measured: ServeRecord, predicted: v.nullable(ServeRecord) })),
    v.maxLength(20),
  ),
  /** What the cost model was fitted on. */
  calibration: v.pipe(v.array(ServeRecord), v.maxLength(20)),
});
export type ServePoint = v.InferOutput<typeof ServePoint>;

/** Times to the first token of one prompt, milliseconds, one a repetition. */
export const ServeFirstToken = v.strictObject({
  from: v.picklist(['computed', 'prefix cache', 'host memory']),
  samplesMs: v.pipe(v.array(count), v.maxLength(100)),
  /** Prompt tokens that were found, one entry a sample. */
  cachedTokens: v.pipe(v.array(count), v.maxLength(100)),
  promptTokens: count,
  /** Why there are no samples. */
  reason: v.nullable(text(400)),
});
export type ServeFirstToken = v.InferOutput<typeof ServeFirstToken>;

export const ServeRun = v.strictObject({
  version: v.literal(RUN_VERSION),
  kind: v.literal('serve'),
  id: text(60),
  title: text(120),
  createdAt: text(40),
  origin: v.literal('measured'),
  command: v.nullable(text(1000)),
  scenario: ServeScenario,
  /** The model that was loaded, by its name. */
  model: text(200),
  environment: Environment,
  points: v.pipe(v.array(ServePoint), v.maxLength(1024)),
  firstToken: v.pipe(v.array(ServeFirstToken), v.maxLength(3)),
  notes: v.pipe(v.array(text(600)), v.maxLength(50)),
  complete: v.boolean(),
});
export type ServeRun = v.InferOutput<typeof ServeRun>;
