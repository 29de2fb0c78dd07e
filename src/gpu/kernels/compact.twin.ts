/** The twin of compaction: rows move between slots of a pool in plain TypeScript, word by word. */
import { slotMoves, type Move } from '../../core/eviction/moves.ts';
import { regionStart, type KvPart } from '../../core/kv/encode.ts';
import type { KvLayout, RegionLayout } from '../../core/kv/formats.ts';

/** Words of one token of one head: its parameters and its row. */
function tokenWords(layout: KvLayout, part: KvPart, head: number, slot: number): number[] {
  const region: RegionLayout = part === 'k' ? layout.k : layout.v;
  const { blockSize, headDim } = layout.shape;
  const start = regionStart(layout, Math.floor(slot / blockSize), part, head);
  const offset = slot % blockSize;
  const params = { none: 0, row: 1, 'row-group': headDim / region.group, channel: 0 }[region.params];
  const words = Array.from({ length: params }, (_, i) => start + offset * params + i);
  const row = start + region.paramWords + offset * region.rowWords;
  return words.concat(Array.from({ length: region.rowWords }, (_, i) => row + i));
}

/** Moves the tokens of one head of one sequence inside `pool`. @param table The sequence's blocks. */
export function compactTwin(
  pool: Uint32Array,
  layout: KvLayout,
  table: ArrayLike<number>,
  head: number,
  moves: readonly Move[],
): void {
  const before = pool.slice();
  for (const { from, to } of slotMoves(moves, table, layout.shape.blockSize)) {
    for (const part of ['k', 'v'] as const) {
      const source = tokenWords(layout, part, head, from);
      tokenWords(layout, part, head, to).forEach((word, i) => (pool[word] = before[source[i] ?? 0] ?? 0));
    }
  }
}
