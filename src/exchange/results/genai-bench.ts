/**
 * genai-bench: one JSON file for each scenario and concurrency, `aggregated_metrics` with `stats`.
 *
 * TPOT is ours. Times are in seconds unless `_time_unit` says ms. sgl-project/genai-bench
 * genai_bench/metrics/metrics.py @ 025cf1c66cdd, request_metrics_collector.py @ 007ac4d74416.
 */
import type { Json, Read } from '../../core/json.ts';
import {
  NO_DISTRIBUTION,
  NO_MEMORY,
  type FigureDefinition,
  type MeasuredDistribution,
  type MeasuredResult,
} from '../../core/run/measured.ts';
import { at, distribution, isEmpty, loadLabel, numberAt, textAt } from './fields.ts';
import { became, notRead, refused, type JsonImporter } from './importer.ts';

const ROOT = 'aggregated_metrics';

const definitionsOf = (unit: string): FigureDefinition[] => [
  became('ttft', 'from the request to the first chunk with text', 'ttftMs', unit),
  became('tpot', '(e2e_latency − ttft) / (output tokens − 1) of each request', 'tpotMs', unit),
  became('e2e_latency', 'from the request to its last chunk', 'e2eMs', unit),
  became('requests_per_second', 'finished requests over the duration', 'requestsPerSecond'),
  became('mean_output_throughput_tokens_per_s', 'output tokens over the duration', 'outputTokensPerSecond'),
  notRead('output_inference_speed', '1 / tpot of each request', 'because it is TPOT again'),
];

function hasArrivals(document: Json): boolean {
  return at(document, `${ROOT}.arrival_requests_per_second`) !== undefined;
}

function pointOf(document: Json): Read<MeasuredResult[]> {
  const scale = textAt(document, '_time_unit') === 'ms' ? 1 : 1000;
  const stats = (metric: string): MeasuredDistribution =>
    distribution(document, (statistic) => [`${ROOT}.stats.${metric}.${statistic}`], scale);
  const [ttftMs, e2eMs] = [stats('ttft'), stats('e2e_latency')];
  if (isEmpty(ttftMs) && isEmpty(e2eMs)) {
    return refused('This file of genai-bench has no statistics of times; take one of a finished run.');
  }
  // In its open loop the same field holds the rate.
  const kind = textAt(document, `${ROOT}.iteration_type`);
  // The rate at which requests came is also written of a closed loop, where nobody set it.
  const open = kind === 'num_concurrency' ? false : kind === 'qps' || hasArrivals(document);
  const level = numberAt(document, `${ROOT}.num_concurrency`);
  const rate = open ? (numberAt(document, `${ROOT}.arrival_requests_per_second`) ?? level) : null;
  const concurrency = rate === null ? level : null;
  return {
    ok: true,
    value: [
      {
        tool: 'genai-bench',
        toolVersion: null,
        model: null,
        date: null,
        label: loadLabel(rate, concurrency, 0),
        load: {
          requestsPerSecond: rate,
          concurrency,
          promptTokens: numberAt(document, `${ROOT}.stats.num_input_tokens.mean`),
          outputTokens: numberAt(document, `${ROOT}.stats.num_output_tokens.mean`),
        },
        requests: {
          finished: numberAt(document, `${ROOT}.num_completed_requests`),
          failed: numberAt(document, `${ROOT}.num_error_requests`),
        },
        durationSeconds: numberAt(document, `${ROOT}.run_duration`),
        ttftMs,
        tpotMs: stats('tpot'),
        itlMs: NO_DISTRIBUTION,
        e2eMs,
        requestsPerSecond: numberAt(document, `${ROOT}.requests_per_second`),
        outputTokensPerSecond: numberAt(document, `${ROOT}.mean_output_throughput_tokens_per_s`),
        memory: NO_MEMORY,
        definitions: definitionsOf(scale === 1 ? 'milliseconds as they are' : 'seconds × 1000'),
        translated: [`Times of genai-bench are in ${scale === 1 ? 'milliseconds' : 'seconds'} in this file.`],
      },
    ],
  };
}

export const GENAI_BENCH: JsonImporter = {
  label: 'genai-bench',
  recognises: (document) => at(document, ROOT) !== undefined,
  read: pointOf,
};
