/**
 * `python -m sglang.bench_serving --output-file`: JSONL, one point a line.
 *
 * Names and definitions: sgl-project/sglang python/sglang/bench_serving.py @ 50a613687fe1. TPOT and ITL as vLLM's.
 */
import type { Json, Read } from '../../core/json.ts';
import {
  NO_MEMORY,
  type FigureDefinition,
  type MeasuredDistribution,
  type MeasuredResult,
} from '../../core/run/measured.ts';
import { at, distribution, isEmpty, loadLabel, numberAt, ratio, textAt } from './fields.ts';
import { became, refused, type JsonImporter } from './importer.ts';

const namesOf =
  (metric: string) =>
  (statistic: keyof MeasuredDistribution): string[] => [
    `${statistic === 'p50' ? 'median' : statistic}_${metric}_ms`,
  ];

const DEFINITIONS: readonly FigureDefinition[] = [
  became('ttft_ms', 'from the request to the first chunk with text', 'ttftMs'),
  became('tpot_ms', '(end to end − TTFT) / (output tokens − 1) of each request', 'tpotMs'),
  became('itl_ms', 'the gaps between chunks, of all requests together', 'itlMs'),
  became('e2e_latency_ms', 'from the request to its last chunk', 'e2eMs'),
  became(
    'request_throughput',
    'finished requests over the duration, made of both where it is not written',
    'requestsPerSecond',
  ),
  became(
    'output_throughput',
    'output tokens of finished requests over the duration',
    'outputTokensPerSecond',
  ),
];

function pointOf(document: Json): Read<MeasuredResult[]> {
  const ttftMs = distribution(document, namesOf('ttft'));
  const e2eMs = distribution(document, namesOf('e2e_latency'));
  if (isEmpty(ttftMs) && isEmpty(e2eMs)) {
    return refused('This line of SGLang’s bench_serving has no times; was it cut off?');
  }
  const finished = numberAt(document, 'completed');
  const rate = numberAt(document, 'request_rate');
  const limit = numberAt(document, 'max_concurrency');
  return {
    ok: true,
    value: [
      {
        tool: 'sglang',
        toolVersion: null,
        model: textAt(document, 'server_info.model_path') ?? textAt(document, 'model'),
        date: null,
        label: loadLabel(rate, limit, 0),
        load: {
          requestsPerSecond: rate,
          concurrency: limit ?? numberAt(document, 'concurrency'),
          promptTokens: ratio(numberAt(document, 'total_input_tokens'), finished),
          outputTokens: ratio(numberAt(document, 'total_output_tokens'), finished),
        },
        requests: { finished, failed: null },
        durationSeconds: numberAt(document, 'duration'),
        ttftMs,
        tpotMs: distribution(document, namesOf('tpot')),
        itlMs: distribution(document, namesOf('itl')),
        e2eMs,
        // Versions before 0.4.2 do not write it.
        requestsPerSecond:
          numberAt(document, 'request_throughput') ?? ratio(finished, numberAt(document, 'duration')),
        outputTokensPerSecond: numberAt(document, 'output_throughput'),
        memory: NO_MEMORY,
        definitions: [...DEFINITIONS],
        translated: [],
      },
    ],
  };
}

export const SGLANG_BENCH: JsonImporter = {
  label: 'SGLang bench_serving',
  recognises: (document) =>
    at(document, 'mean_e2e_latency_ms') !== undefined ||
    at(document, 'total_output_tokens_retokenized') !== undefined,
  read: pointOf,
};
