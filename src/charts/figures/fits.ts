/** Fits over the points of a slice: straight lines and powers through medians, with bootstrap intervals. */
import type { Point } from '../../core/run/schema.ts';
import type { FigureSeries } from '../figure.ts';
import { estimate, line, quantile, type Estimate } from './statistics.ts';
import type { Slice } from './subject.ts';

interface Measured {
  readonly x: number;
  readonly values: readonly number[];
}

export interface PowerFit {
  readonly exponent: Estimate;
  /** y = factor · x^exponent */
  readonly factor: number;
  readonly xs: readonly number[];
}

/** Points with a numeric x and samples. */
export function measuredPoints(slice: Slice, valuesOf: (point: Point) => readonly number[]): Measured[] {
  return slice.points.flatMap(({ x, point }) => {
    const values = valuesOf(point);
    return typeof x === 'number' && values.length > 0 ? [{ x, values }] : [];
  });
}

function medians(groups: readonly (readonly number[])[]): number[] {
  return groups.map((group) => quantile(group, 0.5) ?? Number.NaN);
}

/** A power law through the medians; null with fewer than three lengths, where any exponent fits. */
export function fitPower(points: readonly Measured[]): PowerFit | null {
  const positive = points.filter(({ x, values }) => x > 0 && values.every((value) => value > 0));
  if (positive.length < 3) return null;
  const logX = positive.map(({ x }) => Math.log(x));
  const groups = positive.map(({ values }) => values);
  const logLine = (sets: readonly (readonly number[])[]) => line(logX, medians(sets).map(Math.log));
  const exponent = estimate(groups, (sets) => logLine(sets)?.slope ?? null);
  const fitted = logLine(groups);
  if (exponent === null || fitted === null) return null;
  return { exponent, factor: Math.exp(fitted.intercept), xs: positive.map(({ x }) => x) };
}

/** Slope of a straight line through the medians; null with fewer than two different x. */
export function fitSlope(points: readonly Measured[]): Estimate | null {
  const xs = points.map(({ x }) => x);
  return estimate(
    points.map(({ values }) => values),
    (sets) => line(xs, medians(sets))?.slope ?? null,
  );
}

const FIT_STEPS = 24;

/** The fit as a line without markers, over the lengths it was fitted to. */
export function fitSeries(id: string, label: string, colour: number, fit: PowerFit): FigureSeries {
  const [first, last] = [Math.min(...fit.xs), Math.max(...fit.xs)];
  const points = Array.from({ length: FIT_STEPS + 1 }, (_, i) => {
    const x = first * (last / first) ** (i / FIT_STEPS);
    return { x, y: fit.factor * x ** fit.exponent.value };
  });
  return { id, label, colour, role: 'fit', points };
}
