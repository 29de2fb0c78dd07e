/** fig11: reserved over used bytes, paged against contiguous reservation. */
import type { LabRun } from '../../core/run/schema.ts';
import type { FigurePoint, FigureSpec } from '../figure.ts';
import { formatNumber } from '../format.ts';
import { peakMemory } from './memory.ts';
import {
  gapReason,
  isSwept,
  otherPaths,
  PATHS,
  pointDetail,
  provenance,
  slicesAlong,
  type Slice,
} from './subject.ts';
import { sentence, type Clause } from './words.ts';

const AXIS_LABELS: Readonly<Record<string, string>> = {
  [PATHS.concurrency]: 'Requests in flight',
  [PATHS.promptTokens]: 'Prompt length',
};

export function pagedVsContiguous(run: LabRun): FigureSpec | null {
  if (!isSwept(run, PATHS.layout)) return null;
  const along = otherPaths(run, PATHS.layout).find((path) => path in AXIS_LABELS);
  const slices = slicesAlong(run, along ?? PATHS.layout);
  return {
    id: 'fig11_reserved_over_used',
    mark: along ? 'line' : 'bar',
    title: 'Reserved KV memory over used, paged and contiguous',
    x: along
      ? {
          label: AXIS_LABELS[along] ?? along,
          unit: along === PATHS.promptTokens ? 'tokens' : '',
          scale: 'log',
        }
      : { label: 'Layout', unit: '', scale: 'category' },
    y: { label: 'Reserved ÷ used at the peak', unit: 'ratio', scale: 'linear' },
    references: [{ y: 1, label: '1: nothing wasted' }],
    series: slices.map((slice, colour) => ({
      id: slice.label || 'ratio',
      label: slice.label,
      colour,
      points: slice.points.map(({ x, point }): FigurePoint => {
        const peak = peakMemory(point);
        if (peak === null || peak.used === 0) return { x, y: null, reason: gapReason(point) };
        return { x, y: peak.reserved / peak.used, n: point.repetitions.length, detail: pointDetail(point) };
      }),
    })),
    definition:
      'Reserved ÷ used bytes at the moment of highest use, as sums of our own allocations. Contiguous reserves the ' +
      'longest allowed context for each sequence at its start; paged gives out blocks as tokens arrive.',
    finding: sentence(slicesAlong(run, PATHS.layout).slice(-1).flatMap(layouts)),
    ...provenance(run),
  };
}

/** At the last setting that both layouts finished. */
function layouts(slice: Slice): Clause[] {
  const parts = slice.points.flatMap(({ x, point }) => {
    const peak = peakMemory(point);
    return peak === null || peak.used === 0
      ? []
      : [`${x} reserves ${formatNumber(peak.reserved / peak.used)} ×`];
  });
  if (parts.length === 0) return [];
  return [
    { label: slice.label, text: `${parts.join(' and ')} the bytes that it uses (counted, not estimated)` },
  ];
}
