/** A load in words and numbers for the page: what the probe told, the best point, every point. */
import { formatNumber, formatValue } from '../charts/format.ts';
import type { Interval } from '../core/metrics/intervals.ts';
import { summarizeLoad, type LoadSummary } from '../core/metrics/load/summary.ts';
import { SERVING_METRICS } from '../core/metrics/definitions.ts';
import type { LoadedServer, LoadPoint, LoadRun } from '../core/run/load.ts';
import type { SimSummary } from '../core/run/simulation.ts';
import { SERVER_ABILITIES } from '../endpoints/index.ts';

export interface ShownNumber {
  readonly label: string;
  readonly value: string;
  readonly beside: string;
  readonly help: string;
  readonly origin?: string;
}

export const NONE = '—';

export function shown(value: number | null | undefined, unit: string): string {
  return value === null || value === undefined ? NONE : formatValue(value, unit);
}

export function serverName({ kind, version }: LoadedServer): string {
  const { name } = SERVER_ABILITIES[kind];
  return version === null ? name : `${name} ${version}`;
}

/** Facts that the probe learned; what the server does not tell is said. */
export function serverFacts(server: LoadedServer): readonly (readonly [string, string])[] {
  const tokens = (value: number | null): string =>
    value === null ? 'not told' : `${formatNumber(value)} tokens`;
  return [
    ['Longest request', tokens(server.maxModelTokens)],
    ['Batch', server.maxSequences === null ? 'not told' : `${formatNumber(server.maxSequences)} sequences`],
    ['KV cache', tokens(server.kvTokens)],
    ['Vocabulary', server.vocabulary === null ? 'not told' : formatNumber(server.vocabulary)],
    ['Metrics', server.metrics ? 'at /metrics' : 'none at /metrics'],
  ];
}

function span(interval: Interval | null | undefined, unit: string): string {
  if (!interval) return 'too few requests for an interval';
  return `95 %: ${formatValue(interval.low, unit)} to ${formatValue(interval.high, unit)}`;
}

/** The repetition that stands first of a load: of the point with the highest output rate. */
export function bestPoint(run: LoadRun): { readonly point: LoadPoint; readonly summary: LoadSummary } | null {
  const all = run.points.flatMap((point) => {
    const [first] = point.repetitions;
    return first ? [{ point, summary: summarizeLoad(first.measured, run.scenario.objectives) }] : [];
  });
  return all.reduce<(typeof all)[number] | null>(
    (best, next) =>
      best === null || next.summary.summary.outputTokensPerSecond > best.summary.summary.outputTokensPerSecond
        ? next
        : best,
    null,
  );
}

/** What stands first of a load. */
export function loadNumbers(
  { summary, intervals, latenessMs, failed, retries }: LoadSummary,
  pricePerHour: number | null,
): ShownNumber[] {
  const { ttftMs, tpotMs, itlMs, goodput, requestsPerSecond, outputTokensPerSecond } = summary;
  const dollars = pricePerMillion(outputTokensPerSecond, pricePerHour);
  return [
    {
      label: 'p99 TTFT',
      value: shown(ttftMs?.p99, 'ms'),
      beside: `p50 ${shown(ttftMs?.p50, 'ms')}; p99 ${span(intervals.ttftMs.p99, 'ms')}`,
      help: SERVING_METRICS.ttftMs.sentence,
      origin: 'measured',
    },
    {
      label: 'p50 TPOT',
      value: shown(tpotMs?.p50, 'ms'),
      beside: `p99 ${shown(tpotMs?.p99, 'ms')}; p50 ${span(intervals.tpotMs.p50, 'ms')}`,
      help: SERVING_METRICS.tpotMs.sentence,
      origin: 'measured',
    },
    {
      label: 'p99 ITL',
      value: shown(itlMs?.p99, 'ms'),
      beside: `p50 ${shown(itlMs?.p50, 'ms')}`,
      help: SERVING_METRICS.itlMs.sentence,
      origin: 'measured',
    },
    {
      label: 'Output',
      value: `${formatNumber(outputTokensPerSecond)} tok/s`,
      beside:
        dollars === null
          ? `${formatNumber(requestsPerSecond)} requests/s`
          : `$ ${formatNumber(dollars)} a million tokens`,
      help: SERVING_METRICS.outputTokensPerSecond.sentence,
      origin: 'measured',
    },
    {
      label: 'Finished',
      value: `${formatNumber(summary.finished)} of ${formatNumber(summary.requests)}`,
      beside: `${formatNumber(failed)} failed, ${formatNumber(retries)} sent again${goodput === null ? '' : `; goodput ${formatNumber(goodput)}/s`}`,
      help: 'Requests that came to their end. A request that is sent again goes on counting from when it was due.',
      origin: 'measured',
    },
    {
      label: 'Client late',
      value: shown(latenessMs?.p99, 'ms'),
      beside: `p99; at most ${shown(latenessMs?.max, 'ms')}`,
      help: 'From when a request was due until this page sent it. Latencies count from when it was due, so this is in them and not hidden.',
      origin: 'measured',
    },
  ];
}

export function pricePerMillion(tokensPerSecond: number | null, pricePerHour: number | null): number | null {
  return pricePerHour === null || !tokensPerSecond ? null : pricePerHour / ((tokensPerSecond * 3600) / 1e6);
}

const COMPARED = [
  ['p50 TTFT', (s: SimSummary) => s.ttftMs?.p50, 'ms'],
  ['p99 TTFT', (s: SimSummary) => s.ttftMs?.p99, 'ms'],
  ['Mean TPOT', (s: SimSummary) => s.tpotMs?.mean, 'ms'],
  ['p99 ITL', (s: SimSummary) => s.itlMs?.p99, 'ms'],
  ['Mean E2E', (s: SimSummary) => s.e2eMs?.mean, 'ms'],
  ['p99 E2E', (s: SimSummary) => s.e2eMs?.p99, 'ms'],
  ['Output, tok/s', (s: SimSummary) => s.outputTokensPerSecond, 'tok/s'],
  ['Goodput, req/s', (s: SimSummary) => s.goodput, 'req/s'],
] as const;

export interface PointRow {
  readonly key: string;
  readonly label: string;
  readonly reason: string | null;
  readonly cells: readonly {
    readonly measured: string;
    readonly predicted: string;
    readonly error: string;
  }[];
  readonly ended: string;
  readonly faults: string;
}

export const COMPARED_NAMES = COMPARED.map(([name]) => name);

/** A row for each kept repetition of each point. */
export function pointRows(run: LoadRun): PointRow[] {
  return run.points.flatMap((point, index) => {
    const label = point.label === 'single point' ? 'this load' : point.label;
    if (point.repetitions.length === 0) {
      return [
        { key: `${index}`, label, reason: point.reason ?? point.status, cells: [], ended: '', faults: '' },
      ];
    }
    return point.repetitions.map(({ measured, predicted }, n): PointRow => {
      const found = summarizeLoad(measured, run.scenario.objectives);
      const many = point.repetitions.length > 1 ? `, repetition ${n + 1}` : '';
      return {
        key: `${index}.${n}`,
        label: `${label}${many}`,
        reason: null,
        cells: COMPARED.map(([, read, unit]) =>
          cellOf(read(found.summary), predicted && read(predicted), unit),
        ),
        ended: `${found.summary.finished} / ${found.failed} / ${found.retries}`,
        faults: Object.entries(found.errors)
          .map(([kind, count]) => `${count} × ${kind}`)
          .join(', '),
      };
    });
  });
}

function cellOf(measured: number | null | undefined, predicted: number | null | undefined, unit: string) {
  const error = measured && predicted != null ? 100 * (predicted / measured - 1) : null;
  return {
    measured: shown(measured, unit),
    predicted: shown(predicted, unit),
    error: error === null ? '' : `${error < 0 ? '−' : '+'}${Math.abs(error).toFixed(0)} %`,
  };
}
