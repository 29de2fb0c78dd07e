/** How far decoded values are from the originals. */
import { log10 } from '../math.ts';

export interface QuantizationError {
  readonly mse: number;
  /** ‖x − x̂‖ / ‖x‖; 0 for a zero vector that came back as zeros. */
  readonly relativeL2: number;
  readonly maxAbs: number;
  readonly cosine: number;
  /** 10·log10(Σx² / Σ(x − x̂)²); infinite where nothing was lost. */
  readonly snrDb: number;
}

/** @throws RangeError where the lengths differ or are 0. */
export function quantizationError(x: ArrayLike<number>, decoded: ArrayLike<number>): QuantizationError {
  if (x.length !== decoded.length || x.length === 0) {
    throw new RangeError(`${x.length} values cannot be compared with ${decoded.length}.`);
  }
  let [signal, noise, other, dot, maxAbs] = [0, 0, 0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const [a, b] = [x[i] ?? 0, decoded[i] ?? 0];
    signal += a * a;
    other += b * b;
    dot += a * b;
    noise += (a - b) * (a - b);
    maxAbs = Math.max(maxAbs, Math.abs(a - b));
  }
  return {
    mse: noise / x.length,
    relativeL2: noise === 0 ? 0 : Math.sqrt(noise / signal),
    maxAbs,
    cosine: dot === 0 ? 0 : dot / Math.sqrt(signal * other),
    snrDb: noise === 0 ? Infinity : 10 * log10(signal / noise),
  };
}
