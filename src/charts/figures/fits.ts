/** Fits over a slice, each repetition an observation, and their lines. */
import {
  kneeFit,
  linearFit,
  powerFit,
  type Knee,
  type LinearFit,
  type Observation,
  type PowerFit,
} from '../../core/metrics/fits.ts';
import type { Point } from '../../core/run/schema.ts';
import type { FigureSeries } from '../figure.ts';
import { seeded } from './statistics.ts';
import type { Slice } from './subject.ts';

/** Fewer different x than this fit any slope, exponent or knee. */
export const MIN_FIT_POINTS = 3;

/** One observation a repetition, at points with a numeric x. */
export function observations(slice: Slice, valuesOf: (point: Point) => readonly number[]): Observation[] {
  return slice.points.flatMap(({ x, point }) =>
    typeof x === 'number' ? valuesOf(point).map((y) => ({ x, y })) : [],
  );
}

/** The search for a knee is long; figures are built on the page, between frames. */
const KNEE_RESAMPLES = 200;

export function distinctX(all: readonly Observation[]): number[] {
  return [...new Set(all.map(({ x }) => x))].sort((a, b) => a - b);
}

function enough(all: readonly Observation[]): boolean {
  return distinctX(all).length >= MIN_FIT_POINTS;
}

export function exponentOf(all: readonly Observation[]): PowerFit | null {
  return enough(all) ? powerFit(all) : null;
}

/** Straight line; two points are enough where values are counted and not sampled. */
export function slopeOf(all: readonly Observation[]): LinearFit | null {
  return linearFit(all);
}

export function kneeOf(all: readonly Observation[]): Knee | null {
  return enough(all) ? kneeFit(all, seeded(), KNEE_RESAMPLES) : null;
}

const FIT_STEPS = 24;

/** A power law as a line without markers, over the x it was fitted to. */
export function fitSeries(
  id: string,
  colour: number,
  { factor, exponent }: PowerFit,
  xs: readonly number[],
): FigureSeries {
  const [first, last] = [Math.min(...xs), Math.max(...xs)];
  const points = Array.from({ length: FIT_STEPS + 1 }, (_, i) => {
    const x = first * (last / first) ** (i / FIT_STEPS);
    return { x, y: factor * x ** exponent };
  });
  return { id, label: '', colour, role: 'fit', points };
}
