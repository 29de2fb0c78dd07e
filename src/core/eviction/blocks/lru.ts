/** Least recently used: the block whose last use lies furthest back goes. */
import type { BlockPolicy } from './policy.ts';
import { Queue } from './queue.ts';

export function lru(): BlockPolicy {
  const queue = new Queue();
  return {
    name: 'lru',
    hit: (key) => queue.touch(key),
    renew: (key) => queue.touch(key),
    admit: (key, { size }) => void queue.push(key, size),
    victim: (_incoming, canEvict) => {
      const entry = queue.oldestWhere(canEvict);
      if (entry) queue.delete(entry.key);
      return entry?.key ?? null;
    },
    remove: (key) => void queue.delete(key),
  };
}
