/** From slices of a run to series: one estimate a point, a gap with its reason where there is none. */
import type { Point } from '../../core/run/schema.ts';
import type { FigurePoint, FigureSeries } from '../figure.ts';
import { hasRepetitions } from './samples.ts';
import type { Estimate } from './statistics.ts';
import { gapReason, pointDetail, type Slice } from './subject.ts';

export function estimatePoint(x: number | string, point: Point, estimate: Estimate): FigurePoint {
  const { value, interval, samples: n, reason } = estimate;
  const gap = hasRepetitions(point) ? (reason ?? 'Nothing was measured.') : gapReason(point);
  if (value === null) return { x, y: null, reason: gap };
  if (!Number.isFinite(value)) return { x, y: null, reason: 'The samples give no finite number.' };
  const detail = [reason ?? '', pointDetail(point)].join(' ').trim();
  return { x, y: value, n, ...(interval ?? {}), ...(detail === '' ? {} : { detail }) };
}

export interface SeriesWish {
  readonly id: string;
  /** Name of the quantity, where a figure shows several; '' where the slice's name is enough. */
  readonly label: string;
  readonly colour: number;
}

/** One series a slice; the slice's name joins the quantity's. */
export function sliceSeries(slice: Slice, wish: SeriesWish, of: (point: Point) => Estimate): FigureSeries {
  const label = [wish.label, slice.label].filter((text) => text !== '').join(', ');
  const points = slice.points.map(({ x, point }) => estimatePoint(x, point, of(point)));
  return {
    id: slice.label === '' ? wish.id : `${wish.id}:${slice.label}`,
    label,
    colour: wish.colour,
    points,
  };
}
