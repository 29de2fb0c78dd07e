/**
 * GuideLLM's report, version 2: one JSON object with a benchmark for each load.
 *
 * Its "ITL" is the mean gap of each request, weighted by tokens, which is our TPOT; its "TPOT" counts the time to the first
 * token in and has no counterpart here. Request latency is in seconds, everything else in milliseconds. Percentiles are
 * taken without interpolation. guidellm 0.8 (metrics.py, statistics.py).
 */
import type { Json, Read } from '../../core/json.ts';
import {
  NO_DISTRIBUTION,
  NO_MEMORY,
  type FigureDefinition,
  type MeasuredDistribution,
  type MeasuredResult,
} from '../../core/run/measured.ts';
import { at, distribution, isEmpty, listAt, loadLabel, numberAt, ratio, textAt } from './fields.ts';
import { became, notRead, refused, type JsonImporter } from './importer.ts';

const VERSION = 2;

const DEFINITIONS: readonly FigureDefinition[] = [
  became('time_to_first_token_ms', 'from the request to the first token', 'ttftMs'),
  became(
    'inter_token_latency_ms',
    '(last token − first token) / (output tokens − 1) of each request, weighted by its tokens',
    'tpotMs',
  ),
  notRead(
    'time_per_output_token_ms',
    '(last token − start) / output tokens, the first token’s time included',
    'because it is neither TPOT nor ITL',
  ),
  became('request_latency', 'from the request to its end, in seconds', 'e2eMs', 'seconds × 1000'),
  became('requests_per_second', 'finished requests over the duration', 'requestsPerSecond'),
  became(
    'output_token_count',
    'output tokens of finished requests',
    'outputTokensPerSecond',
    'their sum over the duration of the benchmark',
  ),
];

function readReport(report: Json): Read<MeasuredResult[]> {
  const version = numberAt(report, 'metadata.version');
  if (version !== VERSION) {
    return refused(
      `This is a GuideLLM report of version ${version ?? 'unknown'}; version ${VERSION} is read: run the benchmark with guidellm 0.4 or newer.`,
    );
  }
  const benchmarks = listAt(report, 'benchmarks') ?? [];
  if (benchmarks.length === 0) {
    return refused('This GuideLLM report has no benchmarks; run it again until one finishes.');
  }
  const points = benchmarks.map((benchmark, index) => pointOf(report, benchmark, index));
  const empty = points.findIndex(({ ttftMs, e2eMs }) => isEmpty(ttftMs) && isEmpty(e2eMs));
  if (empty >= 0) {
    return refused(`Benchmark ${empty + 1} of this GuideLLM report has no finished request; leave it out.`);
  }
  return { ok: true, value: points };
}

function successful(benchmark: Json, metric: string, scale = 1): MeasuredDistribution {
  const path = `metrics.${metric}.successful`;
  // A distribution over nothing is written as zeros.
  if ((numberAt(benchmark, `${path}.count`) ?? 0) === 0) return NO_DISTRIBUTION;
  const pathsOf = (statistic: keyof MeasuredDistribution): string[] =>
    statistic === 'mean' ? [`${path}.mean`] : [`${path}.percentiles.${statistic}`];
  return distribution(benchmark, pathsOf, scale);
}

/** Rate and limit of a strategy: synchronous, concurrent, throughput, constant, poisson. */
function loadOf(benchmark: Json): MeasuredResult['load'] {
  const kind = textAt(benchmark, 'config.strategy.type_');
  const strategy = 'config.strategy';
  const isRate = kind === 'constant' || kind === 'poisson' || kind === 'async';
  const seen = numberAt(benchmark, 'metrics.request_concurrency.successful.mean');
  const streams =
    numberAt(benchmark, `${strategy}.streams`) ?? numberAt(benchmark, `${strategy}.max_concurrency`);
  return {
    requestsPerSecond: isRate ? numberAt(benchmark, `${strategy}.rate`) : null,
    concurrency: kind === 'synchronous' ? 1 : kind === 'concurrent' ? streams : seen,
    promptTokens: numberAt(benchmark, 'metrics.prompt_token_count.successful.mean'),
    outputTokens: numberAt(benchmark, 'metrics.output_token_count.successful.mean'),
  };
}

function pointOf(report: Json, benchmark: Json, index: number): MeasuredResult {
  const load = loadOf(benchmark);
  const durationSeconds = numberAt(benchmark, 'duration');
  const written = numberAt(benchmark, 'metrics.output_token_count.successful.total_sum');
  return {
    tool: 'guidellm',
    toolVersion: textAt(report, 'metadata.guidellm_version', 80),
    model: textAt(benchmark, 'config.backend.model') ?? textAt(report, 'config.spec.backend.model'),
    date: dateOf(numberAt(benchmark, 'start_time')),
    label: loadLabel(load.requestsPerSecond, load.concurrency, index),
    load,
    requests: {
      finished: numberAt(benchmark, 'metrics.request_totals.successful'),
      failed: numberAt(benchmark, 'metrics.request_totals.errored'),
    },
    durationSeconds,
    ttftMs: successful(benchmark, 'time_to_first_token_ms'),
    tpotMs: successful(benchmark, 'inter_token_latency_ms'),
    itlMs: NO_DISTRIBUTION,
    e2eMs: successful(benchmark, 'request_latency', 1000),
    requestsPerSecond: numberAt(benchmark, 'metrics.requests_per_second.successful.mean'),
    outputTokensPerSecond: ratio(written, durationSeconds),
    memory: NO_MEMORY,
    definitions: [...DEFINITIONS],
    translated: ['Percentiles of GuideLLM are values that occurred, without interpolation.'],
  };
}

/** Unix seconds as ISO 8601, to the second: no clock is read. */
function dateOf(seconds: number | null): string | null {
  if (seconds === null || seconds > 8.64e12) return null;
  return new Date(seconds * 1000).toISOString().slice(0, 19);
}

export const GUIDELLM: JsonImporter = {
  label: 'GuideLLM',
  recognises: (document) =>
    at(document, 'benchmarks') !== undefined &&
    (at(document, 'metadata.guidellm_version') !== undefined ||
      at(document, 'metadata.version') !== undefined),
  read: readReport,
};
