/**
 * Two runs in one figure: the series of both, the second dashed and hollow, and a sentence with the ratio of the values
 * they share. The ratio's range is over points; it is no interval of one ratio.
 */
import { median } from '../../core/metrics/percentiles.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../figure.ts';
import { formatInterval, formatValue } from '../format.ts';

export interface Named {
  readonly name: string;
  readonly spec: FigureSpec;
}

export function compareFigures(first: Named, second: Named): FigureSpec {
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
    finding: ratioSentence(first, second),
    source: { ...spec.source, runId: `${spec.source.runId} and ${second.spec.source.runId}` },
  };
}

function renamed(series: FigureSeries, name: string, dashed: boolean): FigureSeries {
  const label = series.role === 'fit' ? '' : series.label === '' ? name : `${series.label} · ${name}`;
  return { ...series, id: `${name}/${series.id}`, label, ...(dashed ? { dashed } : {}) };
}

/** What a point measures: y, or x in a CDF. */
function measure(spec: FigureSpec, point: FigurePoint): { key: string; value: number } | null {
  if (point.y === null) return null;
  if (spec.mark !== 'cdf') return { key: `${point.x}|${point.label ?? ''}`, value: point.y };
  return typeof point.x === 'number' ? { key: point.label ?? '', value: point.x } : null;
}

function ratios(first: FigureSpec, second: FigureSpec): number[] {
  return first.series.flatMap((series) => {
    const other = second.series.find(({ id, role }) => id === series.id && role === series.role);
    if (!other || series.role === 'fit') return [];
    const values = new Map(
      other.points.flatMap((p) => measure(second, p) ?? []).map((m) => [m.key, m.value]),
    );
    return series.points.flatMap((point) => {
      const mine = measure(first, point);
      const theirs = mine ? values.get(mine.key) : undefined;
      return mine && theirs !== undefined && mine.value !== 0 ? [theirs / mine.value] : [];
    });
  });
}

function ratioSentence(first: Named, second: Named): string {
  const all = ratios(first.spec, second.spec);
  if (all.length === 0) return `${first.name} and ${second.name} share no point.`;
  const measured = first.spec.mark === 'cdf' ? first.spec.x.label : first.spec.y.label;
  const what = `${measured} of ${second.name} over ${first.name}`;
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const points = all.length === 1 ? 'the point they share' : `the ${all.length} points they share`;
  if (most - least < 1e-9) return `${what}: ${formatValue(least, 'ratio')} at ${points}.`;
  return `${what}: ${formatValue(median(all), 'ratio')} at the median of ${points}, from ${formatInterval(least, most, 'ratio')}.`;
}
