/**
 * When requests arrive: gaps between them in seconds, one process a function.
 *
 * Boundary: open-loop arrivals only. A closed loop has no arrival times of its own: its requests name the one that
 * they wait for (request-groups.ts). Rates are requests per second.
 */
import type { Random } from '../random.ts';
import { drawGamma, gammaFromCv } from './gamma.ts';
import { piecesOfPoints, piecesOfWindows, seriesGaps, type RateWindow } from './rate-series.ts';

export type Arrivals =
  | { readonly kind: 'constant'; readonly rate: number }
  | { readonly kind: 'poisson'; readonly rate: number }
  /** Gaps are Gamma with coefficient of variation `cv`: 1 is Poisson, above 1 is bursty. */
  | { readonly kind: 'gamma'; readonly rate: number; readonly cv: number }
  /** Poisson at `rate` for `onSeconds`, silence for `offSeconds`, in turn. */
  | {
      readonly kind: 'on-off';
      readonly rate: number;
      readonly onSeconds: number;
      readonly offSeconds: number;
    }
  /** Poisson whose rate switches between two states; `leave` is the rate (1/s) of leaving a state. */
  | {
      readonly kind: 'mmpp';
      readonly rates: readonly [number, number];
      readonly leave: readonly [number, number];
    }
  /** Poisson along straight lines between [seconds, rate] points, again from the first when the last is over. */
  | { readonly kind: 'series'; readonly points: readonly (readonly [number, number])[] }
  /** Gamma gaps along rates that hold for a time each, as a file gives them; again from the first at the end. */
  | { readonly kind: 'windows'; readonly windows: readonly RateWindow[] };

/**
 * Mean rate and asymptotic index of dispersion for counts of a two-state MMPP.
 * Source: Fischer and Meier-Hellstern 1993.
 */
export function mmppMoments(
  rates: readonly [number, number],
  leave: readonly [number, number],
): { readonly meanRate: number; readonly dispersion: number } {
  const [l1, l2] = rates;
  const [r1, r2] = leave;
  const weighted = l1 * r2 + l2 * r1;
  const both = r1 + r2;
  return {
    meanRate: weighted / both,
    dispersion: 1 + (2 * (l1 - l2) * (l1 - l2) * r1 * r2) / (both * both * weighted),
  };
}

/** Draws the next gap in seconds. State lives in the closure: one generator, one sequence of gaps. */
export function arrivalGaps(arrivals: Arrivals, random: Random): () => number {
  switch (arrivals.kind) {
    case 'constant':
      return () => 1 / arrivals.rate;
    case 'poisson':
      return () => random.exponential() / arrivals.rate;
    case 'gamma': {
      const { shape, scale } = gammaFromCv(arrivals.rate, arrivals.cv);
      return () => drawGamma(shape, random) * scale;
    }
    case 'on-off':
      return onOffGaps(arrivals, random);
    case 'mmpp':
      return mmppGaps(arrivals, random);
    case 'series':
      return seriesGaps(piecesOfPoints(arrivals.points), random);
    case 'windows':
      return seriesGaps(piecesOfWindows(arrivals.windows), random);
    default:
      return arrivals satisfies never;
  }
}

function onOffGaps(
  { rate, onSeconds, offSeconds }: Extract<Arrivals, { kind: 'on-off' }>,
  random: Random,
): () => number {
  let left = onSeconds;
  return () => {
    const gap = random.exponential() / rate;
    if (gap <= left) {
      left -= gap;
      return gap;
    }
    // The rest of a gap that outlasts the on-phase is spent in the next ones: Poisson has no memory.
    const rest = gap - left;
    const phases = Math.floor(rest / onSeconds);
    left = onSeconds - (rest - phases * onSeconds);
    return gap + (phases + 1) * offSeconds;
  };
}

function mmppGaps({ rates, leave }: Extract<Arrivals, { kind: 'mmpp' }>, random: Random): () => number {
  let state: 0 | 1 = random.uniform() < leave[1] / (leave[0] + leave[1]) ? 0 : 1;
  return () => {
    for (let gap = 0; ;) {
      const total = rates[state] + leave[state];
      gap += random.exponential() / total;
      if (random.uniform() * total < rates[state]) return gap;
      state = state === 0 ? 1 : 0;
    }
  };
}

/** The same process with `factor` times the rate; how long bursts and states last does not change. */
export function scaledArrivals(arrivals: Arrivals, factor: number): Arrivals {
  switch (arrivals.kind) {
    case 'constant':
    case 'poisson':
    case 'gamma':
    case 'on-off':
      return { ...arrivals, rate: arrivals.rate * factor };
    case 'mmpp': {
      const [first, second] = arrivals.rates;
      return { ...arrivals, rates: [first * factor, second * factor] };
    }
    case 'series':
      return { ...arrivals, points: arrivals.points.map(([time, rate]) => [time, rate * factor] as const) };
    case 'windows': {
      const windows = arrivals.windows.map((window) => ({ ...window, rate: window.rate * factor }));
      return { ...arrivals, windows };
    }
    default:
      return arrivals satisfies never;
  }
}
