/**
 * Arrivals whose rate changes with time: a Poisson (or burstier) process along a series of rates.
 *
 * Gaps are drawn at a mean of 1 and laid along the area under the rate, which is exact for straight lines: no thinning,
 * so nothing is thrown away where the peak is far above the mean. A series begins at its first time and starts again
 * when it is over.
 */
import type { Random } from '../random.ts';
import { drawGamma, gammaFromCv } from './gamma.ts';

/** The rate goes in a straight line from `fromRate` to `toRate` (1/s) within `seconds`. */
export interface RatePiece {
  readonly seconds: number;
  readonly fromRate: number;
  readonly toRate: number;
  /** Coefficient of variation of the gaps: 1 is Poisson. */
  readonly cv: number;
}

/** A rate that holds from its time to the next one, as ServeGen writes them. */
export interface RateWindow {
  readonly startSeconds: number;
  readonly rate: number;
  readonly cv: number;
}

/** Straight lines between [seconds, rate] points. */
export function piecesOfPoints(points: readonly (readonly [number, number])[]): RatePiece[] {
  return points.slice(1).map(([time, rate], i) => {
    const [before, rateBefore] = points[i] ?? [time, rate];
    return { seconds: time - before, fromRate: rateBefore, toRate: rate, cv: 1 };
  });
}

/** Steps; the last window lasts as long as the one before it. */
export function piecesOfWindows(windows: readonly RateWindow[]): RatePiece[] {
  return windows.map(({ startSeconds, rate, cv }, i) => {
    const next = windows[i + 1]?.startSeconds;
    const before = windows[i - 1]?.startSeconds;
    const seconds =
      next !== undefined ? next - startSeconds : before !== undefined ? startSeconds - before : 1;
    return { seconds, fromRate: rate, toRate: rate, cv };
  });
}

/** Requests that one pass of the series holds on average. */
export function expectedArrivals(pieces: readonly RatePiece[]): number {
  return pieces.reduce((sum, { seconds, fromRate, toRate }) => sum + ((fromRate + toRate) / 2) * seconds, 0);
}

/** Draws gaps in seconds. @throws RangeError where the series never has a rate above 0 */
export function seriesGaps(pieces: readonly RatePiece[], random: Random): () => number {
  const onePass = expectedArrivals(pieces);
  const passSeconds = pieces.reduce((sum, { seconds }) => sum + seconds, 0);
  if (!(onePass > 0)) {
    throw new RangeError('The rates are 0 at all times; one above 0 is needed for a request to arrive.');
  }
  let index = 0;
  let at = 0;
  return () => {
    let area = unitGap(pieces[index]?.cv ?? 1, random);
    // Whole passes at once, so that a series of hardly any requests takes no longer than another.
    const passes = Math.floor(area / onePass);
    area -= passes * onePass;
    for (let gap = passes * passSeconds; ;) {
      const { seconds, fromRate, toRate } = pieces[index] ?? { seconds: 0, fromRate: 0, toRate: 0 };
      const slope = seconds > 0 ? (toRate - fromRate) / seconds : 0;
      const rate = fromRate + slope * at;
      const left = ((rate + toRate) / 2) * (seconds - at);
      if (area <= left && left > 0) {
        const step = (2 * area) / (rate + Math.sqrt(Math.max(0, rate * rate + 2 * slope * area)));
        at += step;
        return gap + step;
      }
      area -= left;
      gap += seconds - at;
      index = (index + 1) % pieces.length;
      at = 0;
    }
  };
}

function unitGap(cv: number, random: Random): number {
  if (cv === 1) return random.exponential();
  const { shape, scale } = gammaFromCv(1, cv);
  return drawGamma(shape, random) * scale;
}
