/**
 * Bars side by side within each category, from zero, with intervals. A bar's length is its message, and a log axis has
 * no zero to start from: there the same values are drawn as markers.
 */
import type { FigurePoint, FigureSeries } from '../figure.ts';
import { formatNumber } from '../format.ts';
import { marker, round, segment, type Hit, type Mark } from '../marks.ts';
import { textWidth } from '../text.ts';
import { seriesPaint } from '../theme.ts';
import { gapLayer, type Layer, type LayerInput } from './layer.ts';

const MAX_BAR_WIDTH = 56;
const VALUE_SIZE = 10;

interface Slot {
  /** Centre and width of the series' share of a category. */
  readonly centre: number;
  readonly width: number;
}

/** Where a series stands within a category, among the series that have it; shared with strips. */
export function slotOf(
  { spec, x }: LayerInput,
  seriesIndex: number,
  category: number | string,
  maxWidth = MAX_BAR_WIDTH,
): Slot | null {
  const centre = x.at(category);
  if (centre === null) return null;
  const present = [...spec.series.keys()].filter((i) => spec.series[i]?.points.some((p) => p.x === category));
  const count = Math.max(1, present.length);
  const width = Math.min(maxWidth, x.band / count);
  return { centre: centre + (present.indexOf(seriesIndex) - (count - 1) / 2) * width, width };
}

export const barLayer: Layer = (input) => {
  const marks: Mark[] = [];
  const hits: Hit[] = [];
  for (const [seriesIndex, series] of input.spec.series.entries()) {
    for (const [pointIndex, point] of series.points.entries()) {
      const slot = slotOf(input, seriesIndex, point.x);
      const top = point.y === null ? null : input.y.at(point.y);
      if (slot === null || top === null) continue;
      marks.push(...barMarks(input, series, point, slot, top));
      hits.push({ x: slot.centre, y: top, seriesIndex, pointIndex });
    }
  }
  const gaps = gapLayer(input);
  return { marks: [...marks, ...gaps.marks], hits: [...hits, ...gaps.hits] };
};

/** Foot of a label, lifted above the lines that would strike it through. */
function clearOf(lines: readonly number[], foot: number): number {
  const sorted = lines.toSorted((a, b) => b - a);
  return sorted.reduce((at, line) => (line > at - VALUE_SIZE && line < at + 2 ? line - 3 : at), foot);
}

function barMarks(
  input: LayerInput,
  series: FigureSeries,
  point: FigurePoint,
  slot: Slot,
  top: number,
): Mark[] {
  const { y, plot } = input;
  const references = (input.spec.references ?? []).flatMap((reference) => y.at(reference.y) ?? []);
  const paint = seriesPaint(series.colour);
  const { centre } = slot;
  const half = Math.max(2, slot.width / 2 - 1.5);
  const foot = y.kind === 'log' ? plot.bottom : (y.at(0) ?? plot.bottom);
  const marks: Mark[] = [];
  if (y.kind === 'log') {
    marks.push(marker('marker', [centre, top], series.colour, paint, series.dashed === true));
  } else {
    const d = `M${round(centre - half)},${round(foot)}V${round(top)}H${round(centre + half)}V${round(foot)}Z`;
    const hollow = series.dashed === true;
    marks.push({
      kind: 'path',
      role: 'bar',
      d,
      stroke: paint,
      fill: hollow ? 'surface' : paint,
      strokeWidth: 1.25,
    });
  }
  let highest = top;
  if (point.low !== undefined && point.high !== undefined) {
    const high = y.at(point.high) ?? top;
    const d = segment(centre, y.at(point.low) ?? foot, centre, high);
    marks.push({ kind: 'path', role: 'whisker', d, stroke: 'ink', fill: 'none', strokeWidth: 1.25 });
    highest = Math.min(top, high);
  }
  const text = formatNumber((point.y ?? 0) / y.divisor);
  if (textWidth(text, VALUE_SIZE) <= slot.width) {
    const label = {
      x: round(centre),
      y: round(clearOf(references, highest - 5)),
      text,
      anchor: 'middle' as const,
    };
    marks.push({ kind: 'text', role: 'value', ...label, fill: 'muted', size: VALUE_SIZE });
  }
  return marks;
}
