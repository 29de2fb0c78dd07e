/**
 * What a benchmark of a real server measured, in our own words: one load and what came of it.
 *
 * Tools call different things by one name (TPOT, ITL), so every importer translates into these definitions and says what
 * it did. Times are milliseconds of finished requests; what a tool does not report is null, never 0.
 *
 *   ttftMs   from sending a request to its first token
 *   tpotMs   (end to end − TTFT) / (output tokens − 1) of each request
 *   itlMs    gaps between tokens, of all requests together
 *   e2eMs    from sending a request to its last token
 */
import * as v from 'valibot';

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const count = v.pipe(v.number(), v.finite(), v.minValue(0));
const maybe = v.nullable(count);

export const MEASURING_TOOLS = [
  'vllm',
  'guidellm',
  'sglang',
  'aiperf',
  'genai-bench',
  'llmperf',
  'inference-perf',
  'llmservingsim',
  'llm-d',
  'kvlab',
  'csv',
  'engine-log',
] as const;
export type MeasuringTool = (typeof MEASURING_TOOLS)[number];

export const MEASURED_TIMES = ['ttftMs', 'tpotMs', 'itlMs', 'e2eMs'] as const;
export type MeasuredTime = (typeof MEASURED_TIMES)[number];

export const MEASURED_STATISTICS = ['mean', 'p50', 'p90', 'p95', 'p99'] as const;
export type MeasuredStatistic = (typeof MEASURED_STATISTICS)[number];

export const MeasuredDistribution = v.strictObject({
  mean: maybe,
  p50: maybe,
  p90: maybe,
  p95: maybe,
  p99: maybe,
});
export type MeasuredDistribution = v.InferOutput<typeof MeasuredDistribution>;

export const MeasuredLoad = v.strictObject({
  /** Requests a second that were offered; null: as many as were in flight. */
  requestsPerSecond: maybe,
  /** Requests in flight: the tool's limit, else the mean it saw. */
  concurrency: maybe,
  /** Tokens of a request, on the average. */
  promptTokens: maybe,
  outputTokens: maybe,
});
export type MeasuredLoad = v.InferOutput<typeof MeasuredLoad>;

/** Which of our figures a tool's figure can become. */
export const MEASURED_FIGURES = [
  'ttftMs',
  'tpotMs',
  'itlMs',
  'e2eMs',
  'requestsPerSecond',
  'outputTokensPerSecond',
  'kvTokens',
  'weightsBytes',
  'peakBytes',
] as const;
export type MeasuredFigure = (typeof MEASURED_FIGURES)[number];

/** What a tool calls by a name, and what became of it. */
export const FigureDefinition = v.strictObject({
  /** As the file names it. */
  named: text(160),
  /** What the tool means by it: the definition, the unit, over what its percentiles are taken. */
  means: text(300),
  /** null: not read, because it is none of ours. */
  became: v.nullable(v.picklist(MEASURED_FIGURES)),
  /** What was done to it: nothing, a unit, a formula. */
  how: text(300),
});
export type FigureDefinition = v.InferOutput<typeof FigureDefinition>;

export const MeasuredResult = v.strictObject({
  tool: v.picklist(MEASURING_TOOLS),
  toolVersion: v.nullable(text(80)),
  /** As the server names it. */
  model: v.nullable(text(300)),
  /** As the tool writes it. */
  date: v.nullable(text(60)),
  /** Tells the points of one file apart: `8 in flight`. */
  label: text(120),
  load: MeasuredLoad,
  requests: v.strictObject({ finished: maybe, failed: maybe }),
  durationSeconds: maybe,
  ttftMs: MeasuredDistribution,
  tpotMs: MeasuredDistribution,
  itlMs: MeasuredDistribution,
  e2eMs: MeasuredDistribution,
  /** Of finished requests, over the duration. */
  requestsPerSecond: maybe,
  outputTokensPerSecond: maybe,
  memory: v.strictObject({
    /** Tokens of one replica's KV cache, as the engine prints them. */
    kvTokens: maybe,
    /** Weights on one GPU. */
    weightsBytes: maybe,
    /** Most that one GPU had in use. */
    peakBytes: maybe,
  }),
  /** Every figure that was looked at: which definition it had in the file and what it became. */
  definitions: v.pipe(v.array(FigureDefinition), v.maxLength(40)),
  /** What else a reader has to know, a sentence each. */
  translated: v.pipe(v.array(text(400)), v.maxLength(20)),
});
export type MeasuredResult = v.InferOutput<typeof MeasuredResult>;

export const NO_DISTRIBUTION: MeasuredDistribution = {
  mean: null,
  p50: null,
  p90: null,
  p95: null,
  p99: null,
};
export const NO_MEMORY: MeasuredResult['memory'] = { kvTokens: null, weightsBytes: null, peakBytes: null };

/** As people read it. */
export const FIGURE_LABELS: Readonly<Record<MeasuredFigure, string>> = {
  ttftMs: 'TTFT',
  tpotMs: 'TPOT',
  itlMs: 'ITL',
  e2eMs: 'end to end',
  requestsPerSecond: 'requests a second',
  outputTokensPerSecond: 'output tokens a second',
  kvTokens: 'KV tokens',
  weightsBytes: 'bytes of weights',
  peakBytes: 'most bytes in use',
};

/** A definition as one sentence. */
export function definitionSentence({ named, means, became, how }: FigureDefinition): string {
  const read = became === null ? 'not read' : `read as ${FIGURE_LABELS[became]}`;
  return `${named} is ${means}: ${read}, ${how}.`;
}
