/** Memory along an axis: used, reserved and wasted bytes at the peak; shared by fig1, fig4 and the prefix figure. */
import type { LabRun, Point } from '../../core/run/schema.ts';
import type { FigurePoint, FigureSeries } from '../figure.ts';
import { formatValue } from '../format.ts';
import { gapReason, pointDetail, slicesAlong } from './subject.ts';

export const MEMORY_DEFINITION =
  'Sums of our own allocations at the moment of highest use, largest over repetitions: used bytes hold a token’s K or V, ' +
  'reserved bytes are the blocks given to sequences, wasted = reserved − used.';

const KINDS = [
  { id: 'reserved', label: 'reserved', of: (p: Point) => peak(p)?.reserved },
  { id: 'used', label: 'used', of: (p: Point) => peak(p)?.used },
  { id: 'wasted', label: 'wasted', of: (p: Point) => peak(p)?.wasted },
] as const;

/** The repetition that used most, in bytes; null when none finished. */
export function peak(point: Point): { used: number; reserved: number; wasted: number } | null {
  const memory = point.repetitions.map((repetition) => repetition.peakMemory);
  const most = memory.toSorted((a, b) => b.usedBytes - a.usedBytes)[0];
  if (most === undefined) return null;
  const { usedBytes: used, reservedBytes: reserved } = most;
  return { used, reserved, wasted: reserved - used };
}

export function memorySeries(run: LabRun, path: string): FigureSeries[] {
  return slicesAlong(run, path).flatMap((slice, sliceIndex) =>
    KINDS.map((kind, kindIndex) => ({
      id: `${kind.id}${slice.label && `:${slice.label}`}`,
      label: slice.label === '' ? kind.label : `${kind.label}, ${slice.label}`,
      colour: sliceIndex * KINDS.length + kindIndex,
      points: slice.points.map(({ x, point }): FigurePoint => {
        const y = kind.of(point);
        if (y === undefined) return { x, y: null, reason: gapReason(point) };
        return { x, y, n: point.repetitions.length, detail: pointDetail(point) };
      }),
    })),
  );
}

/** What each further unit of x costs, and how much of the reservation is wasted at the end. */
export function memoryFinding(series: readonly FigureSeries[], unit: string): string {
  const at = (id: string) => series.find((s) => s.id.startsWith(id))?.points.flatMap(known) ?? [];
  const used = at('used');
  const [first, last] = [used[0], used.at(-1)];
  if (!first || !last || first.x === last.x) return 'Too few finished points for a slope.';
  const slope = (last.y - first.y) / (last.x - first.x);
  const wasted = at('wasted').at(-1)?.y ?? 0;
  const share = wasted / Math.max(1, wasted + last.y);
  return `Each further ${unit} uses ${formatValue(slope, 'bytes')} of KV; at the last point ${formatValue(share, 'share')} of the reserved bytes hold nothing.`;
}

function known({ x, y }: FigurePoint): { x: number; y: number }[] {
  return typeof x === 'number' && y !== null ? [{ x, y }] : [];
}
