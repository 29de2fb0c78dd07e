/** CLOCK with one bit: the oldest goes unless it was used since it was last passed; then it starts again as newest. */
import type { BlockPolicy } from './policy.ts';
import { Queue } from './queue.ts';

export function clock(): BlockPolicy {
  const queue = new Queue();
  return {
    name: 'clock',
    hit: (key) => {
      const entry = queue.get(key);
      if (entry) entry.uses = 1;
    },
    admit: (key, { size }) => void queue.push(key, size),
    victim: (_incoming, canEvict) => {
      for (;;) {
        const entry = queue.oldestWhere(canEvict);
        if (!entry) return null;
        queue.delete(entry.key);
        if (entry.uses === 0) return entry.key;
        queue.push(entry.key, entry.size, 0);
      }
    },
    remove: (key) => void queue.delete(key),
  };
}
