/**
 * Cumulative distributions: a step for every sample, markers at the named quantiles with their interval along x. With
 * a log y axis the figure shows the tail instead: the share of samples slower than x, where p99 and p99.9 have room.
 */
import type { FigureSeries, FigureSpec } from '../figure.ts';
import { marker, round, segment, type Hit, type Mark } from '../marks.ts';
import { DASH, seriesPaint } from '../theme.ts';
import { gapLayer, type Layer, type LayerInput } from './layer.ts';

/** Steps nearer than this many px are drawn as one. */
const STEP_PX = 0.75;

/** The same figure with shares turned round: what is still to come above x. Ends at 1/n, since 0 has no logarithm. */
export function tailView(spec: FigureSpec): FigureSpec {
  const turned = spec.series.map((series) => ({
    ...series,
    points: series.points.map((point) => (point.y === null ? point : { ...point, y: 1 - point.y })),
  }));
  return { ...spec, series: turned, y: { ...spec.y, label: `Share slower than x`, scale: 'log' } };
}

export const cdfLayer: Layer = (input) => {
  const marks: Mark[] = [];
  const hits: Hit[] = [];
  for (const series of input.spec.series) marks.push(...curve(input, series));
  for (const [seriesIndex, series] of input.spec.series.entries()) {
    const paint = seriesPaint(series.colour);
    for (const [pointIndex, point] of series.points.entries()) {
      const x = input.x.at(point.x);
      const y = point.y === null ? null : input.y.at(point.y);
      if (x === null || y === null) continue;
      if (point.low !== undefined && point.high !== undefined) {
        const d = segment(input.x.at(point.low) ?? input.plot.left, y, input.x.at(point.high) ?? x, y);
        marks.push({
          kind: 'path',
          role: 'whisker',
          d,
          stroke: paint,
          fill: 'none',
          strokeWidth: 1.5,
          opacity: 0.65,
        });
      }
      marks.push(marker('marker', [x, y], series.colour, paint, series.dashed === true, 34));
      hits.push({ x, y, seriesIndex, pointIndex });
    }
  }
  const gaps = gapLayer(input);
  return { marks: [...marks, ...gaps.marks], hits: [...hits, ...gaps.hits] };
};

function curve({ x, y, plot }: LayerInput, series: FigureSeries): Mark[] {
  const tail = y.kind === 'log';
  return (series.samples ?? []).flatMap(({ values }): Mark[] => {
    const sorted = [...values].sort((a, b) => a - b);
    const share = (count: number) => (tail ? 1 - count / sorted.length : count / sorted.length);
    let d = '';
    let last = -Infinity;
    for (const [i, value] of sorted.entries()) {
      const px = x.at(value);
      const py = y.at(share(i + 1));
      const end = i === sorted.length - 1;
      if (px === null || (px - last < STEP_PX && !end)) continue;
      const before = y.at(share(i)) ?? plot.bottom;
      d += d === '' ? `M${round(px)},${round(before)}` : `H${round(px)}`;
      if (py !== null) d += `V${round(py)}`;
      last = px;
    }
    if (d === '') return [];
    const dash = series.dashed ? { dash: DASH } : {};
    return [
      {
        kind: 'path',
        role: 'line',
        d,
        stroke: seriesPaint(series.colour),
        fill: 'none',
        strokeWidth: 1.75,
        ...dash,
      },
    ];
  });
}
