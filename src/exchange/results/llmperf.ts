/**
 * llmperf's `…_summary.json`: one load, flat names, seconds.
 *
 * Its "inter_token_latency_s" is end to end over output tokens, the first token's time included: neither our TPOT nor our
 * ITL. TPOT is made of the means. ray-project/llmperf token_benchmark_ray.py @ 004d3afb0e4b.
 */
import type { Json, Read } from '../../core/json.ts';
import {
  NO_DISTRIBUTION,
  NO_MEMORY,
  type FigureDefinition,
  type MeasuredDistribution,
  type MeasuredResult,
} from '../../core/run/measured.ts';
import {
  at,
  distribution,
  isEmpty,
  loadLabel,
  meanOnly,
  numberAt,
  ratio,
  textAt,
  tpotOfMeans,
} from './fields.ts';
import { became, notRead, refused, type JsonImporter } from './importer.ts';

const seconds = (document: Json, metric: string): MeasuredDistribution =>
  distribution(
    document,
    (statistic) =>
      statistic === 'mean' ? [`results_${metric}_s_mean`] : [`results_${metric}_s_quantiles_${statistic}`],
    1000,
  );

const DEFINITIONS: readonly FigureDefinition[] = [
  became('results_ttft_s', 'from the request to the first token', 'ttftMs', 'seconds × 1000'),
  became('results_end_to_end_latency_s', 'from the request to its end', 'e2eMs', 'seconds × 1000'),
  notRead(
    'results_inter_token_latency_s',
    'end to end / output tokens, the first token’s time included',
    'because it is neither TPOT nor ITL',
  ),
  became(
    'TPOT, which llmperf has not,',
    '(mean end to end − mean TTFT) / (mean output tokens − 1)',
    'tpotMs',
    'a mean without percentiles',
  ),
  became(
    'results_num_completed_requests_per_min',
    'finished requests a minute',
    'requestsPerSecond',
    'over 60',
  ),
  became(
    'results_mean_output_throughput_token_per_s',
    'output tokens over the duration',
    'outputTokensPerSecond',
  ),
];

function pointOf(document: Json): Read<MeasuredResult[]> {
  const [ttftMs, e2eMs] = [seconds(document, 'ttft'), seconds(document, 'end_to_end_latency')];
  if (isEmpty(ttftMs) || isEmpty(e2eMs)) {
    return refused(
      'This file of llmperf has no summary of TTFT and latency; take the one whose name ends in _summary.json.',
    );
  }
  const concurrency = numberAt(document, 'num_concurrent_requests');
  const outputTokens = numberAt(document, 'results_number_output_tokens_mean');
  const stamp = numberAt(document, 'timestamp');
  return {
    ok: true,
    value: [
      {
        tool: 'llmperf',
        toolVersion: textAt(document, 'version', 80),
        model: textAt(document, 'model'),
        date: stamp === null ? null : String(stamp),
        label: loadLabel(null, concurrency, 0),
        load: {
          requestsPerSecond: null,
          concurrency,
          promptTokens: numberAt(document, 'results_number_input_tokens_mean'),
          outputTokens,
        },
        requests: {
          finished: numberAt(document, 'results_num_completed_requests'),
          failed: numberAt(document, 'results_number_errors'),
        },
        durationSeconds: null,
        ttftMs,
        tpotMs: meanOnly(tpotOfMeans(e2eMs.mean, ttftMs.mean, outputTokens)),
        itlMs: NO_DISTRIBUTION,
        e2eMs,
        requestsPerSecond: ratio(numberAt(document, 'results_num_completed_requests_per_min'), 60),
        outputTokensPerSecond: numberAt(document, 'results_mean_output_throughput_token_per_s'),
        memory: NO_MEMORY,
        definitions: [...DEFINITIONS],
        translated: [],
      },
    ],
  };
}

export const LLMPERF: JsonImporter = {
  label: 'llmperf',
  recognises: (document) =>
    at(document, 'results_ttft_s_mean') !== undefined ||
    at(document, 'num_concurrent_requests') !== undefined ||
    at(document, 'results_num_requests_started') !== undefined,
  read: pointOf,
};
