/**
 * fig5: what short and long requests pay for running together: every request a dot, not a mean; and the same for every
 * gap between two tokens.
 */
import { describeMetric } from '../../core/metrics/definitions.ts';
import { median, percentileLinear } from '../../core/metrics/percentiles.ts';
import type { LabRun, Point } from '../../core/run/schema.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../figure.ts';
import { formatValue } from '../format.ts';
import { clustersOf, groupsOf } from './samples.ts';
import { estimatePoint } from './series.ts';
import {
  INTERVAL_MEANING,
  medianEstimate,
  medianRatio,
  percentileEstimates,
  type Clusters,
} from './statistics.ts';
import { isSwept, PATHS, provenance, SCOPE, slicesAlong, type Slice } from './subject.ts';
import { estimateWords, excludes, sentence, type Clause } from './words.ts';

interface Quantity {
  readonly id: string;
  readonly title: string;
  readonly metric: 'e2e' | 'itl';
  readonly label: string;
  /** `short` + this + `2 × …` */
  readonly clause: string;
}

const REQUESTS: Quantity = {
  id: 'fig5_mixed_lengths_latency',
  title: 'Request latency, alone and beside other lengths',
  metric: 'e2e',
  label: 'Request latency',
  clause: 'requests take',
};

const GAPS: Quantity = {
  id: 'fig5b_mixed_lengths_token_gaps',
  title: 'Time between tokens, alone and beside other lengths',
  metric: 'itl',
  label: 'Inter-token latency',
  clause: 'requests wait for a token',
};

/** Percentiles with a tick of their own; p99.9 of some dozen requests would be their maximum. */
const DRAWN = [50, 90, 99] as const;

export function mixedLengthsLatency(run: LabRun): FigureSpec | null {
  return mixedLengths(run, REQUESTS);
}

export function mixedLengthsTokenGaps(run: LabRun): FigureSpec | null {
  return mixedLengths(run, GAPS);
}

function mixedLengths(run: LabRun, quantity: Quantity): FigureSpec | null {
  if (!isSwept(run, PATHS.groups)) return null;
  const slices = slicesAlong(run, PATHS.groups);
  return {
    id: quantity.id,
    mark: 'strip',
    title: quantity.title,
    x: { label: 'Request group', unit: '', scale: 'category' },
    y: { label: quantity.label, unit: 'ms', scale: 'log' },
    series: slices.flatMap((slice, index) => mixSeries(slice, index, quantity)),
    definition:
      `${describeMetric(quantity.metric)} Thick tick: median with its interval; thin ticks: p90 and p99, as far as the ` +
      `samples reach. ${SCOPE}`,
    intervalMeaning: INTERVAL_MEANING,
    finding: sentence(slices.flatMap((slice) => price(slice, quantity))),
    ...provenance(run),
  };
}

/** One series for each mix of the sweep, with a strip in every group that it ran. */
function mixSeries(slice: Slice, sliceIndex: number, { metric }: Quantity): FigureSeries[] {
  return slice.points.map(({ x: mix, point }, index): FigureSeries => {
    const groups = groupsOf(point);
    const label = slice.label === '' ? String(mix) : `${mix}, ${slice.label}`;
    const gap = estimatePoint(String(mix), point, medianEstimate([]));
    return {
      id: label,
      label,
      colour: sliceIndex * slice.points.length + index,
      points:
        groups.length === 0
          ? [gap]
          : groups.flatMap((group) => percentiles(point, group, clustersOf(point, metric, group))),
      samples: groups.map((group) => ({ x: group, values: clustersOf(point, metric, group).flat() })),
    };
  });
}

function percentiles(point: Point, group: string, values: Clusters): FigurePoint[] {
  const estimates = percentileEstimates(values);
  return DRAWN.flatMap((percent): FigurePoint[] => {
    const estimate = estimates[percent];
    // A tail that the samples cannot bound is left out; a missing median is a gap with its reason.
    if (estimate.value === null && percent !== 50) return [];
    return [{ ...estimatePoint(group, point, estimate), label: `p${percent}` }];
  });
}

/** For each group: the mix with the most groups against the mix where it ran alone. */
function price(slice: Slice, { metric, clause }: Quantity): Clause[] {
  const runs = slice.points.map(({ point }) => ({ point, groups: groupsOf(point) }));
  const together = runs.toSorted((a, b) => b.groups.length - a.groups.length)[0];
  if (!together || together.groups.length < 2) return [];
  const prices = together.groups.flatMap((group) => {
    const alone = runs.find(({ groups }) => groups.length === 1 && groups[0] === group);
    if (!alone) return [];
    const [a, b] = [clustersOf(alone.point, metric, group), clustersOf(together.point, metric, group)];
    const ratio = medianRatio(metric, a.map(median), b.map(median));
    if (ratio === null) return [];
    const [tailA, tailB] = [percentileLinear(a.flat(), 90), percentileLinear(b.flat(), 90)];
    const tail = tailA > 0 ? ` (p90 ${formatValue(tailB / tailA, 'ratio')})` : '';
    const verdict = excludes(ratio, 1) ? '' : ', which may be no difference';
    return [`${group} ${clause} ${estimateWords(ratio, 'ratio')} their time alone${tail}${verdict}`];
  });
  return prices.length === 0 ? [] : [{ label: slice.label, text: `together, ${prices.join(' and ')}` }];
}
