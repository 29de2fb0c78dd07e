/** What a KVPool holds, counted when asked. */
import type { PoolBlock } from './kv-pool-blocks.ts';
import type { PoolHandle } from './kv-pool-handle.ts';
import type { PoolState } from './kv-pool-state.ts';
import type { KVPoolStats } from './kv-pool-types.ts';

export function poolStats({ unit, tiers, handles, counts, events }: PoolState): KVPoolStats {
  const all = [...handles.values()];
  const filled = filledSlots(all);
  const blocks = [...filled.keys()];
  return {
    unit,
    tiers: [...tiers.values()].map((books) => books.stats()),
    handles: all.length,
    idleHandles: all.filter(({ idle }) => idle).length,
    pinnedHandles: all.filter(({ pins }) => pins > 0).length,
    blocks: blocks.length,
    sharedBlocks: blocks.filter(({ references }) => references > 1).length,
    wastedSlots: blocks.reduce((sum, block) => sum + block.slots - (filled.get(block) ?? 0), 0),
    ...counts,
    listenerErrors: events.listenerErrors,
  };
}

/** Slots of each block that hold a token of the handle that fills it most. */
function filledSlots(handles: readonly PoolHandle[]): Map<PoolBlock, number> {
  const filled = new Map<PoolBlock, number>();
  for (const { owned, tokens } of handles) {
    let rest = tokens;
    for (const block of owned) {
      const here = Math.max(0, Math.min(rest, block.slots));
      filled.set(block, Math.max(filled.get(block) ?? 0, here));
      rest -= here;
    }
  }
  return filled;
}
