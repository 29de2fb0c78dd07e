/**
 * The scenario of a load on a real server that speaks the OpenAI API: the simulator's workload, sent over HTTP.
 *
 * The server's address and key are no part of it: they are given beside it, for one session, so that a scenario can be
 * shown to anybody. What contradicts itself is refused in rules.ts; what the server can't do, by the probe before the load.
 */
import * as v from 'valibot';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { SCENARIO_VERSION } from '../schema.ts';
import { SimWorkload } from '../simulate/schema.ts';

const int = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const real = (min: number, max: number) => v.pipe(v.number(), v.finite(), v.minValue(min), v.maxValue(max));
const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const objective = v.nullable(real(0, 1e9));

export const LOAD_APIS = ['completions', 'chat'] as const;
export type LoadApi = (typeof LOAD_APIS)[number];

export const LoadPrompts = v.strictObject({
  /** `text`: words, as many as the server's own count of tokens asks for. `ids`: token ids, for completions alone. */
  as: v.picklist(['text', 'ids']),
  /** Ids are drawn below it; null: what the server tells. */
  vocabulary: v.nullable(int(2, 10_000_000)),
  /** Tokens of the pieces in which prompts share text: the server's block size, or a part of it. */
  blockTokens: int(1, 4096),
});

export const LoadClient = v.strictObject({
  /** Of one request, from its sending to its last token. */
  timeoutSeconds: real(0.05, 86_400),
  /** Times that a request is sent again after a fault that may pass; its latency goes on from when it was due. */
  retries: int(0, 20),
  retrySeconds: real(0, 600),
  /** More wait at the client, which counts as its lateness. */
  maxInFlight: int(1, 10_000),
  /**
   * Whether a request may take a connection that an earlier one left open. Not so, it opens its own, which counts as its
   * time; but some servers close what is left open just as the next request comes (llama.cpp does). A browser decides itself.
   */
  reuseConnections: v.boolean(),
});

/** What the prediction needs to know of the server's engine; null: what the server tells, else no limit. */
export const LoadServer = v.strictObject({
  maxSequences: v.nullable(int(1, 100_000)),
  kvTokens: v.nullable(int(1, 1_000_000_000)),
  tokenBudget: int(1, 1_000_000),
  prefixCache: v.boolean(),
});

const isPart = (value: unknown): boolean => Array.isArray(value) || isJsonObject(value);

export const LoadSweep = v.strictObject({
  path: v.pipe(
    text(80),
    v.regex(
      /^(workload|sampling|client|prompts)(\.[a-zA-Z0-9]+){1,4}$/,
      'is not a path such as workload.arrivals.users.',
    ),
  ),
  values: v.pipe(
    v.array(v.union([v.number(), text(80), v.boolean(), v.custom<JsonObject | readonly Json[]>(isPart)])),
    v.minLength(1),
    v.maxLength(32),
  ),
  /** Values after the one that saturates the server are left out; null: all are sent. */
  stop: v.nullable(
    v.strictObject({
      /** Saturated where the output rate grows by less from one value to the next, in percent. */
      gainPercent: real(0, 1000),
      /** Saturated where more of the requests fail, in percent. */
      errorPercent: real(0, 100),
    }),
  ),
});

export const LoadScenario = v.strictObject({
  version: v.literal(SCENARIO_VERSION),
  kind: v.literal('load'),
  title: text(120),
  about: text(1200),
  seed: int(0, 4_294_967_295),
  /** As the server names it; empty: the first that it lists. */
  model: text(300),
  api: v.picklist(LOAD_APIS),
  workload: SimWorkload,
  prompts: LoadPrompts,
  sampling: v.strictObject({
    temperature: real(0, 2),
    /** Asks the server to go on past the end, so that outputs have the length that was drawn. */
    ignoreEos: v.boolean(),
    /**
     * False: prompts are not to be found in the server's prefix cache, for servers that take it by the request: llama.cpp's
     * cache_prompt, vLLM's cache_salt. Absent: the server's own way.
     */
    prefixCache: v.optional(v.boolean()),
  }),
  client: LoadClient,
  /** Empties the server's prefix cache before each repetition, where it has a way. */
  resetCache: v.boolean(),
  /** Between two looks at the server's own metrics while the load is on; 0: none. */
  telemetrySeconds: real(0, 3600),
  server: LoadServer,
  objectives: v.strictObject({ ttftMs: objective, tpotMs: objective, e2eMs: objective }),
  sweep: v.nullable(LoadSweep),
  measurement: v.strictObject({
    /** Kept repetitions of every point, each with a seed of its own. */
    repeats: int(1, 20),
    /** Repetitions with other seeds that the cost model is fitted on; 0: no prediction. */
    calibrationRepeats: int(0, 20),
    /** Requests before all of them, dropped. */
    warmupRequests: int(0, 1000),
  }),
});

export type LoadScenario = v.InferOutput<typeof LoadScenario>;
export type LoadSweep = v.InferOutput<typeof LoadSweep>;
