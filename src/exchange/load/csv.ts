/** A load, or a watch, as tables: one row a request, one a repetition, or one a sample of the server's metrics. */
import type { LoadRun, Telemetry, WatchRun } from '../../core/run/load.ts';
import { summarizeLoad } from '../../core/metrics/load/summary.ts';
import { toCsv, type Cell } from '../csv.ts';

const REQUEST_COLUMNS = [
  'point',
  'repetition',
  'request',
  'arrivalMs',
  'sentMs',
  'firstTokenMs',
  'endMs',
  'askedPromptTokens',
  'askedOutputTokens',
  'promptTokens',
  'outputTokens',
  'cachedTokens',
  'chunks',
  'attempts',
];

export function loadRequestsToCsv(run: LoadRun): string {
  const rows: Cell[][] = [];
  for (const { label, repetitions } of run.points) {
    repetitions.forEach(({ measured: { requests } }, repetition) => {
      for (let at = 0; at < requests.arrivalMs.length; at++) {
        rows.push([
          label,
          repetition,
          at,
          requests.arrivalMs[at] ?? null,
          requests.sentMs[at] ?? null,
          requests.firstTokenMs[at] ?? null,
          requests.endMs[at] ?? null,
          requests.askedPromptTokens[at] ?? null,
          requests.askedOutputTokens[at] ?? null,
          requests.promptTokens[at] ?? null,
          requests.outputTokens[at] ?? null,
          requests.cachedTokens[at] ?? null,
          requests.chunks[at] ?? null,
          requests.attempts[at] ?? null,
        ]);
      }
    });
  }
  return toCsv(REQUEST_COLUMNS, rows);
}

const POINT_COLUMNS = [
  'point',
  'status',
  'repetition',
  'requests',
  'finished',
  'meanTtftMs',
  'p99TtftMs',
  'meanTpotMs',
  'p99TpotMs',
  'meanE2eMs',
  'p99E2eMs',
  'outputTokensPerSecond',
  'requestsPerSecond',
  'goodput',
];

export function loadPointsToCsv(run: LoadRun): string {
  const rows: Cell[][] = [];
  for (const { label, status, repetitions } of run.points) {
    if (repetitions.length === 0) rows.push([label, status, ...POINT_COLUMNS.slice(2).map(() => null)]);
    repetitions.forEach(({ measured }, repetition) => {
      const { summary } = summarizeLoad(measured, run.scenario.objectives);
      const { ttftMs, tpotMs, e2eMs } = summary;
      rows.push([
        label,
        status,
        repetition,
        summary.requests,
        summary.finished,
        ttftMs?.mean ?? null,
        ttftMs?.p99 ?? null,
        tpotMs?.mean ?? null,
        tpotMs?.p99 ?? null,
        e2eMs?.mean ?? null,
        e2eMs?.p99 ?? null,
        summary.outputTokensPerSecond,
        summary.requestsPerSecond,
        summary.goodput,
      ]);
    });
  }
  return toCsv(POINT_COLUMNS, rows);
}

const SAMPLE_COLUMNS = [
  'atMs',
  'running',
  'waiting',
  'kvUsage',
  'prefixLookups',
  'prefixHits',
  'preemptions',
  'promptTokens',
  'outputTokens',
  'ttftMs',
  'itlMs',
  'e2eMs',
  'queueMs',
] as const satisfies readonly (keyof Telemetry)[];

export function watchToCsv({ samples }: WatchRun): string {
  return toCsv(
    SAMPLE_COLUMNS,
    samples.map((sample) => SAMPLE_COLUMNS.map((name) => sample[name])),
  );
}
