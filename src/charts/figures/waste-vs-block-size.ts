/** fig9: bytes that blocks reserve and no token uses, against the size of a KV block. */
import type { LabRun } from '../../core/run/schema.ts';
import type { FigureSpec } from '../figure.ts';
import { formatValue } from '../format.ts';
import { kindSeries, MEMORY_DEFINITION, peakMemory } from './memory.ts';
import { isSwept, PATHS, provenance, slicesAlong, type Slice } from './subject.ts';
import { sentence, type Clause } from './words.ts';

export function wasteVsBlockSize(run: LabRun): FigureSpec | null {
  if (!isSwept(run, PATHS.blockSize)) return null;
  const slices = slicesAlong(run, PATHS.blockSize);
  return {
    id: 'fig9_waste_vs_block_size',
    mark: 'line',
    title: 'Wasted KV memory by block size',
    x: { label: 'Block size', unit: 'tokens', scale: 'log' },
    y: { label: 'Wasted at the peak', unit: 'bytes', scale: 'linear' },
    series: slices.map((slice, colour) => kindSeries(slice, 'wasted', slice.label, colour)),
    definition: MEMORY_DEFINITION,
    finding: sentence(slices.flatMap(shares)),
    ...provenance(run),
  };
}

function shares(slice: Slice): Clause[] {
  const peaks = slice.points.flatMap(({ x, point }) => {
    const peak = peakMemory(point);
    return peak === null
      ? []
      : [{ x, share: formatValue(peak.wasted / Math.max(1, peak.reserved), 'share') }];
  });
  const [first, last] = [peaks[0], peaks.at(-1)];
  if (!first || !last || first === last) return [];
  const text = `blocks of ${first.x} waste ${first.share} of what they reserve, blocks of ${last.x} waste ${last.share} (counted)`;
  return [{ label: slice.label, text }];
}
