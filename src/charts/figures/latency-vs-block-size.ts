/** fig8: time of a decode step against the size of a KV block. */
import { describeMetric } from '../../core/metrics/definitions.ts';
import { median } from '../../core/metrics/percentiles.ts';
import type { LabRun } from '../../core/run/schema.ts';
import type { FigureSpec } from '../figure.ts';
import { valuesOf } from './samples.ts';
import { sliceSeries } from './series.ts';
import { INTERVAL_MEANING, medianEstimate, medianRatio } from './statistics.ts';
import { isSwept, PATHS, provenance, SCOPE, slicesAlong, type Slice } from './subject.ts';
import { estimateWords, excludes, sentence, type Clause } from './words.ts';

export function latencyVsBlockSize(run: LabRun): FigureSpec | null {
  if (!isSwept(run, PATHS.blockSize)) return null;
  const slices = slicesAlong(run, PATHS.blockSize);
  return {
    id: 'fig8_latency_vs_block_size',
    mark: 'line',
    title: 'Decode step by block size',
    x: { label: 'Block size', unit: 'tokens', scale: 'log' },
    y: { label: 'Decode step', unit: 'ms', scale: 'linear' },
    series: slices.map((slice, colour) =>
      sliceSeries(slice, { id: 'decode', label: '', colour }, (point) =>
        medianEstimate(valuesOf(point, 'decodeStepMs')),
      ),
    ),
    definition: `${describeMetric('decodeStepMs')} ${SCOPE}`,
    intervalMeaning: INTERVAL_MEANING,
    finding: sentence(slices.flatMap(spread)),
    ...provenance(run),
  };
}

/** A difference below this share is said to matter little, even where it is certain. */
const SMALL = 0.02;

function spread(slice: Slice): Clause[] {
  const points = slice.points
    .map(({ x, point }) => ({ x, values: valuesOf(point, 'decodeStepMs') }))
    .filter(({ values }) => values.length > 0)
    .map(({ x, values }) => ({ x, values, middle: median(values) }))
    .sort((a, b) => a.middle - b.middle);
  const [best, worst] = [points[0], points.at(-1)];
  if (!best || !worst || best === worst) return [];
  const ratio = medianRatio('decodeStepMs', best.values, worst.values);
  if (ratio === null) return [];
  const apart = `the slowest, ${worst.x}, takes ${estimateWords(ratio, 'ratio')} the time of the fastest, ${best.x}`;
  const small = ratio.interval !== null && ratio.interval.high < 1 + SMALL;
  const verdict = !excludes(ratio, 1)
    ? 'block sizes cannot be told apart: '
    : small
      ? 'block size matters little: '
      : '';
  return [{ label: slice.label, text: `${verdict}${apart}` }];
}
