/** fig12 and fig13: what each eviction policy costs in time and saves in bytes, over its budget. */
import { describeMetric } from '../../core/metrics/definitions.ts';
import type { LabRun, Point } from '../../core/run/schema.ts';
import type { FigureAxis, FigurePoint, FigureSpec } from '../figure.ts';
import { formatValue } from '../format.ts';
import { peakMemory } from './memory.ts';
import { stepMsWithEviction } from './samples.ts';
import { sliceSeries } from './series.ts';
import { fitted, INTERVAL_MEANING, medianEstimate, medianRatio, type Estimate } from './statistics.ts';
import {
  gapReason,
  isSwept,
  PATHS,
  pointDetail,
  provenance,
  SCOPE,
  slicesAlong,
  type Slice,
} from './subject.ts';
import { estimateWords, sentence, type Clause } from './words.ts';

const NO_POLICY = 'none';

interface Cut {
  readonly mark: 'line' | 'bar';
  readonly x: FigureAxis;
  readonly slices: readonly Slice[];
}

function cut(run: LabRun): Cut | null {
  if (!isSwept(run, PATHS.policy)) return null;
  if (!isSwept(run, PATHS.budget)) {
    const x: FigureAxis = { label: 'Eviction policy', unit: '', scale: 'category' };
    return { mark: 'bar', x, slices: slicesAlong(run, PATHS.policy) };
  }
  const x: FigureAxis = { label: 'Budget of a sequence', unit: 'tokens', scale: 'log' };
  return { mark: 'line', x, slices: slicesAlong(run, PATHS.budget) };
}

export function evictionTime(run: LabRun): FigureSpec | null {
  const found = cut(run);
  if (!found) return null;
  const { mark, x, slices } = found;
  return {
    id: 'fig12_time_by_eviction',
    mark,
    title: 'Decode step under eviction, by policy and budget',
    x,
    y: { label: 'Decode step with eviction', unit: 'ms', scale: 'linear' },
    series: slices.map((slice, colour) =>
      sliceSeries(slice, { id: 'step', label: '', colour }, (p) => medianEstimate(stepMsWithEviction(p))),
    ),
    definition:
      `For each repetition, decode and eviction steps together over the number of decode steps. ${SCOPE} ` +
      'Time only: what eviction costs in quality is not measured here.',
    intervalMeaning: INTERVAL_MEANING,
    finding: sentence(againstNone(run, TIME)),
    ...provenance(run),
  };
}

export function evictionBytes(run: LabRun): FigureSpec | null {
  const found = cut(run);
  if (!found) return null;
  const { mark, x, slices } = found;
  return {
    id: 'fig13_bytes_by_eviction',
    mark,
    title: 'KV memory under eviction, by policy and budget',
    x,
    y: { label: 'Used at the peak', unit: 'bytes', scale: 'linear' },
    series: slices.map((slice, colour) => ({
      id: slice.label || 'used',
      label: slice.label,
      colour,
      points: slice.points.map(({ x: at, point }): FigurePoint => {
        const peak = peakMemory(point);
        if (peak === null) return { x: at, y: null, reason: gapReason(point) };
        return { x: at, y: peak.used, n: point.repetitions.length, detail: pointDetail(point) };
      }),
    })),
    definition: describeMetric('kvUsed'),
    finding: sentence(againstNone(run, BYTES)),
    ...provenance(run),
  };
}

/** The least and the most against `none`, at the smallest budget, where eviction has most to do. */
function againstNone(run: LabRun, { what, ratioOf, wordsOf }: Comparison): Clause[] {
  const slice = slicesAlong(run, PATHS.policy)[0];
  const none = slice?.points.find(({ x }) => x === NO_POLICY)?.point;
  if (!slice || !none) return [];
  const compared = slice.points
    .flatMap(({ x, point }) => {
      const ratio = x === NO_POLICY ? null : ratioOf(none, point);
      return ratio === null ? [] : [{ x, ratio }];
    })
    .sort((a, b) => (a.ratio.value ?? 0) - (b.ratio.value ?? 0));
  const [least, most] = [compared[0], compared.at(-1)];
  if (!least || !most) return [];
  const words = ({ x, ratio }: typeof least) => `${wordsOf(ratio)} with ${x}`;
  const range = least === most ? words(least) : `from ${words(least)} to ${words(most)}`;
  return [{ label: slice.label, text: `${what} ${range}` }];
}

interface Comparison {
  readonly what: string;
  readonly ratioOf: (none: Point, point: Point) => Estimate | null;
  readonly wordsOf: (ratio: Estimate) => string;
}

const TIME: Comparison = {
  what: 'against no eviction, a decode step takes',
  ratioOf: (none, point) => medianRatio('decodeStepMs', stepMsWithEviction(none), stepMsWithEviction(point)),
  wordsOf: (ratio) => estimateWords(ratio, 'ratio'),
};

const BYTES: Comparison = {
  what: 'counted, not sampled: the cache keeps, of the bytes without eviction,',
  ratioOf: (none, point) => {
    const [base, mine] = [peakMemory(none)?.used, peakMemory(point)?.used];
    return base && mine !== undefined ? fitted(mine / base, null, 1) : null;
  },
  wordsOf: (ratio) => formatValue(ratio.value ?? 0, 'share'),
};
