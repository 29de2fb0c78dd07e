/** fig6: the whole distribution of the time between tokens; with a log y axis, its tail. */
import { describeMetric } from '../../core/metrics/definitions.ts';
import { canBoundQuantile } from '../../core/metrics/intervals.ts';
import { minSamplesForTail } from '../../core/metrics/percentiles.ts';
import type { LabRun, Point } from '../../core/run/schema.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../figure.ts';
import { formatValue } from '../format.ts';
import { clustersOf, decodeStepClusters } from './samples.ts';
import { INTERVAL_MEANING, PERCENTS, percentileEstimates, type Clusters } from './statistics.ts';
import { gapReason, pointDetail, provenance, SCOPE, settingLabel } from './subject.ts';
import { estimateWords, sentence, type Clause } from './words.ts';

/** More curves than this cannot be told apart. */
const MAX_CURVES = 8;

interface Quantity {
  readonly metric: 'itl' | 'decodeStepMs';
  readonly label: string;
  readonly samplesOf: (point: Point) => Clusters;
}

const GAPS: Quantity = {
  metric: 'itl',
  label: 'Inter-token latency',
  samplesOf: (point) => clustersOf(point, 'itl'),
};
/** Where requests cannot be matched to steps (cut runs, imported ones), the steps themselves. */
const STEPS: Quantity = { metric: 'decodeStepMs', label: 'Decode step', samplesOf: decodeStepClusters };

interface Cut {
  readonly points: readonly Point[];
  /** Axes whose values tell the curves apart. */
  readonly paths: readonly string[];
  /** Settings that all curves share, in words; empty when every point is drawn. */
  readonly fixed: string;
}

export function tailLatencyCdf(run: LabRun): FigureSpec | null {
  const cut = cutOf(run);
  const quantity = [GAPS, STEPS].find(({ samplesOf }) =>
    cut.points.some((point) => samplesOf(point).flat().length > 0),
  );
  if (quantity === undefined) return null;
  const drawn = cut.fixed === '' ? '' : ` Drawn at ${cut.fixed}.`;
  return {
    id: 'fig6_tail_latency_cdf',
    mark: 'cdf',
    title: `${quantity.label}: the whole distribution`,
    x: { label: quantity.label, unit: 'ms', scale: 'log' },
    y: { label: 'Share that took at most x', unit: 'share', scale: 'linear' },
    series: cut.points.map((point, colour) => curve(point, labelOf(point, cut.paths), colour, quantity)),
    definition: `${describeMetric(quantity.metric)} Markers: p50, p90, p95, p99 and p99.9, as far as the samples reach.${drawn} ${SCOPE}`,
    intervalMeaning: INTERVAL_MEANING,
    finding: sentence(cut.points.slice(-1).map((point) => tail(point, cut, quantity))),
    ...provenance(run),
  };
}

/** All points of a short sweep; of a longer one the first axis, with the other axes at their last value. */
function cutOf(run: LabRun): Cut {
  const points = run.points.filter((point) => point.status !== 'skipped');
  const last = points.at(-1);
  const paths = run.scenario.sweep.map((axis) => axis.path);
  const [first, ...others] = paths;
  if (points.length <= MAX_CURVES || !last || first === undefined) return { points, paths, fixed: '' };
  const cut = points.filter((point) => others.every((path) => point.settings[path] === last.settings[path]));
  const step = Math.max(1, (cut.length - 1) / (MAX_CURVES - 1));
  const kept = cut.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step)).slice(0, MAX_CURVES);
  return { points: kept, paths: [first], fixed: labelOf(last, others) };
}

function labelOf(point: Point, paths: readonly string[]): string {
  const settings = paths.flatMap((path) => {
    const value = point.settings[path];
    return value === undefined ? [] : [settingLabel(path, value)];
  });
  return settings.join(', ');
}

function curve(point: Point, label: string, colour: number, { samplesOf }: Quantity): FigureSeries {
  const clusters = samplesOf(point);
  const values = clusters.flat();
  if (values.length === 0) {
    return {
      id: label,
      label: `${label} (failed)`,
      colour,
      points: [{ x: label, y: null, reason: gapReason(point) }],
    };
  }
  const estimates = percentileEstimates(clusters);
  const points = PERCENTS.flatMap((percent): FigurePoint[] => {
    const { value, interval, samples, reason } = estimates[percent];
    // Sequences of one step wait together: as evidence for a tail their gaps count once, as a step.
    if (value === null || !canBoundQuantile(independent(point), percent / 100)) return [];
    const detail = [reason ?? '', pointDetail(point)].join(' ').trim();
    return [{ x: value, y: percent / 100, label: `p${percent}`, n: samples, ...(interval ?? {}), detail }];
  });
  return { id: label, label, colour, points, samples: [{ x: null, values }] };
}

function independent(point: Point): number {
  return decodeStepClusters(point).flat().length;
}

/** The highest percentile with ten steps beyond it, beside the median. */
function tail(point: Point, { paths, fixed }: Cut, { samplesOf }: Quantity): Clause {
  const n = independent(point);
  const label = [labelOf(point, paths), fixed].filter((text) => text !== '').join(', ');
  const best = PERCENTS.findLast((percent) => percent > 50 && n >= minSamplesForTail(percent / 100));
  const estimates = percentileEstimates(samplesOf(point));
  const [middle, high] = [estimates[50], best === undefined ? null : estimates[best]];
  if (!high || middle.value === null || high.value === null) {
    return { label, text: `${n} decode steps are too few for a tail, p90 wants ${minSamplesForTail(0.9)}` };
  }
  const ratio = formatValue(high.value / middle.value, 'ratio');
  const text = `the median is ${estimateWords(middle, 'ms')} and p${best} ${estimateWords(high, 'ms')}, ${ratio} as long, over ${n} decode steps`;
  return { label, text };
}
