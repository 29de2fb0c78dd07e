/**
 * inference-perf's `stage_N_lifecycle_metrics.json` and `summary_lifecycle_metrics.json`: one object, seconds.
 *
 * Its time_per_output_token is (last token − first token) / (output tokens − 1), our TPOT; its
 * normalized_time_per_output_token is end to end over output tokens, the first token's time included.
 * kubernetes-sigs/inference-perf inference_perf/reportgen/base.py @ 370914fa826a; a real stage in
 * demos/kubecon-na-2025/vllm/results @ 1f71f19824ba.
 */
import type { Json, Read } from '../../core/json.ts';
import {
  NO_MEMORY,
  type FigureDefinition,
  type MeasuredDistribution,
  type MeasuredResult,
} from '../../core/run/measured.ts';
import { at, distribution, isEmpty, loadLabel, numberAt, objectAt } from './fields.ts';
import { became, notRead, refused, type JsonImporter } from './importer.ts';

const seconds = (document: Json, metric: string): MeasuredDistribution =>
  distribution(
    document,
    (statistic) => {
      const path = `successes.latency.${metric}`;
      return statistic === 'p50' ? [`${path}.p50`, `${path}.median`] : [`${path}.${statistic}`];
    },
    1000,
  );

const DEFINITIONS: readonly FigureDefinition[] = [
  became('time_to_first_token', 'from sending to the first token, in seconds', 'ttftMs', 'seconds × 1000'),
  became(
    'time_per_output_token',
    '(last token − first token) / (output tokens − 1) of each request, in seconds',
    'tpotMs',
    'seconds × 1000',
  ),
  became(
    'inter_token_latency',
    'the gaps between tokens, of all requests together, in seconds; tokens of one chunk are nearly 0 apart',
    'itlMs',
    'seconds × 1000',
  ),
  notRead(
    'normalized_time_per_output_token',
    'end to end / output tokens, the first token’s time included',
    'because it is neither TPOT nor ITL',
  ),
  became('request_latency', 'from sending to the last token, in seconds', 'e2eMs', 'seconds × 1000'),
  became('requests_per_sec', 'successful requests over the duration', 'requestsPerSecond'),
  became(
    'output_tokens_per_sec',
    'output tokens of successful requests over the duration, as its client counts them',
    'outputTokensPerSecond',
  ),
];

function pointOf(document: Json): Read<MeasuredResult[]> {
  const [ttftMs, e2eMs] = [seconds(document, 'time_to_first_token'), seconds(document, 'request_latency')];
  if (isEmpty(ttftMs) && isEmpty(e2eMs)) {
    return refused(
      'This report of inference-perf has no successful request; take a stage whose successes.count is above 0.',
    );
  }
  const rate = numberAt(document, 'load_summary.requested_rate');
  const concurrency = numberAt(document, 'load_summary.concurrency');
  const allStages = rate === null && concurrency === null;
  return {
    ok: true,
    value: [
      {
        tool: 'inference-perf',
        toolVersion: null,
        model: null,
        date: null,
        label: allStages ? 'all stages' : loadLabel(rate, concurrency, 0),
        load: {
          requestsPerSecond: rate,
          concurrency,
          promptTokens: numberAt(document, 'successes.prompt_len.mean'),
          outputTokens: numberAt(document, 'successes.output_len.mean'),
        },
        requests: {
          finished: numberAt(document, 'successes.count'),
          failed: numberAt(document, 'failures.count'),
        },
        durationSeconds: null,
        ttftMs,
        tpotMs: seconds(document, 'time_per_output_token'),
        itlMs: seconds(document, 'inter_token_latency'),
        e2eMs,
        requestsPerSecond: numberAt(document, 'successes.throughput.requests_per_sec'),
        outputTokensPerSecond: numberAt(document, 'successes.throughput.output_tokens_per_sec'),
        memory: NO_MEMORY,
        definitions: [...DEFINITIONS],
        translated: allStages
          ? ['This is the summary of all stages together, so it has no one load; a stage’s own file has.']
          : [],
      },
    ],
  };
}

export const INFERENCE_PERF: JsonImporter = {
  label: 'inference-perf',
  recognises: (document) =>
    at(document, 'load_summary') !== undefined && objectAt(document, 'successes') !== null,
  read: pointOf,
};
