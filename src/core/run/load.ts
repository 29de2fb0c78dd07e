/**
 * The run of a load on a real server: raw times of every token that came over HTTP, errors by kind, and what the simulator
 * says of the same requests.
 *
 * Neither the server's address nor a key is anywhere in it: sentences that a server wrote have both taken out before they
 * are kept. Summaries are computed from the columns by core/metrics/load.
 */
import * as v from 'valibot';
import { LoadScenario } from '../scenario/load/schema.ts';
import { SimSummary } from './simulation.ts';
import { RUN_VERSION } from './version.ts';

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const count = v.pipe(v.number(), v.minValue(0), v.finite());
const number = v.pipe(v.number(), v.finite());
const MAX_REQUESTS = 50_000;
const MAX_CHUNKS = 4_000_000;
const column = v.pipe(v.array(v.nullable(number)), v.maxLength(MAX_REQUESTS));
const counts = v.pipe(v.array(count), v.maxLength(MAX_REQUESTS));

/** What can go wrong with one request. */
export const FAULT_KINDS = [
  'unreachable',
  'refused by the browser',
  'timeout',
  'connection lost',
  'stream cut',
  'not an API',
  'not streamed',
  'unreadable stream',
  'no tokens',
  'rate limited',
  'server error',
  'wrong model',
  'wrong path',
  'unauthorized',
  'bad request',
  'cancelled',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** One entry a request, milliseconds from the repetition's start; null where it did not happen. */
export const LoadRequests = v.strictObject({
  /** When it was due: latencies count from here, whenever the client could send it. */
  arrivalMs: column,
  /** When it was sent the first time; later than due by the client's own lateness. */
  sentMs: column,
  firstTokenMs: column,
  /** Last token; null for a request that failed. */
  endMs: column,
  /** Tokens that the workload asked for. */
  askedPromptTokens: counts,
  askedOutputTokens: counts,
  /** As the server counted them; null where it did not. */
  promptTokens: column,
  outputTokens: column,
  cachedTokens: column,
  /** Pieces of text that came; a piece may hold several tokens. */
  chunks: counts,
  /** When each piece came, request by request. */
  chunkMs: v.pipe(v.array(number), v.maxLength(MAX_CHUNKS)),
  /** Times that it was sent. */
  attempts: counts,
});
export type LoadRequests = v.InferOutput<typeof LoadRequests>;

export const LoadFault = v.strictObject({
  row: count,
  attempt: count,
  atMs: number,
  kind: v.picklist(FAULT_KINDS),
  /** HTTP status; null where there was no answer. */
  status: v.nullable(count),
  sentence: text(400),
  /** Whether the request was sent again. */
  retried: v.boolean(),
});
export type LoadFault = v.InferOutput<typeof LoadFault>;

/** What a server says of itself, in our words; null where it does not say. */
export const Telemetry = v.strictObject({
  /** From the repetition's start, or from the first sample of a watch. */
  atMs: number,
  running: v.nullable(count),
  waiting: v.nullable(count),
  /** 0…1. */
  kvUsage: v.nullable(count),
  /** Tokens (or queries) looked up in the prefix cache and found there, since the server started. */
  prefixLookups: v.nullable(count),
  prefixHits: v.nullable(count),
  preemptions: v.nullable(count),
  promptTokens: v.nullable(count),
  outputTokens: v.nullable(count),
  /** Means since the server started. */
  ttftMs: v.nullable(count),
  itlMs: v.nullable(count),
  e2eMs: v.nullable(count),
  queueMs: v.nullable(count),
});
export type Telemetry = v.InferOutput<typeof Telemetry>;

export const LoadRecord = v.strictObject({
  seed: count,
  requests: LoadRequests,
  /** Every failed attempt, those that were sent again included. */
  faults: v.pipe(v.array(LoadFault), v.maxLength(200_000)),
  /** Requests that the cap on requests in flight held back. */
  heldBack: count,
  telemetry: v.pipe(v.array(Telemetry), v.maxLength(100_000)),
});
export type LoadRecord = v.InferOutput<typeof LoadRecord>;

export const LoadFit = v.strictObject({
  baseMs: count,
  perTokenMs: count,
  perPrefillPairMs: count,
  perContextTokenMs: count,
  perSequenceMs: count,
  steps: count,
  meanErrorPercent: count,
});
export type LoadFit = v.InferOutput<typeof LoadFit>;

export const LoadPoint = v.strictObject({
  settings: v.record(text(80), v.union([v.number(), text(80)])),
  label: text(200),
  status: v.picklist(['done', 'failed', 'skipped']),
  reason: v.nullable(text(400)),
  /** Why the server counts as saturated here; null where it does not. */
  saturated: v.nullable(text(300)),
  fit: v.nullable(LoadFit),
  repetitions: v.pipe(
    v.array(v.strictObject({ measured: LoadRecord, predicted: v.nullable(SimSummary) })),
    v.maxLength(20),
  ),
  calibration: v.pipe(v.array(LoadRecord), v.maxLength(20)),
});
export type LoadPoint = v.InferOutput<typeof LoadPoint>;

export const SERVER_KINDS = [
  'vllm',
  'sglang',
  'llama.cpp',
  'tgi',
  'tensorrt-llm',
  'ollama',
  'lm-studio',
  'dynamo',
  'unknown',
] as const;
export type ServerKind = (typeof SERVER_KINDS)[number];

/** What the probe learned before the load. */
export const LoadedServer = v.strictObject({
  kind: v.picklist(SERVER_KINDS),
  version: v.nullable(text(120)),
  models: v.pipe(v.array(text(300)), v.maxLength(200)),
  maxModelTokens: v.nullable(count),
  maxSequences: v.nullable(count),
  kvTokens: v.nullable(count),
  vocabulary: v.nullable(count),
  /** Whether /metrics answers. */
  metrics: v.boolean(),
});
export type LoadedServer = v.InferOutput<typeof LoadedServer>;

export const LoadRun = v.strictObject({
  version: v.literal(RUN_VERSION),
  kind: v.literal('load'),
  id: text(60),
  title: text(120),
  createdAt: text(40),
  origin: v.literal('measured'),
  appVersion: text(40),
  /** Command line that wrote the run, with neither address nor key. */
  command: v.nullable(text(1000)),
  scenario: LoadScenario,
  /** As the server names it. */
  model: text(300),
  server: LoadedServer,
  /** What sent the load. */
  client: text(300),
  points: v.pipe(v.array(LoadPoint), v.maxLength(32)),
  notes: v.pipe(v.array(text(600)), v.maxLength(50)),
  complete: v.boolean(),
});
export type LoadRun = v.InferOutput<typeof LoadRun>;

/** Samples of a server's own metrics over a time. */
export const WatchRun = v.strictObject({
  version: v.literal(RUN_VERSION),
  kind: v.literal('watch'),
  id: text(60),
  title: text(120),
  /** Command line that wrote the run, without the address. */
  command: v.nullable(text(1000)),
  createdAt: text(40),
  origin: v.literal('measured'),
  appVersion: text(40),
  server: v.picklist(SERVER_KINDS),
  intervalSeconds: count,
  samples: v.pipe(v.array(Telemetry), v.maxLength(100_000)),
  notes: v.pipe(v.array(text(600)), v.maxLength(50)),
  complete: v.boolean(),
});
export type WatchRun = v.InferOutput<typeof WatchRun>;
