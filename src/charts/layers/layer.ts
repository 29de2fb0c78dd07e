/** What a layer gets from its parent and gives back. The parent owns the scales; a layer only draws. */
import type { AxisScale } from '../axis.ts';
import type { FigureSpec } from '../figure.ts';
import { gapMark, type Hit, type Mark } from '../marks.ts';
import { seriesPaint } from '../theme.ts';

export interface Plot {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface LayerInput {
  readonly spec: FigureSpec;
  readonly x: AxisScale;
  readonly y: AxisScale;
  readonly plot: Plot;
}

export interface LayerOutput {
  readonly marks: readonly Mark[];
  readonly hits: readonly Hit[];
}

export type Layer = (input: LayerInput) => LayerOutput;

/** px between a gap's cross and the foot of the plot, and between stacked crosses. */
const GAP_FOOT = 9;
const GAP_STEP = 11;

/**
 * Crosses for points without a value, at the foot of the plot. Where every series failed at an x, one neutral cross
 * stands for all.
 */
export function gapLayer({ spec, x, plot }: LayerInput): LayerOutput {
  const marks: Mark[] = [];
  const hits: Hit[] = [];
  const data = spec.series.filter((series) => series.role !== 'fit');
  const stacked = new Map<number | string, number>();
  for (const [seriesIndex, series] of spec.series.entries()) {
    if (series.role === 'fit') continue;
    for (const [pointIndex, point] of series.points.entries()) {
      const at = x.at(point.x);
      if (point.y !== null || at === null) continue;
      const everywhere = data.every((s) => s.points.some((p) => p.x === point.x && p.y === null));
      const level = everywhere ? 0 : (stacked.get(point.x) ?? 0);
      const foot = plot.bottom - GAP_FOOT - level * GAP_STEP;
      const first = !stacked.has(point.x);
      stacked.set(point.x, (stacked.get(point.x) ?? 0) + 1);
      if (first || !everywhere)
        marks.push(gapMark([at, foot], everywhere ? 'muted' : seriesPaint(series.colour)));
      hits.push({ x: at, y: foot, seriesIndex, pointIndex });
    }
  }
  return { marks, hits };
}
