/**
 * When requests arrive: gaps between them in seconds, one process a function.
 *
 * Boundary: open-loop arrivals only. A closed loop has no arrival times of its own; the scheduler's driver sends the
 * next request when one ends. Rates are requests per second.
 */
import { log, pow } from '../math.ts';
import type { Random } from '../random.ts';

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
    };

/** Shape and scale of Gamma gaps with mean 1/rate and a coefficient of variation. Source: Vidur, DistServe. */
export function gammaFromCv(rate: number, cv: number): { readonly shape: number; readonly scale: number } {
  const shape = 1 / (cv * cv);
  return { shape, scale: 1 / (rate * shape) };
}

/** vLLM's `--burstiness`: shape = burstiness, mean 1/rate. Source: vllm/benchmarks/serve.py. */
export function gammaFromBurstiness(
  rate: number,
  burstiness: number,
): { readonly shape: number; readonly scale: number; readonly mean: number; readonly cv: number } {
  const scale = 1 / (rate * burstiness);
  return { shape: burstiness, scale, mean: burstiness * scale, cv: 1 / Math.sqrt(burstiness) };
}

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

/** Gamma(shape, 1). Source: Marsaglia and Tsang 2000, with their boost below shape 1. */
export function drawGamma(shape: number, random: Random): number {
  if (shape < 1) return drawGamma(shape + 1, random) * pow(1 - random.uniform(), 1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) * (1 + c * x) * (1 + c * x);
    if (v <= 0) continue;
    const u = 1 - random.uniform();
    if (log(u) < 0.5 * x * x + d - d * v + d * log(v)) return d * v;
  }
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
    let gap = random.exponential() / rate;
    let silence = 0;
    // The rest of a gap that outlasts the on-phase is spent in the next one: Poisson has no memory.
    while (gap > left) {
      gap -= left;
      silence += left + offSeconds;
      left = onSeconds;
    }
    left -= gap;
    return silence + gap;
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
