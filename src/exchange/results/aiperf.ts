/**
 * AIPerf's profile_export_aiperf.json: one load, a metric a name, each with its unit.
 *
 * Its "inter_token_latency" is (latency − TTFT)/(output − 1) of each request: our TPOT. Raw gaps are its
 * "inter_chunk_latency". https://docs.nvidia.com/aiperf/reference/ai-perf-metrics-reference;
 * ai-dynamo/aiperf src/aiperf/exporters/metrics_json_exporter.py @ 047d59dd4bca. A real export of version 0.10: anud18/qwen36-vllm-aiperf-benchmark
 * results/nvfp4/5090/agent/c16 @ d254ffc72ef9. genai-perf, its predecessor, has the
 * same names and no `aiperf_version`.
 */
import { isJsonObject, type Json, type Read } from '../../core/json.ts';
import {
  NO_MEMORY,
  type FigureDefinition,
  type MeasuredDistribution,
  type MeasuredResult,
} from '../../core/run/measured.ts';
import { at, distribution, isEmpty, loadLabel, numberAt, objectAt, textAt, listAt } from './fields.ts';
import { became, refused, type JsonImporter } from './importer.ts';

export const SCALES: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  sec: 1000,
  seconds: 1000,
};

function timeOf(document: Json, metric: string): MeasuredDistribution {
  const unit = textAt(document, `${metric}.unit`) ?? 'ms';
  const pathsOf = (statistic: keyof MeasuredDistribution): string[] =>
    statistic === 'mean' ? [`${metric}.avg`] : [`${metric}.${statistic}`];
  return distribution(document, pathsOf, SCALES[unit] ?? NaN);
}

/** What the phase that counts was started with; warm-up comes before it under the same names. */
function phaseOf(document: Json): Json | undefined {
  const phases = listAt(document, 'input_config.phases') ?? [];
  return phases.find((phase) => at(phase, 'exclude_from_results') !== true);
}

/** First number under a name anywhere in the tool's own settings, whose shape changed between versions. */
function settingNamed(settings: Json | undefined, name: string, depth = 0): number | null {
  if (!isJsonObject(settings) || depth > 6) return null;
  const own = numberAt(settings, name);
  if (own !== null) return own;
  for (const value of Object.values(settings)) {
    const found = settingNamed(value, name, depth + 1);
    if (found !== null) return found;
  }
  return null;
}

const PEAK_UNITS: Readonly<Record<string, number>> = { GB: 1e9, GiB: 2 ** 30, MB: 1e6, MiB: 2 ** 20, B: 1 };

/** Most memory in use on any GPU that was watched. */
function peakBytes(document: Json): number | null {
  const endpoints = Object.values(objectAt(document, 'telemetry_data.endpoints') ?? {});
  const gpus = endpoints.flatMap((endpoint) => Object.values(objectAt(endpoint, 'gpus') ?? {}));
  const used = gpus.flatMap((gpu) => {
    const most = numberAt(gpu, 'metrics.gpu_memory_used.max') ?? numberAt(gpu, 'metrics.gpu_memory_used.avg');
    const scale = PEAK_UNITS[textAt(gpu, 'metrics.gpu_memory_used.unit') ?? 'GB'];
    return most === null || scale === undefined ? [] : [most * scale];
  });
  return used.length > 0 ? Math.max(...used) : null;
}

function modelOf(document: Json): string | null {
  const named = textAt(listAt(document, 'input_config.models.items')?.[0], 'name');
  if (named !== null) return named;
  for (const path of [
    'input_config.endpoint.model_names',
    'input_config.models',
    'input_config.model_names',
  ]) {
    const first = listAt(document, path)?.[0];
    if (typeof first === 'string') return first.slice(0, 300);
  }
  return textAt(document, 'model');
}

export const AIPERF_DEFINITIONS: readonly FigureDefinition[] = [
  became('time_to_first_token', 'from the request to the first chunk with text', 'ttftMs', 'by its unit'),
  became(
    'inter_token_latency',
    '(latency − TTFT) / (output tokens − 1) of each request; its percentiles are over requests',
    'tpotMs',
    'by its unit',
  ),
  became('inter_chunk_latency', 'the gaps between chunks, of all requests together', 'itlMs', 'by its unit'),
  became('request_latency', 'from the request to its last chunk', 'e2eMs', 'by its unit'),
  became('request_throughput', 'finished requests over the duration', 'requestsPerSecond'),
  became(
    'output_token_throughput',
    'output tokens of finished requests over the duration',
    'outputTokensPerSecond',
  ),
];

function pointOf(document: Json): Read<MeasuredResult[]> {
  const ttftMs = timeOf(document, 'time_to_first_token');
  const e2eMs = timeOf(document, 'request_latency');
  if (isEmpty(ttftMs) && isEmpty(e2eMs)) {
    return refused(
      'This AIPerf export has neither time_to_first_token nor request_latency; was it cancelled?',
    );
  }
  if (at(document, 'was_cancelled') === true) {
    return refused('This AIPerf run was cancelled, so its averages are of another load; run it to its end.');
  }
  const phase = phaseOf(document);
  const rate =
    numberAt(phase, 'request_rate') ??
    numberAt(phase, 'rate') ??
    settingNamed(at(document, 'input_config'), 'request_rate');
  const limit = numberAt(phase, 'concurrency') ?? settingNamed(at(document, 'input_config'), 'concurrency');
  const requestsPerSecond = numberAt(document, 'request_throughput.avg');
  const seen =
    requestsPerSecond !== null && e2eMs.mean !== null ? (requestsPerSecond * e2eMs.mean) / 1000 : null;
  return {
    ok: true,
    value: [
      {
        tool: 'aiperf',
        toolVersion: textAt(document, 'aiperf_version', 80),
        model: modelOf(document),
        date: textAt(document, 'start_time', 60),
        label: loadLabel(rate, limit ?? seen, 0),
        load: {
          requestsPerSecond: rate,
          concurrency: limit ?? seen,
          promptTokens: numberAt(document, 'input_sequence_length.avg'),
          outputTokens: numberAt(document, 'output_sequence_length.avg'),
        },
        requests: {
          finished: numberAt(document, 'request_count.avg'),
          failed: numberAt(document, 'error_request_count.avg'),
        },
        durationSeconds: numberAt(document, 'benchmark_duration.avg'),
        ttftMs,
        tpotMs: timeOf(document, 'inter_token_latency'),
        itlMs: timeOf(document, 'inter_chunk_latency'),
        e2eMs,
        requestsPerSecond,
        outputTokensPerSecond: numberAt(document, 'output_token_throughput.avg'),
        memory: { ...NO_MEMORY, peakBytes: peakBytes(document) },
        definitions: [...AIPERF_DEFINITIONS],
        translated: [],
      },
    ],
  };
}

export const AIPERF: JsonImporter = {
  label: 'AIPerf',
  recognises: (document) =>
    at(document, 'aiperf_version') !== undefined ||
    (at(document, 'request_latency.avg') !== undefined &&
      at(document, 'request_throughput.avg') !== undefined),
  read: pointOf,
};
