/**
 * Distributions: every sample as a faint dot, spread sideways by how many lie at its height (a sina plot), and the
 * series' points (median, p90, p99) as ticks over them, the first one with its interval.
 */
import type { FigurePoint, FigureSeries } from '../figure.ts';
import { marker, round, segment, type Hit, type Mark } from '../marks.ts';
import { seriesPaint } from '../theme.ts';
import { slotOf } from './bar.ts';
import { gapLayer, type Layer, type LayerInput } from './layer.ts';

/** Dots drawn per category and series; beyond it, evenly spaced ranks stand for all, both extremes included. */
export const MAX_DOTS = 400;
const MAX_STRIP_WIDTH = 150;
const DENSITY_BIN_PX = 7;
/** Low-discrepancy sequence: dots of one height spread evenly and the same way in every drawing. */
const GOLDEN = 0.618033988749895;

export const stripLayer: Layer = (input) => {
  const clouds: Mark[] = [];
  const summaries: Mark[] = [];
  const hits: Hit[] = [];
  for (const [seriesIndex, series] of input.spec.series.entries()) {
    for (const { x, values } of series.samples ?? []) {
      const slot = x === null ? null : slotOf(input, seriesIndex, x, MAX_STRIP_WIDTH);
      if (slot) clouds.push(...cloud(input, series, values, slot.centre, slot.width * 0.42));
    }
    const seen = new Set<number | string>();
    for (const [pointIndex, point] of series.points.entries()) {
      const slot = slotOf(input, seriesIndex, point.x, MAX_STRIP_WIDTH);
      const at = point.y === null ? null : input.y.at(point.y);
      if (slot === null || at === null) continue;
      summaries.push(...summary(input, series, point, slot.centre, slot.width, !seen.has(point.x)));
      seen.add(point.x);
      hits.push({ x: slot.centre, y: at, seriesIndex, pointIndex });
    }
  }
  const gaps = gapLayer(input);
  return { marks: [...clouds, ...summaries, ...gaps.marks], hits: [...hits, ...gaps.hits] };
};

function thinned(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length <= MAX_DOTS) return sorted;
  const step = (sorted.length - 1) / (MAX_DOTS - 1);
  return Array.from({ length: MAX_DOTS }, (_, i) => sorted[Math.round(i * step)] ?? 0);
}

function cloud(
  input: LayerInput,
  series: FigureSeries,
  values: readonly number[],
  centre: number,
  half: number,
): Mark[] {
  const heights = thinned(values).flatMap((value) => input.y.at(value) ?? []);
  const bins = new Map<number, number>();
  const binOf = (height: number) => Math.floor(height / DENSITY_BIN_PX);
  for (const height of heights) bins.set(binOf(height), (bins.get(binOf(height)) ?? 0) + 1);
  const densest = Math.max(1, ...bins.values());
  const dots = heights.map((height, i) => {
    const spread = (bins.get(binOf(height)) ?? 0) / densest;
    const side = ((i + 1) * GOLDEN) % 1;
    return `M${round(centre + (side * 2 - 1) * half * Math.sqrt(spread) * (densest > 1 ? 1 : 0))},${round(height)}h0.01`;
  });
  if (dots.length === 0) return [];
  const stroke = seriesPaint(series.colour);
  return [
    { kind: 'path', role: 'cloud', d: dots.join(''), stroke, fill: 'none', strokeWidth: 3.2, opacity: 0.34 },
  ];
}

function summary(
  { y, plot }: LayerInput,
  series: FigureSeries,
  point: FigurePoint,
  centre: number,
  width: number,
  main: boolean,
): Mark[] {
  const at = y.at(point.y ?? 0) ?? plot.bottom;
  const half = width * (main ? 0.42 : 0.2);
  const paint = main ? 'ink' : seriesPaint(series.colour);
  const marks: Mark[] = [];
  if (main && point.low !== undefined && point.high !== undefined) {
    const [low, high] = [y.at(point.low) ?? plot.bottom, y.at(point.high) ?? at];
    const d = `M${round(centre - half)},${round(low)}V${round(high)}H${round(centre + half)}V${round(low)}Z`;
    marks.push({ kind: 'path', role: 'band', d, stroke: 'none', fill: 'ink', strokeWidth: 0, opacity: 0.16 });
  }
  marks.push({
    kind: 'path',
    role: main ? 'median' : 'quantile',
    d: segment(centre - half, at, centre + half, at),
    stroke: paint,
    fill: 'none',
    strokeWidth: main ? 2.25 : 1.75,
  });
  if (main)
    marks.push(
      marker('marker', [centre, at], series.colour, seriesPaint(series.colour), series.dashed === true, 52),
    );
  return marks;
}
