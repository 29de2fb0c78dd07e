/**
 * Rotation before scalar quantization (TurboQuant, arXiv:2504.19874): a Hadamard transform flattens outliers, and a
 * Lloyd-Max code book fits the Gaussian coordinates that remain. Reference functions; no kernel rotates yet.
 */
import { exp } from '../math.ts';

/** Sylvester's Hadamard transform, orthonormal. @throws RangeError unless the length is a power of two. */
export function hadamard(x: ArrayLike<number>): Float64Array {
  const n = x.length;
  if (n === 0 || (n & (n - 1)) !== 0) throw new RangeError(`The length is ${n}; a power of two is needed.`);
  const out = Float64Array.from(x);
  for (let half = 1; half < n; half *= 2) {
    for (let i = 0; i < n; i++) {
      if (i & half) continue;
      const [a, b] = [out[i] ?? 0, out[i + half] ?? 0];
      out[i] = a + b;
      out[i + half] = a - b;
    }
  }
  const norm = Math.sqrt(n);
  return out.map((value) => value / norm);
}

export interface CodeBook {
  readonly centroids: number[];
  /** Mean squared error on N(0, 1). */
  readonly mse: number;
}

const INV_SQRT_2PI = 0.3989422804014327;

function density(x: number): number {
  return Number.isFinite(x) ? INV_SQRT_2PI * exp((-x * x) / 2) : 0;
}

/** P(0 < N(0,1) < x) for x ≥ 0, by its series of positive terms x + x³/3 + x⁵/15 …; x stays below 7 here. */
function halfCdf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (x * x) / (2 * n + 1);
    sum += term;
  }
  return density(x) * sum;
}

function cdf(x: number): number {
  if (!Number.isFinite(x)) return x < 0 ? 0 : 1;
  return x < 0 ? 0.5 - halfCdf(-x) : 0.5 + halfCdf(x);
}

/** The Lloyd-Max quantizer of N(0, 1) with 2^bits levels: centroids of the cells between their midpoints. */
export function lloydMaxGaussian(bits: number, iterations = 5000): CodeBook {
  const levels = 1 << bits;
  let centroids = Array.from({ length: levels }, (_, i) => ((i + 0.5) / levels - 0.5) * 5);
  let change = Infinity;
  for (let i = 0; i < iterations && change > 1e-13; i++) {
    const next = cellMeans(centroids).map(({ mean }) => mean);
    change = next.reduce((most, value, j) => Math.max(most, Math.abs(value - (centroids[j] ?? 0))), 0);
    centroids = next;
  }
  // With centroids at the cells' means, E(x − x̂)² = 1 − E x̂².
  const mse = 1 - cellMeans(centroids).reduce((sum, { mean, mass }) => sum + mass * mean * mean, 0);
  return { centroids, mse };
}

function cellMeans(centroids: readonly number[]): { mean: number; mass: number }[] {
  const edge = (i: number) => {
    if (i === 0) return -Infinity;
    return i === centroids.length ? Infinity : ((centroids[i - 1] ?? 0) + (centroids[i] ?? 0)) / 2;
  };
  return centroids.map((_, i) => {
    const mass = cdf(edge(i + 1)) - cdf(edge(i));
    return { mean: (density(edge(i)) - density(edge(i + 1))) / mass, mass };
  });
}

export const TURBOQUANT_PRESETS = {
  turboquant_k8v4: { keyBits: 8, valueBits: 4, keyNorm: false },
  turboquant_4bit_nc: { keyBits: 4, valueBits: 4, keyNorm: true },
  turboquant_k3v4_nc: { keyBits: 3, valueBits: 4, keyNorm: true },
} as const;

/** Bytes of one head's key and value: codes, 2 for the norm of a coded key, 4 for a value's scale and zero point. */
export function turboquantBytes(
  preset: keyof typeof TURBOQUANT_PRESETS,
  headDim: number,
): { readonly key: number; readonly value: number } {
  const { keyBits, valueBits, keyNorm } = TURBOQUANT_PRESETS[preset];
  return { key: (headDim * keyBits) / 8 + (keyNorm ? 2 : 0), value: (headDim * valueBits) / 8 + 4 };
}
