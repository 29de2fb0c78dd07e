/**
 * A heat map: values in the cells of a grid, as steps of one colour. Counts: each step is twice the one below it (or more,
 * where they reach far), so that a few hot cells do not turn all others white; empty cells stay empty. Other values: equal
 * steps. Struck-out cells carry a stroke from corner to corner.
 */
import type { FigureSpec } from '../figure.ts';
import { formatNumber, formatValue } from '../format.ts';
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

const EVEN_STEPS = 5;

/** Equal steps from 0 to the most; values at the very top belong to the last. */
function evenSteps(most: number, unit: string): HeatStep[] {
  if (!(most > 0)) return [];
  return Array.from({ length: EVEN_STEPS }, (_, i) => {
    const [from, to] = [(most * i) / EVEN_STEPS, (most * (i + 1)) / EVEN_STEPS];
    const label = `${formatValue(from, unit)}–${formatValue(to, unit)}`;
    return { from, label, opacity: PALEST + ((1 - PALEST) * i) / (EVEN_STEPS - 1) };
  });
}

/** The steps of a figure's cells, palest first; none where every cell is empty. */
export function heatSteps(spec: FigureSpec): HeatStep[] {
  const most = spec.series.flatMap(({ points }) => points).reduce((high, { z }) => Math.max(high, z ?? 0), 0);
  if (spec.cells?.steps === 'even') return evenSteps(spec.cells.most ?? most, spec.cells.unit);
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
  let strokes = '';
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
      if (point.struck) strokes += `M${round(left)},${round(low)}L${round(right)},${round(high)}`;
      if (step < 0 || point.z === undefined) continue;
      rectangles[step] += `M${round(left)},${round(low)}H${round(right)}V${round(high)}H${round(left)}Z`;
    }
  }
  const marks = steps.flatMap(({ opacity }, step): Mark[] => {
    const d = rectangles[step] ?? '';
    const paint = { stroke: 'none', fill: seriesPaint(0), strokeWidth: 0 } as const;
    return d === '' ? [] : [{ kind: 'path', role: 'cell', d, ...paint, opacity: round(opacity) }];
  });
  if (strokes !== '') {
    const paint = { stroke: 'ink', fill: 'none', strokeWidth: 1 } as const;
    marks.push({ kind: 'path', role: 'struck', d: strokes, ...paint });
  }
  return { marks, hits };
};

/** The cell that holds a value; −1 outside. */
function placeOf(edges: readonly number[], value: number | string | null): number {
  if (typeof value !== 'number') return -1;
  const behind = edges.findIndex((edge) => edge > value);
  return behind < 0 ? -1 : behind - 1;
}
