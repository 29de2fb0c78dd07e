/** Twin of the sampler: the same ids where no two candidates are nearly equal, by sorting instead of counting. */
import type { SampleSettings } from './sample.ts';

/** The id that is drawn from one row of logits. */
export function sampleTwin(logits: ArrayLike<number>, settings: SampleSettings): number {
  const kept = keptIds(logits, settings);
  const { temperature, seed, position } = settings;
  if (!(temperature > 0)) return kept[0] ?? 0;
  const drawn = kept.map((id) => (logits[id] ?? 0) / temperature + gumbel(id, position, seed));
  return kept[drawn.indexOf(Math.max(...drawn))] ?? 0;
}

/** Ids that may be drawn, best first, equal ones by id. */
export function keptIds(logits: ArrayLike<number>, settings: SampleSettings): number[] {
  const { temperature, topK, topP } = settings;
  const value = (id: number): number => logits[id] ?? NaN;
  const ids = Array.from({ length: logits.length }, (_, id) => id).filter((id) => !Number.isNaN(value(id)));
  ids.sort((a, b) => value(b) - value(a) || a - b);
  if (!(temperature > 0)) return ids;
  const best =
    topK > 0 ? ids.filter((id) => value(id) >= value(ids[Math.min(topK, ids.length) - 1] ?? 0)) : ids;
  if (topP >= 1) return best;
  const weights = best.map((id) => Math.exp((value(id) - value(best[0] ?? 0)) / temperature));
  const wanted = topP * weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  const last = weights.findIndex((weight) => (sum += weight) >= wanted);
  return last < 0 ? best : best.filter((id) => value(id) >= value(best[last] ?? 0));
}

function gumbel(id: number, position: number, seed: number): number {
  const u = ((pcg3d(id, position, seed) >>> 9) + 0.5) / 2 ** 23;
  return -Math.log(-Math.log(u));
}

/** First word of pcg3d (Jarzynski and Olano, JCGT 9(3), 2020). */
export function pcg3d(a: number, b: number, c: number): number {
  const step = (v: number): number => (Math.imul(v, 1664525) + 1013904223) | 0;
  let [x, y, z] = [step(a), step(b), step(c)];
  x = (x + Math.imul(y, z)) | 0;
  y = (y + Math.imul(z, x)) | 0;
  z = (z + Math.imul(x, y)) | 0;
  x ^= x >>> 16;
  y ^= y >>> 16;
  z ^= z >>> 16;
  return (x + Math.imul(y, z)) >>> 0;
}
