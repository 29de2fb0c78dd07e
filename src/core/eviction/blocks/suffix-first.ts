/**
 * Suffix first: a block of a prefix cache is useless without its ancestors, so among the blocks of the same last use the
 * deepest goes first. This is vLLM's order too, where a finished request's blocks are freed in reverse.
 * Source: vLLM docs/design/prefix_caching.md.
 */
import { Heap } from './heap.ts';
import type { BlockFacts, BlockKey, BlockPolicy } from './policy.ts';

export function suffixFirst(): BlockPolicy {
  const heap = new Heap();
  const use = (key: BlockKey, { now, depth }: BlockFacts): void =>
    heap.set({ key, priority: now, order: -depth });
  return {
    name: 'suffix',
    hit: use,
    renew: use,
    admit: use,
    victim: (_incoming, canEvict) => heap.takeWhere(canEvict)?.key ?? null,
    remove: (key) => void heap.delete(key),
  };
}
