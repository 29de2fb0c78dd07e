/**
 * Lines with markers and vertical intervals; `area` also fills down to the axis, `scatter` draws no lines but those of
 * fits. A gap breaks the line.
 */
import { area, curveLinear, curveStepAfter, line } from 'd3-shape';
import type { FigurePoint, FigureSeries } from '../figure.ts';
import { marker, round, segment, type Hit, type Mark } from '../marks.ts';
import { textWidth } from '../text.ts';
import { DASH, FIT_DASH, seriesPaint } from '../theme.ts';
import { gapLayer, type Layer, type LayerInput } from './layer.ts';

interface Placed {
  readonly point: FigurePoint;
  readonly pointIndex: number;
  readonly x: number;
  /** null: a gap, or a value the axis cannot show. */
  readonly y: number | null;
}

/** A broad line under a normal one of 2 px. */
export const BROAD_WIDTH = 7;
export const BROAD_OPACITY = 0.4;
/** Dashes have round ends, which on a broad line need more room. */
const BROAD_DASH = '8 13';
/** px², so that a marker on top leaves a rim. */
const BROAD_MARKER = 76;

/** Above this many points markers would hide the line; those of a cloud are small. */
const MAX_MARKERS = 40;
const SMALL_MARKER = 14;

export const lineLayer: Layer = (input) => {
  const marks: Mark[] = [];
  const hits: Hit[] = [];
  for (const [seriesIndex, series] of input.spec.series.entries()) {
    const placed = place(series, input);
    const scattered = input.spec.mark === 'scatter' && series.role !== 'fit';
    if (!scattered) marks.push(...curveMarks(series, placed, input));
    if (series.role === 'fit') continue;
    marks.push(...placed.flatMap((p) => whisker(series, p, input)));
    for (const { x, y, pointIndex } of placed) {
      if (y === null) continue;
      if (scattered || placed.length <= MAX_MARKERS) {
        const [paint, hollow] = [seriesPaint(series.colour), series.dashed === true];
        const small = placed.length > MAX_MARKERS ? SMALL_MARKER : undefined;
        marks.push(
          marker('marker', [x, y], series.colour, paint, hollow, series.broad ? BROAD_MARKER : small),
        );
      }
      hits.push({ x, y, seriesIndex, pointIndex });
    }
  }
  if (input.spec.named === true) marks.push(...nameMarks(input, hits));
  const gaps = gapLayer(input);
  return { marks: [...marks, ...gaps.marks], hits: [...hits, ...gaps.hits] };
};

const NAME_SIZE = 10;

/** Each point's name to its right, or left where the plot ends; none that would lie on another name. */
function nameMarks({ spec, plot }: LayerInput, hits: readonly Hit[]): Mark[] {
  const taken: { readonly left: number; readonly right: number; readonly y: number }[] = [];
  return hits.flatMap(({ x, y, seriesIndex, pointIndex }): Mark[] => {
    const text = spec.series[seriesIndex]?.points[pointIndex]?.label ?? '';
    const width = textWidth(text, NAME_SIZE);
    const after = x + 8 + width <= plot.right;
    const left = after ? x + 8 : x - 8 - width;
    const box = { left, right: left + width, y };
    const meets = taken.some(
      (one) => Math.abs(one.y - y) < NAME_SIZE + 2 && one.left < box.right && box.left < one.right,
    );
    if (text === '' || left < plot.left || meets) return [];
    taken.push(box);
    const anchor = after ? ('start' as const) : ('end' as const);
    const at = { x: round(after ? x + 8 : x - 8), y: round(y + NAME_SIZE * 0.36) };
    return [{ kind: 'text', role: 'name', ...at, text, anchor, fill: 'muted', size: NAME_SIZE }];
  });
}

function place(series: FigureSeries, { x, y }: LayerInput): Placed[] {
  return series.points.flatMap((point, pointIndex) => {
    const px = x.at(point.x);
    if (px === null) return [];
    return [{ point, pointIndex, x: px, y: point.y === null ? null : y.at(point.y) }];
  });
}

function curveMarks(series: FigureSeries, placed: readonly Placed[], { spec, plot }: LayerInput): Mark[] {
  const paint = seriesPaint(series.colour);
  const fit = series.role === 'fit';
  const shape = series.step === true ? curveStepAfter : curveLinear;
  const curve = line<Placed>(
    (p) => p.x,
    (p) => p.y ?? 0,
  )
    .defined((p) => p.y !== null)
    .curve(shape);
  const marks: Mark[] = [];
  if (spec.mark === 'area' && !fit) {
    const filled = area<Placed>(
      (p) => p.x,
      plot.bottom,
      (p) => p.y ?? 0,
    )
      .defined((p) => p.y !== null)
      .curve(shape);
    const d = filled.digits(2)(placed);
    if (d)
      marks.push({
        kind: 'path',
        role: 'area',
        d,
        stroke: 'none',
        fill: paint,
        strokeWidth: 0,
        opacity: 0.16,
      });
  }
  const d = curve.digits(2)(placed);
  if (d) {
    marks.push({
      kind: 'path',
      role: fit ? 'fit' : 'line',
      d,
      stroke: paint,
      fill: 'none',
      strokeWidth: fit ? 1.5 : series.broad ? BROAD_WIDTH : 2,
      ...(series.broad ? { opacity: BROAD_OPACITY } : {}),
      ...(fit ? { dash: FIT_DASH } : series.dashed ? { dash: series.broad ? BROAD_DASH : DASH } : {}),
    });
  }
  return marks;
}

function whisker(series: FigureSeries, { point, x }: Placed, { y, plot }: LayerInput): Mark[] {
  if (point.y === null || point.low === undefined || point.high === undefined) return [];
  // A log axis has no zero: an interval that reaches it ends at the plot's foot.
  const low = y.at(point.low) ?? plot.bottom;
  const high = y.at(point.high);
  if (high === null) return [];
  const d = segment(x, Math.min(low, plot.bottom), x, high);
  const stroke = seriesPaint(series.colour);
  return [{ kind: 'path', role: 'whisker', d, stroke, fill: 'none', strokeWidth: 1.5, opacity: 0.65 }];
}
