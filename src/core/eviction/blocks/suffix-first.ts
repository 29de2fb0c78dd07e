/**
 * Suffix first: a block of a prefix cache is useless without its ancestors, so of the blocks of one use the deepest goes
 * first, and the least recent use before the others. This is the order of vLLM's free queue, where a finished request's
 * blocks are given back in reverse. Source: vLLM docs/design/prefix_caching.md.
 *
 * A prompt's blocks are used one after the other from head to tail, so `now − depth` is when its use began: the same for
 * all of them.
 */
import { Heap } from './heap.ts';
import type { BlockFacts, BlockKey, BlockPolicy } from './policy.ts';

export function suffixFirst(): BlockPolicy {
  const heap = new Heap();
  const use = (key: BlockKey, { now, depth }: BlockFacts): void =>
    heap.set({ key, priority: now - depth, order: -depth });
  return {
    name: 'suffix',
    hit: use,
    renew: use,
    admit: use,
    victim: (_incoming, canEvict) => heap.takeWhere(canEvict)?.key ?? null,
    remove: (key) => void heap.delete(key),
  };
}
