/**
 * GreedyDual-Size with frequency: priority = L + uses · cost / size, where L is the priority last given up, so that old
 * blocks age. With cost = recompute FLOPs, deep blocks stay longer than shallow ones. Source: Cherkasova 1998.
 */
import { Heap } from './heap.ts';
import type { BlockFacts, BlockKey, BlockPolicy } from './policy.ts';

export function gdsf(): BlockPolicy {
  const heap = new Heap();
  const uses = new Map<BlockKey, number>();
  let floor = 0;
  let order = 0;
  const rank = (key: BlockKey, n: number, { size, cost }: BlockFacts): void => {
    uses.set(key, n);
    heap.set({ key, priority: floor + (n * cost) / size, order: order++ });
  };
  return {
    name: 'gdsf',
    hit: (key, facts) => rank(key, (uses.get(key) ?? 0) + 1, facts),
    admit: (key, facts) => rank(key, 1, facts),
    victim: (_incoming, canEvict) => {
      const item = heap.takeWhere(canEvict);
      if (!item) return null;
      floor = item.priority;
      uses.delete(item.key);
      return item.key;
    },
    remove: (key) => {
      heap.delete(key);
      uses.delete(key);
    },
  };
}
