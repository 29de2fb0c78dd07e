/** Gamma-distributed gaps: their parameters from what people give (a variation, a burstiness), and draws. */
import { log, pow } from '../math.ts';
import type { Random } from '../random.ts';

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
