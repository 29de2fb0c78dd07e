/**
 * AIPerf's profile_export.jsonl: one request a line, with its metrics and units. All lines together are one load.
 *
 * Names changed: `ttft` became `time_to_first_token`, credit_phase became benchmark_phase; both are read. Warm-up is left
 * out, as AIPerf leaves it out. ai-dynamo/aiperf examples/artifacts/run1/profile_export.jsonl @ 7c31f57933ad.
 */
import { isJsonObject, type Json, type Read } from '../../core/json.ts';
import { NO_MEMORY, type FigureDefinition, type MeasuredResult } from '../../core/run/measured.ts';
import { at, listAt, loadLabel, numberAt, objectAt, textAt } from './fields.ts';
import { became, refused } from './importer.ts';
import { distributionOfSamples } from './samples.ts';
import { SCALES } from './aiperf.ts';

export function isAiperfRecord(document: Json): boolean {
  return objectAt(document, 'metadata') !== null && objectAt(document, 'metrics') !== null;
}

const DEFINITIONS: readonly FigureDefinition[] = [
  became(
    'time_to_first_token',
    'from the request to the first chunk with text, of each request',
    'ttftMs',
    'percentiles over the lines, linear',
  ),
  became(
    'inter_token_latency',
    '(latency − TTFT) / (output tokens − 1) of each request',
    'tpotMs',
    'percentiles over the lines, linear',
  ),
  became(
    'inter_chunk_latency',
    'the gaps between chunks of each request',
    'itlMs',
    'all requests together, percentiles linear',
  ),
  became(
    'request_latency',
    'from the request to its last chunk, of each request',
    'e2eMs',
    'percentiles over the lines, linear',
  ),
  became(
    'the lines without an error',
    'finished requests, from the first one’s start to the last one’s end',
    'requestsPerSecond',
    'their number over that time',
  ),
  became(
    'output_sequence_length',
    'output tokens of each request, thinking included',
    'outputTokensPerSecond',
    'their sum over that time',
  ),
];

/** Milliseconds of a metric of one line; NaN where it has none or a unit that is not known. */
function msOf(record: Json, names: readonly string[]): number {
  for (const name of names) {
    const value = numberAt(record, `metrics.${name}.value`);
    const scale = SCALES[textAt(record, `metrics.${name}.unit`) ?? 'ms'];
    if (value !== null && scale !== undefined) return value * scale;
  }
  return NaN;
}

function gapsOf(record: Json): number[] {
  const scale = SCALES[textAt(record, 'metrics.inter_chunk_latency.unit') ?? 'ms'] ?? NaN;
  const gaps = listAt(record, 'metrics.inter_chunk_latency.value') ?? [];
  return gaps.flatMap((gap) => (typeof gap === 'number' ? [gap * scale] : []));
}

/** Nanoseconds on the tool's clock. */
function startOf(record: Json): number {
  return (
    numberAt(record, 'metadata.request_start_ns') ??
    numberAt(record, 'metrics.min_request_timestamp.value') ??
    numberAt(record, 'metadata.timestamp_ns') ??
    NaN
  );
}

function endOf(record: Json): number {
  return (
    numberAt(record, 'metadata.request_end_ns') ??
    numberAt(record, 'metrics.max_response_timestamp.value') ??
    NaN
  );
}

function isWarmup(record: Json): boolean {
  const phase = textAt(record, 'metadata.benchmark_phase') ?? textAt(record, 'metadata.credit_phase');
  return phase === 'warmup';
}

function meanOf(values: readonly number[]): number | null {
  const known = values.filter(Number.isFinite);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

export function readAiperfRecords(records: readonly Json[]): Read<MeasuredResult[]> {
  const stranger = records.findIndex((record) => !isAiperfRecord(record));
  if (stranger >= 0) {
    return refused(
      `Line ${stranger + 1} of this file is no record of AIPerf as those before it; export it again.`,
    );
  }
  const measured = records.filter((record) => !isWarmup(record));
  const failed = measured.filter((record) => isJsonObject(at(record, 'error')));
  const finished = measured.filter((record) => !isJsonObject(at(record, 'error')));
  const e2e = finished.map((record) => msOf(record, ['request_latency']));
  if (!e2e.some(Number.isFinite)) {
    return refused('No line of this AIPerf export is a finished request; run it until one finishes.');
  }
  const tokens = finished.map((record) => numberAt(record, 'metrics.output_sequence_length.value') ?? NaN);
  const seconds =
    (Math.max(...finished.map(endOf).filter(Number.isFinite)) -
      Math.min(...finished.map(startOf).filter(Number.isFinite))) /
    1e9;
  const durationSeconds = Number.isFinite(seconds) && seconds > 0 ? seconds : null;
  const requestsPerSecond = durationSeconds === null ? null : finished.length / durationSeconds;
  const inFlight =
    durationSeconds === null
      ? null
      : e2e.filter(Number.isFinite).reduce((sum, ms) => sum + ms, 0) / 1000 / durationSeconds;
  const outputTokens = meanOf(tokens);
  return {
    ok: true,
    value: [
      {
        tool: 'aiperf',
        toolVersion: null,
        model: null,
        date: null,
        label: loadLabel(null, inFlight, 0),
        load: {
          requestsPerSecond: null,
          concurrency: inFlight,
          promptTokens: meanOf(
            finished.map((record) => numberAt(record, 'metrics.input_sequence_length.value') ?? NaN),
          ),
          outputTokens,
        },
        requests: { finished: finished.length, failed: failed.length },
        durationSeconds,
        ttftMs: distributionOfSamples(
          finished.map((record) => msOf(record, ['time_to_first_token', 'ttft'])),
        ),
        tpotMs: distributionOfSamples(finished.map((record) => msOf(record, ['inter_token_latency']))),
        itlMs: distributionOfSamples(finished.flatMap(gapsOf)),
        e2eMs: distributionOfSamples(e2e),
        requestsPerSecond,
        outputTokensPerSecond:
          durationSeconds === null || outputTokens === null
            ? null
            : (outputTokens * finished.length) / durationSeconds,
        memory: NO_MEMORY,
        definitions: [...DEFINITIONS],
        translated: [
          'Requests in flight are throughput × time of a request (Little); the lines do not name a limit.',
        ],
      },
    ],
  };
}
