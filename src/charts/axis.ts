/**
 * Axes: from an axis' spec and its values to a scale with ticks. Planned first (domain, ticks and their labels, so that
 * margins can be known), then placed on a range of pixels.
 *
 * A linear axis starts at zero: all that is drawn here are amounts. A log axis with values of zero or less is refused
 * in words and drawn linear.
 */
import { scaleBand, scaleLinear, scaleLog } from 'd3-scale';
import type { FigureAxis } from './figure.ts';
import { displayUnit, formatNumber, formatValue } from './format.ts';
import { ceilNice, floorNice, linearTicks, logTicks } from './ticks.ts';

export type ScaleKind = FigureAxis['scale'];

export interface TickLabel {
  readonly value: number | string;
  readonly label: string;
}

export interface AxisPlan {
  readonly kind: ScaleKind;
  /** Why the wished scale was not taken; null when it was. */
  readonly refusal: string | null;
  /** Label with its unit in brackets. */
  readonly title: string;
  readonly ticks: readonly TickLabel[];
  readonly domain: readonly [number, number];
  readonly categories: readonly string[];
  readonly divisor: number;
}

export interface AxisScale extends AxisPlan {
  /** Pixel of a value; null for an unknown category or a value that a log axis cannot show. */
  readonly at: (value: number | string) => number | null;
  /** Width of a category in px; 0 on numeric axes. */
  readonly band: number;
}

export interface AxisWish {
  readonly axis: FigureAxis;
  readonly wished: 'linear' | 'log' | undefined;
  readonly values: readonly (number | string)[];
  readonly tickCount: number;
  /** Use the values themselves as ticks when there are few: the points a sweep visited. */
  readonly ticksAtValues: boolean;
  /** Fixed ends in the axis' own unit, such as 0 and 1 of a cumulative share. */
  readonly bounds?: readonly [number, number];
  /** End a log axis just beyond its values, not at a round number. */
  readonly tight?: boolean;
}

/** Room beyond the values at both ends of a tight axis. */
const TIGHT_FACTOR = 1.04;

/** Beyond this many points a sweep's values make poor ticks. */
const MAX_VALUE_TICKS = 9;

/** One sentence why a log axis is impossible, or null when it is possible. */
export function logRefusal(axis: FigureAxis, values: readonly (number | string)[]): string | null {
  if (axis.scale === 'category') return `${axis.label} is a list of names, which has no log scale.`;
  const bad = values.filter((value): value is number => typeof value === 'number' && value <= 0);
  if (bad.length === 0) return null;
  const least = formatValue(Math.min(...bad), axis.unit);
  const points = bad.length === 1 ? '1 value is' : `${bad.length} values are`;
  return `A log axis cannot show zero or less: ${points}, the smallest ${least}. ${axis.label} stays linear.`;
}

export function planAxis(wish: AxisWish): AxisPlan {
  const { axis, values } = wish;
  if (axis.scale === 'category') return planCategories(wish);
  const numbers = values.filter(
    (value): value is number => typeof value === 'number' && Number.isFinite(value),
  );
  const wantsLog = (wish.wished ?? axis.scale) === 'log';
  const refusal = wantsLog ? logRefusal(axis, numbers) : null;
  return wantsLog && refusal === null && numbers.length > 0
    ? planLog(wish, numbers)
    : planLinear(wish, numbers, refusal);
}

function planCategories(wish: AxisWish): AxisPlan {
  const categories = [...new Set(wish.values.map(String))];
  return {
    kind: 'category',
    refusal: wish.wished === 'log' ? logRefusal(wish.axis, wish.values) : null,
    title: wish.axis.label,
    ticks: categories.map((value) => ({ value, label: value })),
    domain: [0, 1],
    categories,
    divisor: 1,
  };
}

function withUnit(axis: FigureAxis, suffix: string): string {
  return suffix === '' ? axis.label : `${axis.label} (${suffix})`;
}

function valueTicks(wish: AxisWish, numbers: readonly number[]): number[] | null {
  const distinct = [...new Set(numbers)].sort((a, b) => a - b);
  return wish.ticksAtValues && distinct.length <= MAX_VALUE_TICKS ? distinct : null;
}

function planLinear(wish: AxisWish, numbers: readonly number[], refusal: string | null): AxisPlan {
  const least = Math.min(0, ...numbers);
  const most = numbers.length > 0 ? Math.max(...numbers, least) : 1;
  const [low, high] = wish.bounds ?? [least, most > least ? most : least + 1];
  const { divisor, suffix } = displayUnit(wish.axis.unit, Math.max(Math.abs(low), Math.abs(high)));
  const atValues = valueTicks(wish, numbers);
  const scale = scaleLinear().domain([low / divisor, high / divisor]);
  if (!wish.bounds && !atValues) scale.nice(wish.tickCount);
  const [from = 0, to = 1] = scale.domain();
  const ticks = atValues?.map((value) => value / divisor) ?? linearTicks(from, to, wish.tickCount);
  return {
    kind: 'linear',
    refusal,
    title: withUnit(wish.axis, suffix),
    ticks: ticks.map((value) => ({ value: value * divisor, label: formatNumber(value) })),
    domain: [from * divisor, to * divisor],
    categories: [],
    divisor,
  };
}

function planLog(wish: AxisWish, numbers: readonly number[]): AxisPlan {
  const { axis } = wish;
  const least = Math.min(...numbers);
  const most = Math.max(...numbers);
  const { divisor, suffix } = displayUnit(axis.unit, most);
  const binary = axis.unit === 'bytes';
  const atValues = valueTicks(wish, numbers);
  const widened = least === most ? 2 : 1;
  const [low, high] = logEnds(wish, least / widened, most * widened, divisor);
  const ticks =
    atValues ?? logTicks(low / divisor, high / divisor, wish.tickCount, binary).map((v) => v * divisor);
  return {
    kind: 'log',
    refusal: null,
    // Powers of two carry their own unit: 1/16 GiB would read worse than 64 MiB.
    title: binary ? axis.label : withUnit(axis, suffix),
    ticks: ticks.map((value) => ({
      value,
      label: binary ? formatValue(value, 'bytes') : formatNumber(value / divisor),
    })),
    domain: [low, high],
    categories: [],
    divisor,
  };
}

/** Round ends, unless ticks stand at the values or the axis is to be tight. */
function logEnds(wish: AxisWish, least: number, most: number, divisor: number): [number, number] {
  const binary = wish.axis.unit === 'bytes';
  if (wish.tight) return [least / TIGHT_FACTOR, most * TIGHT_FACTOR];
  if (
    valueTicks(
      wish,
      wish.values.filter((v) => typeof v === 'number'),
    )
  )
    return [least, most];
  return [floorNice(least / divisor, binary) * divisor, ceilNice(most / divisor, binary) * divisor];
}

/** Puts a planned axis on a range of pixels; `inset` keeps markers off the ends of a numeric range. */
export function placeAxis(plan: AxisPlan, range: readonly [number, number], inset = 0): AxisScale {
  if (plan.kind === 'category') {
    const scale = scaleBand<string>()
      .domain(plan.categories)
      .range(range)
      .paddingInner(0.12)
      .paddingOuter(0.06);
    const centre = (value: number | string) => {
      const start = scale(String(value));
      return start === undefined ? null : start + scale.bandwidth() / 2;
    };
    return { ...plan, at: centre, band: scale.bandwidth() };
  }
  const sign = Math.sign(range[1] - range[0]);
  const ends: [number, number] = [range[0] + sign * inset, range[1] - sign * inset];
  const scale = (plan.kind === 'log' ? scaleLog() : scaleLinear()).domain(plan.domain).range(ends);
  return { ...plan, band: 0, at: (value) => numericPixel(scale, plan.kind, value) };
}

function numericPixel(
  scale: (value: number) => number,
  kind: ScaleKind,
  value: number | string,
): number | null {
  if (typeof value !== 'number' || (kind === 'log' && value <= 0)) return null;
  const pixel = scale(value);
  return Number.isFinite(pixel) ? pixel : null;
}
