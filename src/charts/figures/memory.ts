/** Memory along an axis: used, reserved and wasted bytes at the peak; shared by fig1, fig4 and the prefix figure. */
import { describeMetric } from '../../core/metrics/definitions.ts';
import type { Point } from '../../core/run/schema.ts';
import type { FigurePoint, FigureSeries } from '../figure.ts';
import { formatValue } from '../format.ts';
import { observations, slopeOf } from './fits.ts';
import { hasRepetitions } from './samples.ts';
import { gapReason, pointDetail, type Slice } from './subject.ts';
import { sentence } from './words.ts';

export const MEMORY_DEFINITION = (['kvUsed', 'kvReserved', 'kvWasted'] as const)
  .map(describeMetric)
  .join(' ');

export interface PeakMemory {
  readonly used: number;
  readonly reserved: number;
  readonly wasted: number;
}

/** The repetition that used most, in bytes; null when none finished. */
export function peakMemory(point: Point): PeakMemory | null {
  if (!hasRepetitions(point)) return null;
  const memory = point.repetitions.map((repetition) => repetition.peakMemory);
  const most = memory.toSorted((a, b) => b.usedBytes - a.usedBytes)[0];
  if (most === undefined) return null;
  const { usedBytes: used, reservedBytes: reserved } = most;
  return { used, reserved, wasted: reserved - used };
}

type Kind = keyof PeakMemory;
const KINDS: readonly Kind[] = ['reserved', 'used', 'wasted'];
const METRIC_OF = { used: 'kvUsed', reserved: 'kvReserved', wasted: 'kvWasted' } as const;

export function kindSeries(slice: Slice, kind: Kind, label: string, colour: number): FigureSeries {
  const points = slice.points.map(({ x, point }): FigurePoint => {
    const peak = peakMemory(point);
    if (peak === null) return { x, y: null, reason: gapReason(point) };
    return { x, y: peak[kind], n: point.repetitions.length, detail: pointDetail(point) };
  });
  const id = slice.label === '' ? kind : `${kind}:${slice.label}`;
  const broad = kind === 'reserved' ? { broad: true } : {};
  return { id, label, colour, ...broad, definition: describeMetric(METRIC_OF[kind]), points };
}

/** All three kinds for one slice; used and reserved for two to three; used alone beyond, or lines would hide lines. */
export function memorySeries(slices: readonly Slice[]): FigureSeries[] {
  const kinds = slices.length === 1 ? KINDS : slices.length <= 3 ? KINDS.slice(0, 2) : KINDS.slice(1, 2);
  return slices.flatMap((slice, sliceIndex) =>
    kinds.map((kind, kindIndex) => {
      const label = slice.label === '' ? kind : `${kind}, ${slice.label}`;
      return kindSeries(slice, kind, label, sliceIndex * kinds.length + kindIndex);
    }),
  );
}

/** Bytes that one more unit of x adds; memory is counted, not timed, so it has no interval. */
export function bytesPerUnit(slice: Slice, kind: Kind = 'used'): number | null {
  const counted = observations(slice, (point) => {
    const peak = peakMemory(point);
    return peak === null ? [] : [peak[kind]];
  });
  return slopeOf(counted)?.slope ?? null;
}

/** What each further unit of x costs, and how much of the reservation holds nothing at the end. */
export function memoryFinding(slices: readonly Slice[], unit: string): string {
  if (slices.length > 1) return slopesFinding(slices, unit);
  const parts = slices.flatMap((slice) => {
    const slope = bytesPerUnit(slice);
    const last = slice.points.toReversed().find(({ point }) => peakMemory(point) !== null);
    const peak = last ? peakMemory(last.point) : null;
    if (slope === null || !last || !peak) return [];
    const share = formatValue(peak.wasted / Math.max(1, peak.reserved), 'share');
    const text = `counted, not sampled: each further ${unit} uses ${formatValue(slope, 'bytes')} of KV; at ${last.x}, ${share} of the reserved bytes hold nothing`;
    return [{ label: slice.label, text }];
  });
  return sentence(parts);
}

/** Several slices: what a unit costs in each; reserved bytes where any differ from the used ones. */
function slopesFinding(slices: readonly Slice[], unit: string): string {
  const slopes = slices.flatMap((slice) => {
    const [used, reserved] = [bytesPerUnit(slice), bytesPerUnit(slice, 'reserved')];
    return used === null || reserved === null ? [] : [{ used, reserved, label: slice.label }];
  });
  if (slopes.length === 0) return sentence([]);
  const wasteful = slopes.some(({ used, reserved }) => reserved > used * 1.005);
  const costs = slopes.map(({ used, reserved, label }) => {
    const of = wasteful ? ` of ${formatValue(reserved, 'bytes')} reserved` : '';
    return `${formatValue(used, 'bytes')}${of} (${label})`;
  });
  return sentence([
    { label: '', text: `counted, not sampled: each further ${unit} uses ${costs.join(', ')}` },
  ]);
}
