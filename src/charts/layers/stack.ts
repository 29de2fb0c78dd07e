/**
 * Parts of a whole over x, one on the other from the axis up, in the order of the series. A point keeps its own value
 * for hover and table; where it is drawn is the sum of the parts below it. Each value holds until the next one.
 */
import { area, curveStepAfter } from 'd3-shape';
import type { FigureSpec } from '../figure.ts';
import type { Hit, Mark } from '../marks.ts';
import { seriesPaint } from '../theme.ts';
import { gapLayer, type Layer, type LayerInput } from './layer.ts';

const FILL_OPACITY = 0.62;

interface Slab {
  readonly x: number;
  readonly low: number;
  readonly high: number;
  readonly pointIndex: number;
}

/** Sums of the parts at each x: what the y axis has to hold. Parts without a value count as nothing. */
export function stackTotals({ series }: FigureSpec): number[] {
  const totals = new Map<number | string, number>();
  for (const { x, y } of series.flatMap(({ points }) => points))
    totals.set(x, (totals.get(x) ?? 0) + (y ?? 0));
  return [...totals.values()];
}

export const stackLayer: Layer = (input) => {
  const marks: Mark[] = [];
  const hits: Hit[] = [];
  const below = new Map<number | string, number>();
  for (const [seriesIndex, series] of input.spec.series.entries()) {
    const slabs = slabsOf(input, seriesIndex, below);
    const fill = area<Slab>(
      (slab) => slab.x,
      (slab) => slab.low,
      (slab) => slab.high,
    ).curve(curveStepAfter);
    const d = fill.digits(2)(slabs);
    const paint = seriesPaint(series.colour);
    if (d) {
      const look = { stroke: paint, fill: paint, strokeWidth: 0.5, opacity: FILL_OPACITY };
      marks.push({ kind: 'path', role: 'area', d, ...look });
    }
    for (const { x, high, pointIndex } of slabs) hits.push({ x, y: high, seriesIndex, pointIndex });
  }
  const gaps = gapLayer(input);
  return { marks: [...marks, ...gaps.marks], hits: [...hits, ...gaps.hits] };
};

/** Pixels of one series' part; `below` is raised by its values. */
function slabsOf({ spec, x, y, plot }: LayerInput, seriesIndex: number, below: Map<number | string, number>) {
  return (spec.series[seriesIndex]?.points ?? []).flatMap((point, pointIndex): Slab[] => {
    const px = x.at(point.x);
    if (px === null || point.y === null) return [];
    const foot = below.get(point.x) ?? 0;
    below.set(point.x, foot + point.y);
    const low = foot === 0 ? plot.bottom : (y.at(foot) ?? plot.bottom);
    return [{ x: px, low, high: y.at(foot + point.y) ?? low, pointIndex }];
  });
}
