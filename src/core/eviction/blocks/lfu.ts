/** Least frequently used; within a frequency, the block that reached it first goes. */
import type { BlockKey, BlockPolicy } from './policy.ts';
import { Queue } from './queue.ts';

export function lfu(): BlockPolicy {
  const byUses = new Map<number, Queue>();
  const uses = new Map<BlockKey, number>();
  const queueOf = (n: number): Queue => {
    let queue = byUses.get(n);
    if (!queue) byUses.set(n, (queue = new Queue()));
    return queue;
  };
  const take = (key: BlockKey): { n: number; size: number } | null => {
    const n = uses.get(key);
    if (n === undefined) return null;
    const queue = queueOf(n);
    const size = queue.get(key)?.size ?? 0;
    queue.delete(key);
    if (!queue.oldest) byUses.delete(n);
    uses.delete(key);
    return { n, size };
  };
  const put = (key: BlockKey, n: number, size: number): void => {
    uses.set(key, n);
    queueOf(n).push(key, size);
  };
  return {
    name: 'lfu',
    hit: (key) => {
      const was = take(key);
      if (was) put(key, was.n + 1, was.size);
    },
    admit: (key, { size }) => put(key, 1, size),
    victim: (_incoming, canEvict) => {
      for (const n of [...byUses.keys()].sort((a, b) => a - b)) {
        const entry = byUses.get(n)?.oldestWhere(canEvict);
        if (!entry) continue;
        take(entry.key);
        return entry.key;
      }
      return null;
    },
    remove: (key) => void take(key),
  };
}
