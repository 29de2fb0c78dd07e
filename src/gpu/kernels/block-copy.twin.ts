/** Twin of the block copy: all moves read the pool as it was before any of them. */
import type { BlockMove } from '../../core/kv/pool.ts';

export function blockCopyTwin(pool: Uint32Array, blockWords: number, moves: readonly BlockMove[]): void {
  const before = pool.slice();
  for (const { from, to } of moves) {
    pool.set(before.subarray(from * blockWords, (from + 1) * blockWords), to * blockWords);
  }
}
