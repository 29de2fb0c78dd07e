/**
 * Fits that end in a sentence under a figure: a slope, an exponent, a knee, each with its interval.
 *
 * Give every repetition as its own observation, not medians: the interval then knows the spread.
 */
import { exp, log } from '../math.ts';
import type { Random } from '../random.ts';
import { studentQuantile } from '../special.ts';
import { percentileInterval, type Interval } from './intervals.ts';
import { mean, median } from './percentiles.ts';

export interface Observation {
  readonly x: number;
  readonly y: number;
}

export interface LinearFit {
  readonly slope: number;
  readonly intercept: number;
  /** 95 %, Student's t; null for two observations, which leave no freedom. */
  readonly slopeInterval: Interval | null;
  /** Share of the variance explained. */
  readonly r2: number;
}

/** Least squares; null for fewer than two different x. */
export function linearFit(observations: readonly Observation[]): LinearFit | null {
  const n = observations.length;
  const mx = mean(observations.map(({ x }) => x));
  const my = mean(observations.map(({ y }) => y));
  let [sxx, sxy, syy] = [0, 0, 0];
  for (const { x, y } of observations) {
    sxx += (x - mx) * (x - mx);
    sxy += (x - mx) * (y - my);
    syy += (y - my) * (y - my);
  }
  if (!(sxx > 0)) return null;
  const slope = sxy / sxx;
  const residual = Math.max(0, syy - slope * sxy);
  const r2 = syy > 0 ? 1 - residual / syy : 1;
  if (n < 3) return { slope, intercept: my - slope * mx, slopeInterval: null, r2 };
  const half = studentQuantile(0.975, n - 2) * Math.sqrt(residual / (n - 2) / sxx);
  return { slope, intercept: my - slope * mx, slopeInterval: { low: slope - half, high: slope + half }, r2 };
}

export interface PowerFit {
  /** y ≈ factor · x^exponent */
  readonly exponent: number;
  readonly exponentInterval: Interval | null;
  readonly factor: number;
  readonly r2: number;
}

/** Power law by least squares on logarithms; null for fewer than two different positive x. */
export function powerFit(observations: readonly Observation[]): PowerFit | null {
  const positive = observations.filter(({ x, y }) => x > 0 && y > 0);
  const fit = linearFit(positive.map(({ x, y }) => ({ x: log(x), y: log(y) })));
  return (
    fit && {
      exponent: fit.slope,
      exponentInterval: fit.slopeInterval,
      factor: exp(fit.intercept),
      r2: fit.r2,
    }
  );
}

export interface Knee {
  /** Where growth stops: y ≈ plateau · min(x / knee, 1). Between the first and the last x. */
  readonly knee: number;
  readonly kneeInterval: Interval;
  readonly plateau: number;
  /** `inside`; `start`: flat from the first x on; `end`: still growing at the last x. */
  readonly place: 'inside' | 'start' | 'end';
}

const KNEE_STEPS = 120;

/** The knee that fits log y best, and its plateau. For a given knee the best plateau is a mean of logarithms. */
function fitKnee(observations: readonly { lx: number; ly: number }[], from: number, to: number) {
  let best = { knee: from, plateau: 0, score: Infinity };
  for (let i = 0; i <= KNEE_STEPS; i++) {
    const knee = from + ((to - from) * i) / KNEE_STEPS;
    const plateau = mean(observations.map(({ lx, ly }) => ly - Math.min(lx - knee, 0)));
    let score = 0;
    for (const { lx, ly } of observations) {
      const error = ly - plateau - Math.min(lx - knee, 0);
      score += error * error;
    }
    if (score < best.score * (1 - 1e-9)) best = { knee, plateau, score };
  }
  return best;
}

/**
 * Saturation: growth in proportion to x up to a knee, flat beyond it. Interval by bootstrap within each x.
 * @returns null for fewer than three different x, or values that are not positive
 */
export function kneeFit(observations: readonly Observation[], random: Random, resamples = 400): Knee | null {
  const usable = observations
    .filter(({ x, y }) => x > 0 && y > 0)
    .map(({ x, y }) => ({ lx: log(x), ly: log(y) }));
  const groups = [...new Set(usable.map(({ lx }) => lx))].sort((a, b) => a - b);
  const [from, to] = [groups[0], groups.at(-1)];
  if (from === undefined || to === undefined || groups.length < 3) return null;
  const best = fitKnee(usable, from, to);
  const byX = groups.map((lx) => usable.filter((observation) => observation.lx === lx));
  const knees = Array.from({ length: resamples }, () => {
    const drawn = byX.flatMap((group) => group.flatMap(() => group[random.below(group.length)] ?? []));
    return exp(fitKnee(drawn, from, to).knee);
  });
  const step = (to - from) / KNEE_STEPS;
  const place = best.knee <= from + step / 2 ? 'start' : best.knee >= to - step / 2 ? 'end' : 'inside';
  return { knee: exp(best.knee), kneeInterval: percentileInterval(knees), plateau: exp(best.plateau), place };
}

export interface RobustSlope {
  readonly slope: number;
  readonly interval: Interval;
}

/** Most observations of a robust slope; more are thinned evenly, since the pairs grow with the square. */
const MAX_ROBUST = 400;

/** Theil–Sen slope (the median over pairs) with Sen's 95 % interval; null for fewer than four different x. */
export function robustSlope(observations: readonly Observation[]): RobustSlope | null {
  const stride = Math.ceil(observations.length / MAX_ROBUST);
  const used = observations.filter((_, i) => i % stride === 0);
  if (new Set(used.map(({ x }) => x)).size < 4) return null;
  const slopes: number[] = [];
  used.forEach((a, i) => {
    for (const b of used.slice(i + 1)) if (a.x !== b.x) slopes.push((b.y - a.y) / (b.x - a.x));
  });
  slopes.sort((a, b) => a - b);
  const n = used.length;
  const spread = 1.959963984540054 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const low = slopes[Math.max(0, Math.floor((slopes.length - spread) / 2))];
  const high = slopes[Math.min(slopes.length - 1, Math.ceil((slopes.length + spread) / 2))];
  if (low === undefined || high === undefined) return null;
  return { slope: median(slopes), interval: { low, high } };
}
