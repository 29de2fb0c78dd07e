/**
 * Tests for a guarded rollout: whether a change made things worse, looked at once or as often as one likes.
 *
 * A test of fixed size is wrong when somebody peeks and stops at the first good number. The mixture sequential
 * probability ratio test (mSPRT) may be looked at after every sample: by Ville's inequality its ratio ever passes 1/α with
 * a chance of at most α where nothing is wrong. Johari, Pekelis and Walsh, "Always valid inference", 2015
 * (arXiv:1512.04922), the normal mixture with variance τ² around no difference.
 *
 * Left out: group sequential designs; `obrienFlemingSpend` says only how much of α each of their looks may spend.
 */
import { exp, log, pow } from '../math.ts';
import { binomialCdf, normalCdf, normalQuantile, studentQuantile } from '../special.ts';
import type { Interval } from './intervals.ts';

export interface SequentialTest {
  readonly n: number;
  /** Of the paired differences. */
  readonly mean: number;
  /** σ² of one difference. */
  readonly variance: number;
  /** τ²: how large differences are expected to be. */
  readonly mixture: number;
  readonly alpha: number;
}

export interface SequentialVerdict {
  /** Λ: likelihood of the mixture over that of no difference. */
  readonly ratio: number;
  /** min(1, 1/Λ): holds at every look, at this one as it stands. */
  readonly pBound: number;
  /** Λ ≥ 1/α: there is a difference. */
  readonly reject: boolean;
}

/** Λ = √(σ²/(σ² + nτ²)) · exp(n²τ²m² / (2σ²(σ² + nτ²))). */
export function mixtureSequentialTest({
  n,
  mean,
  variance,
  mixture,
  alpha,
}: SequentialTest): SequentialVerdict {
  const total = variance + n * mixture;
  const ratio = Math.sqrt(variance / total) * exp((n * n * mixture * mean * mean) / (2 * variance * total));
  return { ratio, pBound: Math.min(1, 1 / ratio), reject: ratio >= 1 / alpha };
}

/** Half of the interval around the mean that holds at every look: |m| at which Λ = 1/α. Infinite without samples. */
export function alwaysValidHalfWidth({ n, variance, mixture, alpha }: Omit<SequentialTest, 'mean'>): number {
  if (n === 0) return Infinity;
  const total = variance + n * mixture;
  const inside = log(total / variance) - 2 * log(alpha);
  return Math.sqrt(((variance * total) / (n * n * mixture)) * inside);
}

/** Exact two-sided p of as uneven a split of the pairs in which only one of two was right. McNemar 1947. */
export function mcnemarExact(baseOnly: number, newOnly: number): number {
  const n = baseOnly + newOnly;
  if (n === 0) return 1;
  return Math.min(1, 2 * (binomialCdf(n, 0.5)[Math.min(baseOnly, newOnly)] ?? 1));
}

/** Interval of a share by Wilson's score, 1927. */
export function wilsonInterval(successes: number, n: number, confidence = 0.95): Interval {
  if (n === 0) return { low: 0, high: 1 };
  const z = normalQuantile(1 - (1 - confidence) / 2);
  const share = successes / n;
  const scale = 1 + (z * z) / n;
  const centre = (share + (z * z) / (2 * n)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  return { low: centre - half, high: centre + half };
}

export interface NonInferiority {
  readonly mean: number;
  readonly standardError: number;
  /** One-sided lower bound of the mean with confidence 1 − α. */
  readonly lower: number;
  /** lower > −margin. */
  readonly nonInferior: boolean;
}

/**
 * Whether paired differences (new − base, larger is better) lose less than a margin, by Student's t; one look only.
 * Null for fewer than two pairs, whose spread nobody knows.
 */
export function nonInferiority(
  deltas: readonly number[],
  margin: number,
  alpha = 0.05,
): NonInferiority | null {
  const n = deltas.length;
  if (n < 2) return null;
  const mean = deltas.reduce((sum, delta) => sum + delta, 0) / n;
  const squares = deltas.reduce((sum, delta) => sum + (delta - mean) * (delta - mean), 0);
  const standardError = Math.sqrt(squares / (n - 1) / n);
  const lower = mean + studentQuantile(alpha, n - 1) * standardError;
  return { mean, standardError, lower, nonInferior: lower > -margin };
}

interface SampleSize {
  readonly margin: number;
  readonly alpha: number;
  readonly power: number;
}

function samplesFor(variance: number, { margin, alpha, power }: SampleSize): number {
  const z = normalQuantile(1 - alpha) + normalQuantile(power);
  return Math.ceil((z * z * variance) / (margin * margin));
}

/** Prompts in each of two arms that show a share `p` not to be worse by a margin: variance 2p(1 − p). */
export function unpairedSampleSize(p: number, size: SampleSize): number {
  return samplesFor(2 * p * (1 - p), size);
}

/** Prompts answered by both, of which a share comes out differently: the variance is that share. */
export function pairedSampleSize(discordant: number, size: SampleSize): number {
  return samplesFor(discordant, size);
}

/** Half of Hoeffding's two-sided interval of a mean of values within `range`; n fixed before. */
export function hoeffdingHalfWidth(n: number, range: number, alpha = 0.05): number {
  return range * Math.sqrt(log(2 / alpha) / (2 * n));
}

/** α that looks at these shares of all samples may have spent: 2 − 2Φ(z(1−α/2)/√t). Lan and DeMets 1983. */
export function obrienFlemingSpend(alpha: number, shares: readonly number[]): number[] {
  const z = normalQuantile(1 - alpha / 2);
  return shares.map((share) => 2 - 2 * normalCdf(z * pow(share, -0.5)));
}
