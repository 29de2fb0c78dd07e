/** A figure in words and rows: what hover, the table alternative, <desc> and footnotes say. One wording for all. */
import type { FigurePoint, FigureSeries, FigureSpec } from './figure.ts';
import { formatInterval, formatValue, formatX } from './format.ts';

export interface FigureRow {
  readonly series: string;
  readonly x: string;
  readonly value: string;
  readonly interval: string;
  readonly n: string;
  readonly note: string;
}

/** x of a point with its name, as `p99: 12 ms` or `16`. */
export function pointPlace(spec: FigureSpec, point: FigurePoint): string {
  const x = formatX(point.x, spec.x.unit);
  if (spec.cells && point.label !== undefined) return point.label;
  if (spec.cells) return `${x}, ${spec.y.label} ${formatX(point.y ?? '', spec.y.unit)}`;
  return point.label === undefined ? x : `${x}, ${point.label}`;
}

export function pointValue(spec: FigureSpec, point: FigurePoint): string {
  if (spec.cells && point.z === undefined)
    return point.struck ? (spec.cells.struck ?? 'struck out') : 'no value';
  if (spec.cells && point.z !== undefined) return formatValue(point.z, spec.cells.unit);
  return point.y === null ? 'no value' : formatValue(point.y, spec.y.unit);
}

export function pointInterval(spec: FigureSpec, point: FigurePoint): string {
  if (point.y === null || point.low === undefined || point.high === undefined) return '';
  return formatInterval(point.low, point.high, spec.mark === 'cdf' ? spec.x.unit : spec.y.unit);
}

function row(spec: FigureSpec, series: FigureSeries, point: FigurePoint): FigureRow {
  return {
    series: series.label || spec.y.label,
    x: pointPlace(spec, point),
    value: pointValue(spec, point),
    interval: pointInterval(spec, point),
    n: point.n === undefined ? '' : String(point.n),
    note: [point.reason, point.detail].filter((text) => text !== undefined && text !== '').join(' '),
  };
}

/** Every data point as a row of words; fitted lines are left out. */
export function figureRows(spec: FigureSpec): FigureRow[] {
  return spec.series
    .filter((series) => series.role !== 'fit')
    .flatMap((series) => series.points.map((point) => row(spec, series, point)));
}

/** One line for a screen reader: `Used, 8: 12.3 MiB, 95 % … 12 to 12.6 MiB, n = 5.` */
export function pointSentence(spec: FigureSpec, series: FigureSeries, point: FigurePoint): string {
  const { value, interval, n, note } = row(spec, series, point);
  const place = pointPlace(spec, point);
  const name = series.label === '' ? place : `${series.label}, ${place}`;
  const meaning = spec.intervalMeaning ?? 'interval';
  const parts = [value, interval && `${meaning} ${interval}`, n && `n = ${n}`].filter((text) => text !== '');
  return `${name}: ${parts.join(', ')}.${note === '' ? '' : ` ${note}`}`;
}

/** Each reason for a missing value once, with the x values it holds for: `× 32, 64: out of memory …`. */
export function gapNotes(spec: FigureSpec): string[] {
  const places = new Map<string, Set<string>>();
  for (const series of spec.series) {
    for (const point of series.points) {
      if (point.y !== null) continue;
      const reason = point.reason ?? 'No reason was recorded.';
      const at = places.get(reason) ?? new Set<string>();
      places.set(reason, at.add(formatX(point.x, spec.x.unit)));
    }
  }
  return [...places].map(([reason, at]) => `× ${[...at].join(', ')}: ${reason}`);
}

const ORIGIN_WORDS = {
  measured: 'Measured',
  simulated: 'Simulated',
  published: 'Published',
  assumed: 'Assumed',
} as const;

/** Where the numbers come from: `Measured 2026-02-03, run abc, by: kvlab measure …`. */
export function originSentence(spec: FigureSpec): string {
  const { runId, command, createdAt } = spec.source;
  const date = createdAt === undefined ? '' : ` ${createdAt.slice(0, 10)}`;
  return `${ORIGIN_WORDS[spec.origin]}${date}, run ${runId}, ${command === null ? 'made in the page' : `by: ${command}`}`;
}
