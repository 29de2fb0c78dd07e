/**
 * The course of a load over time, the same while it goes on and afterwards: output rate, requests in flight beside what the
 * server says of itself, latencies as requests ended, KV use.
 */
import { pieceRates, type EndedRequest, type LoadCourse } from '../../../core/metrics/load/course.ts';
import type { Telemetry } from '../../../core/run/load.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';

type Shared = Pick<FigureSpec, 'subtitle' | 'origin' | 'notes' | 'source'>;

const TIME = { label: 'Time', unit: 'ms', scale: 'linear', tight: true } as const;
const RATE_WINDOW_MS = 1000;
/** Of one figure; more dots than these hide each other. */
const MOST_DOTS = 600;

export function courseFigures(course: LoadCourse, shared: Shared): FigureSpec[] {
  return [outputRate, inFlight, latencies, (c: LoadCourse, s: Shared) => kvUse(c.telemetry, s)].flatMap(
    (build) => build(course, shared) ?? [],
  );
}

function outputRate({ ticks }: LoadCourse, shared: Shared): FigureSpec | null {
  const span = (ticks.at(-1)?.atMs ?? 0) - (ticks[0]?.atMs ?? 0);
  const rates = pieceRates(ticks, Math.min(RATE_WINDOW_MS, span / 20));
  if (rates.length < 2) return null;
  const most = rates.reduce((best, next) => (next.rate > best.rate ? next : best));
  const mean = (1000 * (ticks.at(-1)?.pieces ?? 0)) / Math.max(1, span);
  return {
    id: 'load_output_rate',
    mark: 'line',
    title: 'Output over time',
    x: TIME,
    y: { label: 'Pieces of text a second', unit: '', scale: 'linear' },
    series: [
      {
        id: 'rate',
        label: 'Output',
        colour: 0,
        step: true,
        points: rates.map(({ atMs, rate }) => ({ x: atMs, y: rate })),
      },
    ],
    definition:
      'Pieces of text that came, of all requests together, over the time since the moment before; most servers put one token ' +
      'into a piece. Drawn over windows of a second at most.',
    finding: `On average ${formatNumber(mean)} pieces a second, at most ${formatNumber(most.rate)} after ${formatValue(most.atMs, 'ms')}.`,
    ...shared,
  };
}

function told(telemetry: readonly Telemetry[], field: 'running' | 'waiting' | 'kvUsage'): FigurePoint[] {
  return telemetry.flatMap((sample) => {
    const value = sample[field];
    return value === null ? [] : [{ x: sample.atMs, y: value }];
  });
}

function serverLines(telemetry: readonly Telemetry[], colour: number): FigureSeries[] {
  const line = (field: 'running' | 'waiting', label: string, at: number): FigureSeries => ({
    id: field,
    label,
    colour: at,
    step: true,
    points: told(telemetry, field),
  });
  return [line('running', 'Server: running', colour), line('waiting', 'Server: waiting', colour + 1)].filter(
    ({ points }) => points.length > 0,
  );
}

function inFlight({ ticks, telemetry }: LoadCourse, shared: Shared): FigureSpec | null {
  if (ticks.length < 2) return null;
  const most = ticks.reduce((best, { inFlight: count }) => Math.max(best, count), 0);
  const waited = telemetry.filter(({ waiting }) => (waiting ?? 0) > 0).length;
  const server =
    telemetry.length === 0
      ? 'the server tells nothing of itself'
      : `requests waited at the server at ${waited} of ${telemetry.length} looks`;
  return {
    id: 'load_in_flight',
    mark: 'line',
    title: 'Requests in flight, and what the server says',
    x: TIME,
    y: { label: 'Requests', unit: '', scale: 'linear' },
    series: [
      {
        id: 'inFlight',
        label: 'Here: in flight',
        colour: 0,
        step: true,
        broad: true,
        points: ticks.map(({ atMs, inFlight: count }) => ({ x: atMs, y: count })),
      },
      ...serverLines(telemetry, 1),
    ],
    definition:
      'In flight: sent and not yet over, as the client counts. Running and waiting: the server’s own gauges of its batch and queue.',
    finding: `At most ${formatNumber(most)} ${most === 1 ? 'request was' : 'requests were'} in flight; ${server}.`,
    ...shared,
  };
}

function dots(
  requests: readonly EndedRequest[],
  read: (request: EndedRequest) => number | null,
): FigurePoint[] {
  return requests.flatMap((request) => {
    const y = read(request);
    return y === null ? [] : [{ x: request.atMs, y, detail: `request ${request.row + 1}` }];
  });
}

function latencies({ requests }: LoadCourse, shared: Shared): FigureSpec | null {
  const recent = requests.slice(-MOST_DOTS);
  const [ttft, e2e] = [dots(recent, ({ ttftMs }) => ttftMs), dots(recent, ({ e2eMs }) => e2eMs)];
  if (ttft.length < 2) return null;
  const failed = requests.filter(({ fault }) => fault !== null && fault !== 'cancelled');
  const left = requests.length - recent.length;
  return {
    id: 'load_latencies',
    mark: 'scatter',
    title: 'Latencies as requests ended',
    x: { ...TIME, tight: false },
    y: { label: 'Latency', unit: 'ms', scale: 'linear' },
    series: [
      { id: 'ttft', label: 'Time to first token', colour: 0, points: ttft },
      { id: 'e2e', label: 'Request latency', colour: 1, points: e2e },
    ],
    ...(failed.length > 0 ? { events: { label: 'failed', at: failed.map(({ atMs }) => atMs) } } : {}),
    definition: 'Both count from when a request was due, not from when it was sent; x is when it ended.',
    finding: `${formatNumber(requests.length)} requests ended, ${formatNumber(failed.length)} of them failed.`,
    ...shared,
    notes: [
      ...(shared.notes ?? []),
      ...(left > 0 ? [`The last ${MOST_DOTS} are drawn; ${left} came before.`] : []),
    ],
  };
}

/** Null where the server does not say. */
export function kvUse(telemetry: readonly Telemetry[], shared: Shared): FigureSpec | null {
  const points = told(telemetry, 'kvUsage');
  if (points.length < 2) return null;
  const most = points.reduce((best, { y }) => Math.max(best, y ?? 0), 0);
  return {
    id: 'load_kv_use',
    mark: 'line',
    title: 'KV cache in use, as the server says',
    x: TIME,
    y: { label: 'KV cache in use', unit: 'share', scale: 'linear' },
    series: [{ id: 'kv', label: 'KV in use', colour: 0, step: true, points }],
    references: [{ y: 1, label: 'full' }],
    definition: 'The server’s own gauge; of several engines the highest.',
    finding: `At most ${formatValue(most, 'share')} of the KV cache was in use.`,
    ...shared,
  };
}

export function runningWaiting(telemetry: readonly Telemetry[], shared: Shared): FigureSpec | null {
  const series = serverLines(telemetry, 0);
  if (telemetry.length < 2 || series.length === 0) return null;
  const most = telemetry.reduce((best, { waiting }) => Math.max(best, waiting ?? 0), 0);
  return {
    id: 'watch_requests',
    mark: 'line',
    title: 'Requests running and waiting',
    x: TIME,
    y: { label: 'Requests', unit: '', scale: 'linear' },
    series,
    definition: 'The server’s own gauges of its batch and its queue, at each look.',
    finding:
      most === 0
        ? 'Nobody waited at any look.'
        : `At most ${formatNumber(most)} ${most === 1 ? 'request' : 'requests'} waited at a look.`,
    ...shared,
  };
}
