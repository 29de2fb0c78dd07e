/** Least frequently used; within a frequency, the block that reached it first goes. */
import { Heap } from './heap.ts';
import type { BlockKey, BlockPolicy } from './policy.ts';

export function lfu(): BlockPolicy {
  const heap = new Heap();
  let order = 0;
  const use = (key: BlockKey): void =>
    heap.set({ key, priority: (heap.priorityOf(key) ?? 0) + 1, order: order++ });
  return {
    name: 'lfu',
    hit: use,
    admit: use,
    victim: (_incoming, canEvict) => heap.takeWhere(canEvict)?.key ?? null,
    remove: (key) => void heap.delete(key),
  };
}
