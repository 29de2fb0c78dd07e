/**
 * Two runs in one figure: the series of both, the second dashed and hollow, and a sentence with the ratio of the values
 * they share, each quantity by itself. The ratio's range is over points; it is no interval of one ratio.
 */
import { median } from '../../core/metrics/percentiles.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../figure.ts';
import { formatInterval, formatValue } from '../format.ts';

export interface Named {
  readonly name: string;
  readonly spec: FigureSpec;
}

/** @param paired the two ran the same seeds, so that intervals of each side say nothing about their difference */
export function compareFigures(first: Named, second: Named, paired = false): FigureSpec {
  const { spec } = first;
  return {
    ...spec,
    subtitle:
      spec.subtitle === second.spec.subtitle
        ? spec.subtitle
        : `${first.name}: ${spec.subtitle}; ${second.name}: ${second.spec.subtitle}`,
    series: [
      ...spec.series.map((series) => renamed(series, first.name, false)),
      ...second.spec.series.map((series) => renamed(series, second.name, true)),
    ],
    finding: ratioSentence(first, second, paired),
    notes: [...notesOf(first), ...notesOf(second)],
    source: { ...spec.source, runId: `${spec.source.runId} and ${second.spec.source.runId}` },
  };
}

function renamed(series: FigureSeries, name: string, dashed: boolean): FigureSeries {
  const label = series.role === 'fit' ? '' : series.label === '' ? name : `${series.label} · ${name}`;
  return { ...series, id: `${name}/${series.id}`, label, ...(dashed ? { dashed } : {}) };
}

function notesOf({ name, spec }: Named): string[] {
  return (spec.notes ?? []).map((note) => `${name}: ${note}`);
}

interface Measured {
  /** Names the point in both figures. */
  readonly key: string;
  readonly value: number;
  readonly interval: { readonly low: number; readonly high: number } | null;
}

/** What a point measures: y, or x in a CDF. */
function measure(spec: FigureSpec, { x, y, label = '', low, high }: FigurePoint): Measured | null {
  if (y === null) return null;
  const interval = low === undefined || high === undefined ? null : { low, high };
  if (spec.mark !== 'cdf') return { key: `${x}|${label}`, value: y, interval };
  return typeof x === 'number' ? { key: label, value: x, interval } : null;
}

interface Pair {
  /** What was measured: of a CDF the percentile, else the series' quantity; '' where a figure has one only. */
  readonly quantity: string;
  readonly ratio: number;
  /** Whether the intervals leave each other out; null without both. */
  readonly apart: boolean | null;
}

function pairs(first: FigureSpec, second: FigureSpec): Pair[] {
  return first.series.flatMap((series) => {
    const other = second.series.find(({ id, role }) => id === series.id && role === series.role);
    if (!other || series.role === 'fit') return [];
    const theirs = new Map(other.points.flatMap((p) => measure(second, p) ?? []).map((m) => [m.key, m]));
    return series.points.flatMap((point): Pair[] => {
      const a = measure(first, point);
      const b = a ? theirs.get(a.key) : undefined;
      if (!a || !b || a.value === 0) return [];
      const known = a.interval !== null && b.interval !== null;
      const apart = known && (a.interval.low > b.interval.high || b.interval.low > a.interval.high);
      const quantity = (first.mark === 'cdf' ? point.label : series.quantity) ?? '';
      return [{ quantity, ratio: b.value / a.value, apart: known ? apart : null }];
    });
  });
}

function ratioSentence(first: Named, second: Named, paired: boolean): string {
  const shared = pairs(first.spec, second.spec);
  if (shared.length === 0) return `${first.name} and ${second.name} share no point.`;
  const measured = first.spec.mark === 'cdf' ? first.spec.x.label : first.spec.y.label;
  const uniform = extentOf(shared).every((ratio) => Math.abs(ratio - (shared[0]?.ratio ?? 0)) < 1e-9);
  const quantities = [...new Set(shared.map(({ quantity }) => quantity))];
  const groups = uniform
    ? [shared]
    : quantities.map((name) => shared.filter(({ quantity }) => quantity === name));
  const clauses = groups.map((group) => ratioClause(group, uniform ? '' : (group[0]?.quantity ?? '')));
  const trust = paired ? '' : apartClause(shared);
  return `${measured} of ${second.name} over ${first.name}: ${clauses.join('; ')}${trust}.`;
}

function extentOf(shared: readonly Pair[]): [number, number] {
  const ratios = shared.map(({ ratio }) => ratio);
  return [Math.min(...ratios), Math.max(...ratios)];
}

/** The ratio of one quantity: at its point, or in the middle of its points. */
function ratioClause(group: readonly Pair[], quantity: string): string {
  const name = quantity === '' ? '' : `${quantity} `;
  const [least, most] = extentOf(group);
  const points = group.length === 1 ? 'the point they share' : `the ${group.length} points they share`;
  if (group.length === 1 && quantity !== '') return `${name}${formatValue(least, 'ratio')}`;
  if (most - least < 1e-9) return `${name}${formatValue(least, 'ratio')} at ${points}`;
  const middle = formatValue(median(group.map(({ ratio }) => ratio)), 'ratio');
  return `${name}${middle} at the median of ${points}, from ${formatInterval(least, most, 'ratio')}`;
}

/** How far the difference can be trusted. */
function apartClause(shared: readonly Pair[]): string {
  const judged = shared.filter(({ apart }) => apart !== null);
  if (judged.length === 0) return '';
  const apart = judged.filter((pair) => pair.apart).length;
  return `; 95\u00a0% intervals are apart at ${apart} of ${judged.length}`;
}
