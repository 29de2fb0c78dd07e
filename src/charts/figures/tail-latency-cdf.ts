/** fig6: the whole distribution of the time between tokens; with a log y axis, its tail. */
import type { LabRun, Point } from '../../core/run/schema.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../figure.ts';
import { formatNumber } from '../format.ts';
import { quantileWarning, samplesWanted, TAIL_QUANTILES } from './quantiles.ts';
import { decodeStepMs } from './samples.ts';
import { clusterQuantiles } from './statistics.ts';
import { gapReason, pointDetail, provenance, settingLabel } from './subject.ts';
import { estimateWords, sentence, type Clause } from './words.ts';

/** More curves than this cannot be told apart. */
const MAX_CURVES = 8;

export function tailLatencyCdf(run: LabRun): FigureSpec | null {
  const points = curvesOf(run);
  if (points.every((point) => decodeStepMs(point).flat().length === 0)) return null;
  const left = run.points.length - points.length;
  return {
    id: 'fig6_tail_latency_cdf',
    mark: 'cdf',
    title: 'Time between tokens: the whole distribution',
    x: { label: 'Time between tokens', unit: 'ms', scale: 'log' },
    y: { label: 'Share of decode steps that took at most x', unit: 'share', scale: 'linear' },
    series: points.map(curve),
    definition:
      'Submit to done of every decode step of every kept repetition: the gap that a sequence sees between two tokens. ' +
      `Markers: p50, p90, p95, p99 and p99.9, as far as the samples reach.${left > 0 ? ` ${left} points of the run are not drawn.` : ''}`,
    intervalMeaning: '95 % bootstrap interval of the quantile, repetitions drawn again',
    finding: sentence(points.slice(-1).flatMap(tail)),
    ...provenance(run),
  };
}

/** All points of a short sweep; of a longer one the first axis, with the other axes at their last value. */
function curvesOf(run: LabRun): Point[] {
  const points = run.points.filter((point) => point.status !== 'skipped');
  const last = points.at(-1);
  const [first, ...others] = run.scenario.sweep.map((axis) => axis.path);
  if (points.length <= MAX_CURVES || !last || first === undefined) return points;
  const cut = points.filter((point) => others.every((path) => point.settings[path] === last.settings[path]));
  const step = Math.max(1, (cut.length - 1) / (MAX_CURVES - 1));
  return cut.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step)).slice(0, MAX_CURVES);
}

function labelOf(point: Point): string {
  const settings = Object.entries(point.settings).map(([path, value]) => settingLabel(path, value));
  return settings.join(', ') || 'all steps';
}

function curve(point: Point, colour: number): FigureSeries {
  const clusters = decodeStepMs(point);
  const values = clusters.flat();
  const label = labelOf(point);
  const drawn = TAIL_QUANTILES.filter(({ p }) => values.length >= 1 / (1 - p));
  const ps = drawn.map(({ p }) => p);
  const points = clusterQuantiles(clusters, ps).flatMap((at, i): FigurePoint[] => {
    const { p, label: name } = drawn[i] ?? { p: 1, label: '' };
    if (at === null) return [];
    const interval = at.low === null || at.high === null ? {} : { low: at.low, high: at.high };
    const detail = [quantileWarning(values.length, p) ?? '', pointDetail(point)].join(' ').trim();
    return [{ x: at.value, y: p, label: name, n: at.n, ...interval, detail }];
  });
  if (values.length === 0)
    return { id: label, label: `${label} (no samples: ${gapReason(point)})`, colour, points: [] };
  return { id: label, label, colour, points, samples: [{ x: null, values }] };
}

/** How far the highest trustworthy quantile lies above the median. */
function tail(point: Point): Clause[] {
  const clusters = decodeStepMs(point);
  const values = clusters.flat();
  const best = TAIL_QUANTILES.findLast(({ p }) => p > 0.5 && values.length >= samplesWanted(p));
  if (!best) {
    const text = `${values.length} decode steps are too few for a tail: p90 wants ${samplesWanted(0.9)}`;
    return [{ label: labelOf(point), text }];
  }
  const [middle, high] = clusterQuantiles(clusters, [0.5, best.p]);
  if (!middle || !high || middle.value === 0) return [];
  const ratio = formatNumber(high.value / middle.value);
  const text = `the median is ${estimateWords(middle, 'ms')} and ${best.label} ${estimateWords(high, 'ms')}, ${ratio} × as long, over ${values.length} decode steps`;
  return [{ label: labelOf(point), text }];
}
