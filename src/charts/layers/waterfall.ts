/**
 * From one amount to another, step by step: bars of series with the role `total` stand on zero and set the level; any
 * other bar hangs from the level (negative) or stands on it, and moves it. A point keeps its own amount for hover and table.
 */
import type { FigurePoint, FigureSpec } from '../figure.ts';
import { formatNumber } from '../format.ts';
import { round, segment, type Hit, type Mark } from '../marks.ts';
import { textWidth } from '../text.ts';
import { seriesPaint } from '../theme.ts';
import { gapLayer, type Layer, type LayerInput } from './layer.ts';

const MAX_BAR_WIDTH = 64;
const VALUE_SIZE = 10;

interface Fall {
  readonly seriesIndex: number;
  readonly pointIndex: number;
  readonly point: FigurePoint;
  /** Levels at its two ends, in the axis' unit. */
  readonly from: number;
  readonly to: number;
}

/** The bars in the order of the axis' names. */
function fallsOf({ series, x }: FigureSpec): Fall[] {
  const all = series.flatMap(({ role, points }, seriesIndex) =>
    points.map((point, pointIndex) => ({ seriesIndex, pointIndex, point, total: role === 'total' })),
  );
  const order = x.categories ?? all.map(({ point }) => String(point.x));
  const sorted = all.toSorted((a, b) => order.indexOf(String(a.point.x)) - order.indexOf(String(b.point.x)));
  let level = 0;
  return sorted.flatMap(({ seriesIndex, pointIndex, point, total }) => {
    if (point.y === null) return [];
    const from = total ? 0 : level;
    level = from + point.y;
    return [{ seriesIndex, pointIndex, point, from, to: level }];
  });
}

/** Every level that a bar reaches: what the y axis has to hold. */
export function waterfallLevels(spec: FigureSpec): number[] {
  return fallsOf(spec).flatMap(({ from, to }) => [from, to]);
}

export const waterfallLayer: Layer = (input) => {
  const marks: Mark[] = [];
  const hits: Hit[] = [];
  const half = Math.min(MAX_BAR_WIDTH, input.x.band) / 2;
  const falls = fallsOf(input.spec);
  for (const [index, fall] of falls.entries()) {
    const centre = input.x.at(fall.point.x);
    const [from, to] = [input.y.at(fall.from), input.y.at(fall.to)];
    if (centre === null || from === null || to === null) continue;
    marks.push(
      barMark(input, fall, centre, half, from, to),
      ...valueMark(input, fall, centre, half, from, to),
    );
    const next = falls[index + 1];
    const after = next === undefined ? null : input.x.at(next.point.x);
    if (after !== null) marks.push(connector(centre + half, after - half, to));
    hits.push({
      x: centre,
      y: Math.min(from, to),
      seriesIndex: fall.seriesIndex,
      pointIndex: fall.pointIndex,
    });
  }
  const gaps = gapLayer(input);
  return { marks: [...marks, ...gaps.marks], hits: [...hits, ...gaps.hits] };
};

function barMark(
  { spec }: LayerInput,
  fall: Fall,
  centre: number,
  half: number,
  from: number,
  to: number,
): Mark {
  const series = spec.series[fall.seriesIndex];
  const paint = seriesPaint(series?.colour ?? 0);
  const d = `M${round(centre - half)},${round(from)}V${round(to)}H${round(centre + half)}V${round(from)}Z`;
  const fill = series?.dashed === true ? 'surface' : paint;
  return { kind: 'path', role: 'bar', d, stroke: paint, fill, strokeWidth: 1.25 };
}

function connector(x1: number, x2: number, y: number): Mark {
  const d = segment(x1, y, x2, y);
  return { kind: 'path', role: 'connector', d, stroke: 'muted', fill: 'none', strokeWidth: 1, dash: '2 2' };
}

function valueMark(
  { y, plot }: LayerInput,
  { point }: Fall,
  centre: number,
  half: number,
  from: number,
  to: number,
): Mark[] {
  const text = formatNumber((point.y ?? 0) / y.divisor);
  if (textWidth(text, VALUE_SIZE) > 2 * half + 6) return [];
  const place = { x: round(centre), y: round(Math.max(plot.top + 2, Math.min(from, to)) - 5) };
  const look = { anchor: 'middle' as const, fill: 'muted' as const, size: VALUE_SIZE };
  return [{ kind: 'text', role: 'value', ...place, text, ...look }];
}
