/** fig5: what short and long requests pay for running together; every request a dot, not a mean. */
import type { LabRun } from '../../core/run/schema.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../figure.ts';
import { formatNumber } from '../format.ts';
import { quantileWarning, TAIL_QUANTILES } from './quantiles.ts';
import { groupsOf, requestLatencyMs } from './samples.ts';
import { estimatePoint } from './series.ts';
import {
  clusterQuantiles,
  INTERVAL_MEANING,
  medianRatio,
  quantile,
  repetitionMedians,
} from './statistics.ts';
import { isSwept, PATHS, provenance, slicesAlong, type Slice } from './subject.ts';
import { estimateWords, excludes, sentence, type Clause } from './words.ts';

/** Quantiles with a tick of their own; p99.9 of some dozen requests would be their maximum. */
const DRAWN: readonly number[] = [0.5, 0.9, 0.99];

export function mixedLengthsLatency(run: LabRun): FigureSpec | null {
  if (!isSwept(run, PATHS.groups)) return null;
  const slices = slicesAlong(run, PATHS.groups);
  const [slice] = slices;
  if (!slice) return null;
  return {
    id: 'fig5_mixed_lengths_latency',
    mark: 'strip',
    title: 'Request latency, alone and beside other lengths',
    x: { label: 'Request group', unit: '', scale: 'category' },
    y: { label: 'Queued to last token', unit: 'ms', scale: 'log' },
    series: slices.flatMap((s, index) => mixSeries(s, index)),
    definition:
      'End-to-end latency of every finished request, queued to last token. Thick tick: median with its interval; ' +
      'thin ticks: p90 and p99 where there are samples enough to draw them.',
    intervalMeaning: INTERVAL_MEANING,
    finding: sentence(slices.flatMap(price)),
    ...provenance(run),
  };
}

/** One series for each mix of the sweep, with a strip in every group that it ran. */
function mixSeries(slice: Slice, sliceIndex: number): FigureSeries[] {
  return slice.points.map(({ x: mix, point }, index): FigureSeries => {
    const groups = groupsOf(point);
    const label = slice.label === '' ? String(mix) : `${mix}, ${slice.label}`;
    const gap = estimatePoint(String(mix), point, null);
    return {
      id: label,
      label,
      colour: sliceIndex * slice.points.length + index,
      points: groups.length === 0 ? [gap] : groups.flatMap((group) => summary(point, group)),
      samples: groups.map((group) => ({ x: group, values: requestLatencyMs(point, group).flat() })),
    };
  });
}

function summary(point: Slice['points'][number]['point'], group: string): FigurePoint[] {
  const values = requestLatencyMs(point, group);
  const n = values.flat().length;
  const drawn = TAIL_QUANTILES.filter(({ p }) => DRAWN.includes(p) && (p === 0.5 || n >= 1 / (1 - p)));
  const ps = drawn.map(({ p }) => p);
  return clusterQuantiles(values, ps).map((estimate, i): FigurePoint => {
    const quantileAt = drawn[i];
    const warning = quantileAt && quantileAt.p > 0.5 ? quantileWarning(n, quantileAt.p) : null;
    const at = estimatePoint(group, point, estimate);
    return { ...at, label: quantileAt?.label ?? '', ...(warning === null ? {} : { detail: warning }) };
  });
}

/** For each group: the mix with the most groups against the mix where it ran alone. */
function price(slice: Slice): Clause[] {
  const runs = slice.points.map(({ point }) => ({ point, groups: groupsOf(point) }));
  const together = runs.toSorted((a, b) => b.groups.length - a.groups.length)[0];
  if (!together || together.groups.length < 2) return [];
  const prices = together.groups.flatMap((group) => {
    const alone = runs.find(({ groups }) => groups.length === 1 && groups[0] === group);
    if (!alone) return [];
    const [a, b] = [requestLatencyMs(alone.point, group), requestLatencyMs(together.point, group)];
    const ratio = medianRatio(repetitionMedians(a), repetitionMedians(b));
    if (ratio === null) return [];
    const [tailA, tailB] = [quantile(a.flat(), 0.9), quantile(b.flat(), 0.9)];
    const tail = tailA && tailB ? ` (p90 ${formatNumber(tailB / tailA)} ×)` : '';
    const verdict = excludes(ratio, 1) ? '' : ', which may be no difference';
    return [`${group} requests take ${estimateWords(ratio, 'ratio')} their time alone${tail}${verdict}`];
  });
  return prices.length === 0 ? [] : [{ label: slice.label, text: `together, ${prices.join(' and ')}` }];
}
