/** First in, first out: hits change nothing. */
import type { BlockPolicy } from './policy.ts';
import { Queue } from './queue.ts';

export function fifo(): BlockPolicy {
  const queue = new Queue();
  return {
    name: 'fifo',
    hit: () => undefined,
    admit: (key, { size }) => void queue.push(key, size),
    victim: (_incoming, canEvict) => {
      const entry = queue.oldestWhere(canEvict);
      if (entry) queue.delete(entry.key);
      return entry?.key ?? null;
    },
    remove: (key) => void queue.delete(key),
  };
}
