/**
 * SIEVE: a FIFO queue whose hand walks from the oldest to the newest and keeps its place. A visited block loses its mark
 * and stays where it is; the first unmarked one goes. Source: Zhang et al., NSDI 2024.
 */
import type { BlockKey, BlockPolicy } from './policy.ts';
import { Queue, type Entry } from './queue.ts';

export function sieve(): BlockPolicy {
  const queue = new Queue();
  let hand: Entry | null = null;

  const take = (entry: Entry): BlockKey => {
    hand = entry.newer;
    queue.delete(entry.key);
    return entry.key;
  };

  /** One round that may clear marks and one that finds them cleared: more would mean that all blocks are in use. */
  const walk = (canEvict: (key: BlockKey) => boolean): BlockKey | null => {
    for (let wraps = 0; wraps < 3; wraps++) {
      for (let entry = hand ?? queue.oldest; entry; entry = entry.newer) {
        if (!canEvict(entry.key)) continue;
        if (entry.uses === 0) return take(entry);
        entry.uses = 0;
      }
      hand = null;
    }
    return null;
  };

  return {
    name: 'sieve',
    hit: (key) => {
      const entry = queue.get(key);
      if (entry) entry.uses = 1;
    },
    admit: (key, { size }) => void queue.push(key, size),
    victim: (_incoming, canEvict) => walk(canEvict),
    remove: (key) => {
      const entry = queue.get(key);
      if (!entry) return;
      if (entry === hand) hand = entry.newer;
      queue.delete(key);
    },
  };
}
