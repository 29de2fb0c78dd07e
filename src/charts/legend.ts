/** The legend: one row (or more, when the width asks for it) of samples with names, above the plot. */
import type { FigureSeries, FigureSpec } from './figure.ts';
import { marker, segment, type Mark } from './marks.ts';
import { heatSteps } from './layers/heatmap.ts';
import { BROAD_OPACITY, BROAD_WIDTH } from './layers/line.ts';
import { textWidth, truncateText } from './text.ts';
import { DASH, FIT_DASH, seriesPaint } from './theme.ts';

const SIZE = 11.5;
const ROW_HEIGHT = 18;
const SAMPLE_WIDTH = 20;
const ITEM_GAP = 16;

export interface Legend {
  readonly marks: readonly Mark[];
  readonly height: number;
}

/** Lays the legend out from (left, top) within `width` px. One series without a name needs none. */
export function layoutLegend(spec: FigureSpec, left: number, top: number, width: number): Legend {
  if (spec.cells) return layoutSteps(spec, spec.cells.label, left, top, width);
  const named = spec.series.filter((series) => series.label !== '');
  if (named.length === 0) return { marks: [], height: 0 };
  const marks: Mark[] = [];
  let x = left;
  let row = 0;
  for (const series of named) {
    const text = truncateText(series.label, SIZE, width - SAMPLE_WIDTH);
    const itemWidth = SAMPLE_WIDTH + textWidth(text, SIZE);
    if (x > left && x + itemWidth > left + width) {
      x = left;
      row++;
    }
    const middle = top + row * ROW_HEIGHT + ROW_HEIGHT / 2;
    marks.push(...sample(spec, series, x, middle));
    const place = { x: x + SAMPLE_WIDTH, y: middle + SIZE * 0.36, anchor: 'start' as const };
    marks.push({ kind: 'text', role: 'legend', ...place, text, fill: 'ink', size: SIZE });
    x += itemWidth + ITEM_GAP;
  }
  return { marks, height: (row + 1) * ROW_HEIGHT + 4 };
}

/** The colours of a heat map, palest first, in as many rows as the width asks for. */
function layoutSteps(spec: FigureSpec, label: string, left: number, top: number, width: number): Legend {
  const marks: Mark[] = [];
  let x = left;
  let row = 0;
  const write = (text: string, swatch: ((x: number, middle: number) => Mark) | null): void => {
    const own = swatch === null ? 0 : SAMPLE_WIDTH - 5;
    const itemWidth = own + textWidth(text, SIZE);
    if (x > left && x + itemWidth > left + width) {
      x = left;
      row++;
    }
    const middle = top + row * ROW_HEIGHT + ROW_HEIGHT / 2;
    if (swatch !== null) marks.push(swatch(x, middle));
    const place = { x: x + own, y: middle + SIZE * 0.36, anchor: 'start' as const };
    marks.push({ kind: 'text', role: 'legend', ...place, text, fill: 'ink', size: SIZE });
    x += itemWidth + ITEM_GAP;
  };
  write(truncateText(label, SIZE, width), null);
  for (const { label: text, opacity } of heatSteps(spec)) {
    const paint = { stroke: 'none', fill: seriesPaint(0), strokeWidth: 0 } as const;
    write(text, (at, middle) => {
      return { kind: 'path', role: 'legend', d: `M${at},${middle - 5}h10v10h-10Z`, ...paint, opacity };
    });
  }
  const struck = spec.cells?.struck;
  if (struck !== undefined) {
    const paint = { stroke: 'ink', fill: 'none', strokeWidth: 1 } as const;
    write(struck, (at, middle) => {
      return { kind: 'path', role: 'legend', d: segment(at, middle + 5, at + 10, middle - 5), ...paint };
    });
  }
  return { marks, height: (row + 1) * ROW_HEIGHT + 4 };
}

function sample(spec: FigureSpec, series: FigureSeries, x: number, y: number): Mark[] {
  const paint = seriesPaint(series.colour);
  const hollow = series.dashed === true;
  if (spec.mark === 'bar' || spec.mark === 'stack' || spec.mark === 'waterfall') {
    const d = `M${x + 2},${y - 5}h10v10h-10Z`;
    const fill = hollow ? 'surface' : paint;
    return [{ kind: 'path', role: 'legend', d, stroke: paint, fill, strokeWidth: 1.25 }];
  }
  const fit = series.role === 'fit';
  const dash = fit ? { dash: FIT_DASH } : hollow ? { dash: DASH } : {};
  const stroke: Mark = {
    kind: 'path',
    role: 'legend',
    d: segment(x, y, x + 14, y),
    stroke: paint,
    fill: 'none',
    strokeWidth: series.broad ? BROAD_WIDTH : 1.75,
    ...(series.broad ? { opacity: BROAD_OPACITY } : {}),
    ...(series.broad ? {} : dash),
  };
  return fit ? [stroke] : [stroke, marker('legend', [x + 7, y], series.colour, paint, hollow, 30)];
}
