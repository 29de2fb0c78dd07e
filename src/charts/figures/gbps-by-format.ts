/** fig7: how fast decode attention reads the cache in each KV format, and what that is worth in time. */
import { describeMetric } from '../../core/metrics/definitions.ts';
import type { LabRun, Point } from '../../core/run/schema.ts';
import type { FigureSpec } from '../figure.ts';
import { valuesOf } from './samples.ts';
import { sliceSeries } from './series.ts';
import { INTERVAL_MEANING, medianEstimate, medianRatio } from './statistics.ts';
import { isSwept, PATHS, provenance, slicesAlong } from './subject.ts';
import { estimateWords, sentence, type Clause } from './words.ts';

/** The format others are measured against: the first of these that the run has. */
const BASELINES = ['f16', 'f32'];
const MAX_COMPARED = 6;

export function gbpsByFormat(run: LabRun): FigureSpec | null {
  if (!isSwept(run, PATHS.format)) return null;
  const overLength = isSwept(run, PATHS.promptTokens);
  const slices = slicesAlong(run, overLength ? PATHS.promptTokens : PATHS.format);
  return {
    id: 'fig7_gbps_by_format',
    mark: overLength ? 'line' : 'bar',
    title: 'Reading rate of decode attention by KV format',
    x: overLength
      ? { label: 'Prompt length', unit: 'tokens', scale: 'log' }
      : { label: 'KV format', unit: '', scale: 'category' },
    y: { label: 'K and V read', unit: 'GB/s', scale: 'linear' },
    series: slices.map((slice, colour) =>
      sliceSeries(slice, { id: 'gbps', label: '', colour }, (point) =>
        medianEstimate(valuesOf(point, 'kvReadGBps')),
      ),
    ),
    definition: `${describeMetric('kvReadGBps')} Bytes count as stored in the format.`,
    intervalMeaning: INTERVAL_MEANING,
    finding: sentence(formatTimes(run)),
    ...provenance(run),
  };
}

/** Time of a decode step in each format against the baseline, at the longest length that both finished. */
function formatTimes(run: LabRun): Clause[] {
  const slices = slicesAlong(run, PATHS.format).toReversed();
  for (const { label, points } of slices) {
    const measured = points.filter(({ point }) => valuesOf(point, 'decodeStepMs').length > 0);
    const baseline =
      BASELINES.map((name) => measured.find(({ x }) => x === name)).find((p) => p !== undefined) ??
      measured[0];
    const others = measured.filter((entry) => entry !== baseline).slice(0, MAX_COMPARED);
    if (!baseline || others.length === 0) continue;
    const parts = others.flatMap(({ x, point }) => ratioWords(String(x), baseline.point, point));
    return [{ label, text: `a decode step takes, against ${baseline.x}, ${parts.join(', ')}` }];
  }
  return [];
}

function ratioWords(name: string, baseline: Point, point: Point): string[] {
  const ratio = medianRatio(
    'decodeStepMs',
    valuesOf(baseline, 'decodeStepMs'),
    valuesOf(point, 'decodeStepMs'),
  );
  return ratio === null ? [] : [`${estimateWords(ratio, 'ratio')} in ${name}`];
}
