/**
 * A heat map: counts in the cells of a grid, as steps of one colour. Each step is twice the one below it (or more, where
 * the counts reach far), so that a few hot cells do not turn all others white; empty cells stay empty.
 */
import type { FigureSpec } from '../figure.ts';
import { formatNumber } from '../format.ts';
import { round, type Hit, type Mark } from '../marks.ts';
import { seriesPaint } from '../theme.ts';
import type { Layer } from './layer.ts';

export interface HeatStep {
  /** Counts from `from` on, up to the next step. */
  readonly from: number;
  readonly label: string;
  readonly opacity: number;
}

const MAX_STEPS = 6;
const PALEST = 0.16;

/** The steps of a figure's counts, palest first; none where every cell is empty. */
export function heatSteps(spec: FigureSpec): HeatStep[] {
  const most = spec.series.flatMap(({ points }) => points).reduce((high, { z }) => Math.max(high, z ?? 0), 0);
  if (most < 1) return [];
  const doublings = Math.floor(Math.log2(most)) + 1;
  const stride = Math.ceil(doublings / MAX_STEPS);
  const count = Math.ceil(doublings / stride);
  return Array.from({ length: count }, (_, i) => {
    const from = 2 ** (i * stride);
    const to = Math.min(Math.floor(most), 2 ** ((i + 1) * stride) - 1);
    const label = to > from ? `${formatNumber(from)}–${formatNumber(to)}` : formatNumber(from);
    return { from, label, opacity: count === 1 ? 1 : PALEST + ((1 - PALEST) * i) / (count - 1) };
  });
}

export const heatmapLayer: Layer = ({ spec, x, y }) => {
  const { cells } = spec;
  if (!cells) return { marks: [], hits: [] };
  const steps = heatSteps(spec);
  const rectangles = steps.map(() => '');
  const hits: Hit[] = [];
  const xs = cells.xEdges.map((edge) => x.at(edge) ?? 0);
  const ys = cells.yEdges.map((edge) => y.at(edge) ?? 0);
  for (const [seriesIndex, { points }] of spec.series.entries()) {
    for (const [pointIndex, point] of points.entries()) {
      const [column, row] = [placeOf(cells.xEdges, point.x), placeOf(cells.yEdges, point.y)];
      const step = steps.findLastIndex(({ from }) => (point.z ?? 0) >= from);
      const [left, right, low, high] = [xs[column], xs[column + 1], ys[row], ys[row + 1]];
      if (left === undefined || right === undefined || low === undefined || high === undefined) continue;
      hits.push({ x: (left + right) / 2, y: (low + high) / 2, seriesIndex, pointIndex });
      if (step < 0) continue;
      rectangles[step] += `M${round(left)},${round(low)}H${round(right)}V${round(high)}H${round(left)}Z`;
    }
  }
  const marks = steps.flatMap(({ opacity }, step): Mark[] => {
    const d = rectangles[step] ?? '';
    const paint = { stroke: 'none', fill: seriesPaint(0), strokeWidth: 0 } as const;
    return d === '' ? [] : [{ kind: 'path', role: 'cell', d, ...paint, opacity: round(opacity) }];
  });
  return { marks, hits };
};

/** The cell that holds a value; −1 outside. */
function placeOf(edges: readonly number[], value: number | string | null): number {
  if (typeof value !== 'number') return -1;
  const behind = edges.findIndex((edge) => edge > value);
  return behind < 0 ? -1 : behind - 1;
}
