/** fig8: time of a decode step against the size of a KV block. */
import type { LabRun } from '../../core/run/schema.ts';
import type { FigureSpec } from '../figure.ts';
import { measuredPoints } from './fits.ts';
import { decodeStepMs } from './samples.ts';
import { sliceSeries } from './series.ts';
import { clusterMedian, INTERVAL_MEANING, medianRatio, quantile, repetitionMedians } from './statistics.ts';
import { isSwept, PATHS, provenance, slicesAlong, type Slice } from './subject.ts';
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
      sliceSeries(slice, { id: 'decode', label: '', colour }, (point) => clusterMedian(decodeStepMs(point))),
    ),
    definition: 'Median decode step, submit to done. Attention and KV cache only.',
    intervalMeaning: INTERVAL_MEANING,
    finding: sentence(slices.flatMap(spread)),
    ...provenance(run),
  };
}

function spread(slice: Slice): Clause[] {
  const points = measuredPoints(slice, (point) => repetitionMedians(decodeStepMs(point)))
    .map((point) => ({ ...point, median: quantile(point.values, 0.5) ?? 0 }))
    .sort((a, b) => a.median - b.median);
  const [best, worst] = [points[0], points.at(-1)];
  if (!best || !worst || best === worst) return [];
  const ratio = medianRatio(best.values, worst.values);
  if (ratio === null) return [];
  const words = excludes(ratio, 1)
    ? `block size ${best.x} is fastest; ${worst.x} takes ${estimateWords(ratio, 'ratio')} its time`
    : `block sizes cannot be told apart: the slowest takes ${estimateWords(ratio, 'ratio')} the time of the fastest`;
  return [{ label: slice.label, text: words }];
}
