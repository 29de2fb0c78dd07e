/** Where each block of the pool lies in the buffers: in order, or shuffled, which must make no difference. */
import { createRandom } from '../core/random.ts';

/** @param seed 0: in order */
export function blockPlaces(numBlocks: number, seed: number): Uint32Array {
  const places = Uint32Array.from({ length: numBlocks }, (_, block) => block);
  if (seed === 0) return places;
  return Uint32Array.from(createRandom(seed).shuffled([...places]));
}
