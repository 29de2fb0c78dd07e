/**
 * Layout: a figure, a width and the wished scales → marks with pixel coordinates and the places where points can be
 * found. Pure: the same in the page, in a worker and in Node. Title, finding and origin are the surface's business.
 */
import { emptyMarks, eventMarks, referenceMarks, TICK_SIZE, uprightMarks } from './annotations.ts';
import {
  logRefusal,
  placeAxis,
  planAxis,
  type AxisPlan,
  type AxisScale,
  type AxisWish,
  type ScaleKind,
} from './axis.ts';
import type { FigureSpec } from './figure.ts';
import { LAYERS } from './layers/index.ts';
import { tailView } from './layers/cdf.ts';
import type { Plot } from './layers/layer.ts';
import { stackTotals } from './layers/stack.ts';
import { waterfallLevels } from './layers/waterfall.ts';
import { layoutLegend } from './legend.ts';
import { round, segment, type Hit, type Mark } from './marks.ts';
import { textWidth, truncateText, wrapText } from './text.ts';

export type NumericScale = 'linear' | 'log';

export interface LayoutOptions {
  /** px of the whole figure. */
  readonly width: number;
  readonly height?: number;
  readonly xScale?: NumericScale;
  readonly yScale?: NumericScale;
}

export interface FigureLayout {
  readonly width: number;
  readonly height: number;
  /** The figure as drawn: a CDF with a log axis shows its tail. */
  readonly spec: FigureSpec;
  readonly marks: readonly Mark[];
  readonly hits: readonly Hit[];
  readonly plot: Plot;
  readonly scales: { readonly x: ScaleKind; readonly y: ScaleKind };
  /** One sentence for each axis whose wished scale is impossible. */
  readonly refusals: { readonly x: string | null; readonly y: string | null };
}

const TITLE_SIZE = 11.5;
const LINE_HEIGHT = 13;
const MARKER_INSET = 12;

export function layoutFigure(original: FigureSpec, options: LayoutOptions): FigureLayout {
  const spec = original.mark === 'cdf' && options.yScale === 'log' ? tailView(original) : original;
  const { width } = options;
  const legend = layoutLegend(spec, 2, 0, width - 4);
  const height = options.height ?? legend.height + plotHeight(width);
  const top = legend.height + 26;

  const yPlan = planY(spec, options, Math.max(3, Math.round((height - top - 50) / 48)));
  const left = Math.ceil(Math.max(24, ...yPlan.ticks.map((t) => textWidth(t.label, TICK_SIZE))) + 10);
  const right = width - 8;
  const xPlan = planX(spec, options, Math.max(2, Math.floor((right - left) / 80)));
  const xLabels = wrapCategories(xPlan, right - left);
  const lines = Math.max(1, ...xLabels.map((label) => label.length));
  const bottom = height - (lines * LINE_HEIGHT + 26);

  const plot: Plot = { left, top, right, bottom };
  const x = placeAxis(
    xPlan,
    [left, right],
    spec.mark === 'cdf' || spec.mark === 'heatmap' ? 0 : MARKER_INSET,
  );
  const y = placeAxis(yPlan, [bottom, top]);
  const layer = LAYERS[spec.mark]({ spec, x, y, plot });
  return {
    width,
    height,
    spec,
    plot,
    marks: [
      ...legend.marks,
      ...yAxisMarks(y, plot, legend.height),
      ...xAxisMarks(x, plot, xLabels, height),
      ...referenceMarks(spec, y, plot),
      ...emptyMarks(spec, plot),
      ...layer.marks,
      ...uprightMarks(spec, x, plot),
      ...eventMarks(spec, x, plot),
    ],
    hits: layer.hits,
    scales: { x: x.kind, y: y.kind },
    refusals: { x: xPlan.refusal, y: yPlan.refusal },
  };
}

/** px of axes and plot together, whatever the legend takes. */
function plotHeight(width: number): number {
  return Math.round(Math.min(380, Math.max(250, width * 0.57)));
}

/** Whether an axis can be switched to log; one sentence if not. */
export function refuseLog(spec: FigureSpec, axis: 'x' | 'y'): string | null {
  if (axis === 'y' && (spec.mark === 'stack' || spec.mark === 'waterfall'))
    return 'Parts of a whole are drawn from zero, which no log axis has.';
  if (spec.mark === 'heatmap') return 'Cells of equal steps are drawn on a linear axis.';
  if (axis === 'x') return logRefusal(spec.x, xValues(spec));
  return spec.mark === 'cdf' ? null : logRefusal(spec.y, yValues(spec, false));
}

function planY(spec: FigureSpec, { yScale }: LayoutOptions, tickCount: number): AxisPlan {
  const wish = { axis: spec.y, wished: yScale, tickCount, ticksAtValues: false };
  if (spec.mark === 'stack') return planAxis({ ...wish, wished: 'linear', values: stackTotals(spec) });
  if (spec.mark === 'waterfall')
    return planAxis({ ...wish, wished: 'linear', values: waterfallLevels(spec) });
  if (spec.cells) return planCells(wish, spec.cells.yEdges, spec.cells.yLabels);
  if (spec.mark !== 'cdf') {
    const log = (yScale ?? spec.y.scale) === 'log';
    return planAxis({ ...wish, values: yValues(spec, !log) });
  }
  if (spec.y.scale !== 'log') return planAxis({ ...wish, values: [0, 1], bounds: [0, 1] });
  const samples = spec.series.flatMap((s) => (s.samples ?? []).map(({ values }) => values.length));
  const shares = spec.series.flatMap((s) => s.points.flatMap((p) => (p.y !== null && p.y > 0 ? [p.y] : [])));
  return planAxis({ ...wish, values: [1, ...samples.map((n) => 1 / Math.max(2, n)), ...shares] });
}

function planX(spec: FigureSpec, { xScale }: LayoutOptions, tickCount: number): AxisPlan {
  const ticksAtValues = spec.mark === 'line' || spec.mark === 'area';
  const tight = spec.mark === 'cdf';
  const wish = { axis: spec.x, wished: xScale, tickCount };
  if (spec.cells) {
    return planCells({ ...wish, ticksAtValues: false }, spec.cells.xEdges, spec.cells.xLabels);
  }
  if (spec.x.tight) return planTight(wish, xValues(spec));
  return planAxis({ ...wish, values: xValues(spec), ticksAtValues, tight });
}

/** From the first value to the last, on whichever scale. */
function planTight(
  wish: Omit<AxisWish, 'values' | 'ticksAtValues'>,
  values: readonly (number | string)[],
): AxisPlan {
  const numbers = extent(values.filter((value) => typeof value === 'number'));
  const [from, to] = [Math.min(0, numbers[0] ?? 0), numbers[1] ?? 1];
  const bounds = [from, to > from ? to : from + 1] as const;
  return planAxis({ ...wish, values, bounds, ticksAtValues: false, tight: true });
}

/** The axis of a grid: from its first edge to its last, its cells named in their middles where they have names. */
function planCells(
  wish: Omit<AxisWish, 'values'>,
  edges: readonly number[],
  labels?: readonly string[],
): AxisPlan {
  const [from, to] = [edges[0] ?? 0, edges.at(-1) ?? 1];
  const bounds = [from, to > from ? to : from + 1] as const;
  const plan = planAxis({ ...wish, wished: 'linear', values: edges, bounds });
  if (labels === undefined) return plan;
  const ticks = labels.map((label, i) => ({ value: ((edges[i] ?? 0) + (edges[i + 1] ?? 0)) / 2, label }));
  // A cell without a name has no tick, which would push its neighbour's label away.
  return { ...plan, ticks: ticks.filter(({ label }) => label !== '') };
}

function xValues(spec: FigureSpec): (number | string)[] {
  if (spec.x.categories) return [...spec.x.categories];
  // The lines of a scatter plot, such as roofs, may reach beyond its points.
  const drawn = spec.series.filter((s) => s.role !== 'fit' || spec.mark === 'scatter');
  const points = drawn.flatMap((s) => s.points);
  if (spec.mark !== 'cdf') return points.map((point) => point.x);
  const samples = spec.series.flatMap((s) => (s.samples ?? []).flatMap(({ values }) => extent(values)));
  // An objective beyond every sample is worth the room: it says how far away it is.
  const uprights = (spec.uprights ?? []).map(({ x }) => x);
  return [...samples, ...uprights, ...points.flatMap((p) => (p.y === null ? [] : [p.x]))];
}

/** `withIntervals`: a linear axis makes room for whole intervals; a log axis may cut one that reaches zero. */
function yValues(spec: FigureSpec, withIntervals: boolean): number[] {
  const values = spec.series.flatMap((series) => [
    ...series.points.flatMap((p) => [
      ...(p.y === null ? [] : [p.y]),
      ...(p.y !== null && p.high !== undefined ? [p.high] : []),
      ...(p.y !== null && p.low !== undefined && (withIntervals || p.low > 0) ? [p.low] : []),
    ]),
    ...(series.samples ?? []).flatMap(({ values: samples }) => extent(samples)),
  ]);
  return [...values, ...(spec.references ?? []).map((reference) => reference.y)];
}

function extent(values: readonly number[]): number[] {
  if (values.length === 0) return [];
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

/** Fewer names are no bins, and each is written. */
const LEAST_BINS = 6;
/** px for the name of a bin that is written: six digits with their comma. */
const BIN_LABEL_WIDTH = 44;

/** Numbers in order, such as the bins of a histogram: where there is no room for all of them, some tell the others. */
function areBins({ kind, categories }: AxisPlan): boolean {
  const numbers = categories.filter((name) => /^[\d.,]+$/.test(name));
  return kind === 'category' && numbers.length >= LEAST_BINS && numbers.length >= categories.length - 1;
}

/** Category names in at most three lines of their band, those of bins of some bands; numeric labels as they are. */
function wrapCategories(plan: AxisPlan, width: number): string[][] {
  if (plan.kind !== 'category') return plan.ticks.map((tick) => [tick.label]);
  const band = width / Math.max(1, plan.categories.length) - 6;
  const room = areBins(plan) ? Math.max(band, BIN_LABEL_WIDTH) : band;
  return plan.ticks.map((tick) => wrapText(tick.label, TICK_SIZE, room, 3));
}

function yAxisMarks(y: AxisScale, plot: Plot, legendHeight: number): Mark[] {
  const marks: Mark[] = [];
  for (const tick of y.ticks) {
    const at = y.at(tick.value);
    if (at === null) continue;
    const base = tick.value === 0;
    marks.push({
      kind: 'path',
      role: base ? 'axis' : 'grid',
      d: segment(plot.left, at, plot.right, at),
      stroke: base ? 'muted' : 'grid',
      fill: 'none',
      strokeWidth: 1,
    });
    marks.push(tickText('y-tick', plot.left - 8, at + TICK_SIZE * 0.36, tick.label, 'end'));
  }
  const title = truncateText(`↑ ${y.title}`, TITLE_SIZE, plot.right - 2);
  const place = { x: 2, y: legendHeight + 11, anchor: 'start' as const };
  marks.push({ kind: 'text', role: 'y-title', ...place, text: title, fill: 'muted', size: TITLE_SIZE });
  return marks;
}

function xAxisMarks(
  x: AxisScale,
  plot: Plot,
  labels: readonly (readonly string[])[],
  height: number,
): Mark[] {
  const marks: Mark[] = [];
  for (const index of visibleTicks(x, labels)) {
    const tick = x.ticks[index];
    const at = tick ? x.at(tick.value) : null;
    if (at === null) continue;
    if (x.kind !== 'category') {
      const d = segment(at, plot.bottom, at, plot.bottom + 4);
      marks.push({ kind: 'path', role: 'axis', d, stroke: 'muted', fill: 'none', strokeWidth: 1 });
    }
    for (const [line, text] of (labels[index] ?? []).entries()) {
      marks.push(tickText('x-tick', at, plot.bottom + 16 + line * LINE_HEIGHT, text, 'middle'));
    }
  }
  const text = truncateText(x.kind === 'category' ? x.title : `${x.title} →`, TITLE_SIZE, plot.right - 2);
  const place = { x: plot.right, y: height - 5, anchor: 'end' as const };
  marks.push({ kind: 'text', role: 'x-title', ...place, text, fill: 'muted', size: TITLE_SIZE });
  return marks;
}

function tickText(role: string, x: number, y: number, text: string, anchor: 'middle' | 'end'): Mark {
  return { kind: 'text', role, x: round(x), y: round(y), text, anchor, fill: 'muted', size: TICK_SIZE };
}

/** Indices of the ticks whose labels do not touch; the last value of a sweep goes before the one beside it. */
function visibleTicks(x: AxisScale, labels: readonly (readonly string[])[]): number[] {
  const all = x.ticks.map((_, index) => index);
  if (x.kind === 'category' && !areBins(x)) return all;
  const half = (index: number) =>
    Math.max(...(labels[index] ?? ['']).map((line) => textWidth(line, TICK_SIZE))) / 2 + 2;
  const at = (index: number) => x.at(x.ticks[index]?.value ?? 0) ?? 0;
  const touches = (a: number, b: number) => Math.abs(at(b) - at(a)) < half(a) + half(b);
  const kept: number[] = [];
  for (const index of all) {
    const last = kept.at(-1);
    if (last === undefined || !touches(last, index)) kept.push(index);
    else if (index === all.length - 1) kept.splice(-1, 1, index);
  }
  return kept;
}
