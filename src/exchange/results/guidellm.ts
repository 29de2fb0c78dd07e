/**
 * GuideLLM's report, versions 1 and 2: one JSON object with a benchmark for each load.
 *
 * Its "ITL" is the mean gap of each request, weighted by tokens, which is our TPOT; its "TPOT" counts the time to the first
 * token in and has no counterpart here. Request latency is in seconds, everything else in milliseconds. Percentiles are
 * taken without interpolation. guidellm 0.8 (metrics.py, statistics.py); a real report of version 1 by guidellm 0.5 is
 * nirjhar17/guidellm-pd-disaggregation reports/constant5-benchmarks.json @ 2ff15754673a.
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

const VERSIONS = [1, 2];

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
  if (version !== null && !VERSIONS.includes(version)) {
    return refused(
      `This is a GuideLLM report of version ${version}; versions ${VERSIONS.join(' and ')} are read: update KV Lab.`,
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
  // Before version 1 what a benchmark was started with was called args.
  const strategy = at(benchmark, 'config.strategy') === undefined ? 'args.strategy' : 'config.strategy';
  const kind = textAt(benchmark, `${strategy}.type_`);
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

/** Of what was measured, warm-up and cool-down left out; older reports have only its ends. */
function durationOf(benchmark: Json): number | null {
  const between = (from: string, to: string): number | null => {
    const [start, end] = [numberAt(benchmark, from), numberAt(benchmark, to)];
    return start === null || end === null || end <= start ? null : end - start;
  };
  return (
    numberAt(benchmark, 'duration') ??
    between('scheduler_metrics.measure_start_time', 'scheduler_metrics.measure_end_time') ??
    between('start_time', 'end_time')
  );
}

function totalOf(benchmark: Json, outcome: 'successful' | 'errored'): number | null {
  return (
    numberAt(benchmark, `metrics.request_totals.${outcome}`) ??
    numberAt(benchmark, `run_stats.requests_made.${outcome}`)
  );
}

function pointOf(report: Json, benchmark: Json, index: number): MeasuredResult {
  const load = loadOf(benchmark);
  const durationSeconds = durationOf(benchmark);
  const written = numberAt(benchmark, 'metrics.output_token_count.successful.total_sum');
  return {
    tool: 'guidellm',
    toolVersion: textAt(report, 'metadata.guidellm_version', 80),
    model:
      textAt(benchmark, 'config.backend.model') ??
      textAt(report, 'config.spec.backend.model') ??
      textAt(report, 'args.model'),
    date: dateOf(numberAt(benchmark, 'start_time') ?? numberAt(benchmark, 'scheduler_metrics.start_time')),
    label: loadLabel(load.requestsPerSecond, load.concurrency, index),
    load,
    requests: {
      finished: totalOf(benchmark, 'successful'),
      failed: totalOf(benchmark, 'errored'),
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
    translated: [
      'Percentiles of GuideLLM are values that occurred, without interpolation.',
      ...(at(report, 'metadata.version') === undefined
        ? [
            'This report is older than version 1 of the format, whose importer is untested on a real file of that age.',
          ]
        : []),
    ],
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
      at(document, 'metadata.version') !== undefined ||
      at(listAt(document, 'benchmarks')?.[0], 'type_') === 'generative_benchmark'),
  read: readReport,
};
