/**
 * `vllm bench serve --save-result`: one JSON object, milliseconds with `_ms`, arrays with --save-detailed.
 *
 * Names and definitions: vllm-project/vllm vllm/benchmarks/serve.py @ def9ce85ba10. TPOT is ours; its ITL pools the raw
 * gaps of all requests, as ours does. `request_rate` is "inf" where requests were limited by concurrency alone.
 */
import type { Json, Read } from '../../core/json.ts';
import {
  NO_MEMORY,
  type FigureDefinition,
  type MeasuredDistribution,
  type MeasuredResult,
} from '../../core/run/measured.ts';
import { at, distribution, isEmpty, listAt, loadLabel, numberAt, ratio, textAt } from './fields.ts';
import { became, refused, type JsonImporter } from './importer.ts';

type Statistic = keyof MeasuredDistribution;

/** `mean_ttft_ms`, `p99_ttft_ms`; a median is called so, and p50 too where it was asked for. */
const namesOf =
  (metric: string) =>
  (statistic: Statistic): string[] =>
    statistic === 'p50' ? [`median_${metric}_ms`, `p50_${metric}_ms`] : [`${statistic}_${metric}_ms`];

const OFFLINE = ['elapsed_time', 'avg_latency'] as const;

const DEFINITIONS: readonly FigureDefinition[] = [
  became('ttft_ms', 'from the request to the first chunk', 'ttftMs'),
  became('tpot_ms', '(end to end − TTFT) / (output tokens − 1) of each request', 'tpotMs'),
  became('itl_ms', 'the gaps between chunks, of all requests together', 'itlMs'),
  became('e2el_ms', 'from the request to its last chunk', 'e2eMs'),
  became('request_throughput', 'finished requests over the duration', 'requestsPerSecond'),
  became(
    'output_throughput',
    'output tokens of finished requests over the duration',
    'outputTokensPerSecond',
  ),
];

function pointOf(document: Json): Read<MeasuredResult[]> {
  const ttftMs = distribution(document, namesOf('ttft'));
  const tpotMs = distribution(document, namesOf('tpot'));
  if (isEmpty(ttftMs) && isEmpty(tpotMs)) {
    return refused(
      OFFLINE.some((name) => at(document, name) !== undefined)
        ? 'This is a result of vLLM’s offline bench, which times no request; run `vllm bench serve --save-result` instead.'
        : 'This result of vllm bench serve has neither TTFT nor TPOT; was it cut off, or of a model without output?',
    );
  }
  const finished = numberAt(document, 'completed');
  const requestsPerSecond = numberAt(document, 'request_throughput');
  const e2eMs = e2eOf(document);
  const rate = numberAt(document, 'request_rate');
  const limit = numberAt(document, 'max_concurrency');
  const seen =
    requestsPerSecond !== null && e2eMs.mean !== null ? (requestsPerSecond * e2eMs.mean) / 1000 : null;
  const concurrency = limit ?? seen;
  return {
    ok: true,
    value: [
      {
        tool: 'vllm',
        toolVersion: textAt(document, 'version', 80),
        model: textAt(document, 'model_id'),
        date: textAt(document, 'date', 60),
        label: loadLabel(rate, limit, 0),
        load: {
          requestsPerSecond: rate,
          concurrency,
          promptTokens: ratio(numberAt(document, 'total_input_tokens'), finished),
          outputTokens: ratio(numberAt(document, 'total_output_tokens'), finished),
        },
        requests: { finished, failed: numberAt(document, 'failed') },
        durationSeconds: numberAt(document, 'duration'),
        ttftMs,
        tpotMs,
        itlMs: distribution(document, namesOf('itl')),
        e2eMs,
        requestsPerSecond,
        outputTokensPerSecond: numberAt(document, 'output_throughput'),
        memory: NO_MEMORY,
        definitions: [...DEFINITIONS],
        translated: [
          ...(limit === null && seen !== null
            ? ['Requests in flight are throughput × time of a request (Little); no limit was set.']
            : []),
        ],
      },
    ],
  };
}

/** Reported where `--percentile-metrics` names e2el; else from the arrays of --save-detailed. */
function e2eOf(document: Json): MeasuredDistribution {
  const reported = distribution(document, namesOf('e2el'));
  if (!isEmpty(reported)) return reported;
  const ttfts = listAt(document, 'ttfts');
  const gaps = listAt(document, 'itls');
  if (ttfts === null || gaps === null || ttfts.length !== gaps.length) return reported;
  const times = ttfts.flatMap((first, i) => {
    const rest = gaps[i];
    if (typeof first !== 'number' || !Array.isArray(rest)) return [];
    return [1000 * rest.reduce<number>((sum, gap) => sum + (typeof gap === 'number' ? gap : 0), first)];
  });
  if (times.length === 0) return reported;
  return { ...reported, mean: times.reduce((sum, time) => sum + time, 0) / times.length };
}

export const VLLM_BENCH: JsonImporter = {
  label: 'vllm bench serve',
  recognises: (document) =>
    (at(document, 'num_prompts') !== undefined && at(document, 'request_throughput') !== undefined) ||
    (at(document, 'model_id') !== undefined && at(document, 'tokenizer_id') !== undefined) ||
    (OFFLINE.some((name) => at(document, name) !== undefined) &&
      (at(document, 'tokens_per_second') !== undefined || at(document, 'percentiles') !== undefined)),
  read: pointOf,
};
