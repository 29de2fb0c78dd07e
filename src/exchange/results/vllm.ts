/**
 * `vllm bench serve --save-result`: one JSON object, milliseconds with `_ms`, arrays with --save-detailed.
 *
 * Names and definitions: vllm-project/vllm vllm/benchmarks/serve.py @ def9ce85ba10. TPOT is ours; its ITL pools the raw
 * gaps of all requests, as ours does. What the arrays have beyond the reported percentiles is taken from them. A real result:
 * zhangxinyuehfad/vllm-benchmarks benchmarks/results @ 9f135ec787ec. `request_rate` is "inf" where requests were limited by concurrency alone.
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
import { became, refused, type JsonImporter } from './importer.ts';
import { completed, distributionOfSamples } from './samples.ts';

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
  const samples = samplesOf(document);
  const timesOf = (metric: string, sampled: MeasuredDistribution | undefined): MeasuredDistribution =>
    completed(distribution(document, namesOf(metric)), sampled ?? NO_DISTRIBUTION);
  const ttftMs = timesOf('ttft', samples?.ttft);
  const tpotMs = timesOf('tpot', samples?.tpot);
  if (isEmpty(ttftMs) && isEmpty(tpotMs)) {
    return refused(
      OFFLINE.some((name) => at(document, name) !== undefined)
        ? 'This is a result of vLLM’s offline bench, which times no request; run `vllm bench serve --save-result` instead.'
        : 'This result of vllm bench serve has neither TTFT nor TPOT; was it cut off, or of a model without output?',
    );
  }
  const finished = numberAt(document, 'completed');
  const requestsPerSecond = numberAt(document, 'request_throughput');
  const e2eMs = timesOf('e2el', samples?.e2e);
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
        itlMs: timesOf('itl', samples?.itl),
        e2eMs,
        requestsPerSecond,
        outputTokensPerSecond: numberAt(document, 'output_throughput'),
        memory: NO_MEMORY,
        definitions: [...DEFINITIONS],
        translated: [
          ...(samples === null
            ? []
            : [
                'Percentiles that the file does not have were made of its arrays, linear between ranks as vLLM’s are.',
              ]),
          ...(limit === null && seen !== null
            ? ['Requests in flight are throughput × time of a request (Little); no limit was set.']
            : []),
        ],
      },
    ],
  };
}

/** Samples of --save-detailed, of requests that did not fail, in milliseconds. */
interface Samples {
  readonly ttft: MeasuredDistribution;
  readonly tpot: MeasuredDistribution;
  readonly itl: MeasuredDistribution;
  readonly e2e: MeasuredDistribution;
}

function samplesOf(document: Json): Samples | null {
  const ttfts = listAt(document, 'ttfts');
  const gaps = listAt(document, 'itls');
  if (ttfts === null || gaps === null || ttfts.length !== gaps.length) return null;
  const lengths = listAt(document, 'output_lens');
  const rows = ttfts.flatMap((first, at) => {
    const rest = gaps[at];
    const tokens = lengths?.[at];
    // A failed request stands as zeros.
    if (typeof first !== 'number' || !Array.isArray(rest) || tokens === 0) return [];
    const own = rest.filter((gap) => typeof gap === 'number');
    const decode = own.reduce((sum, gap) => sum + gap, 0);
    return [{ first, own, decode, tokens: typeof tokens === 'number' ? tokens : own.length + 1 }];
  });
  const many = rows.filter(({ tokens }) => tokens > 1);
  return {
    ttft: distributionOfSamples(
      rows.map(({ first }) => first),
      1000,
    ),
    tpot: distributionOfSamples(
      many.map(({ decode, tokens }) => decode / (tokens - 1)),
      1000,
    ),
    itl: distributionOfSamples(
      rows.flatMap(({ own }) => own),
      1000,
    ),
    e2e: distributionOfSamples(
      rows.map(({ first, decode }) => first + decode),
      1000,
    ),
  };
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
