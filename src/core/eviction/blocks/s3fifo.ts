/**
 * S3-FIFO: a small queue for newcomers, a main queue for what proved itself, and a ghost of what the small queue gave up.
 * Source: Yang et al., SOSP 2023; the sizes and the threshold are libCacheSim's.
 */
import type { BlockKey, BlockPolicy } from './policy.ts';
import { Queue } from './queue.ts';

/** Share of the capacity that newcomers get. */
const SMALL_SHARE = 0.1;
/** Hits in the small queue that lead to the main one; other implementations take 1. */
const MOVE_TO_MAIN_HITS = 2;
/** The main queue counts hits in two bits. */
const MAX_MAIN_HITS = 3;

export function s3fifo(capacity: number): BlockPolicy {
  const smallCapacity = Math.floor(SMALL_SHARE * capacity);
  const mainCapacity = capacity - smallCapacity;
  const ghostCapacity = Math.floor((1 - SMALL_SHARE) * capacity);
  const small = new Queue();
  const main = new Queue();
  const ghost = new Queue();

  const remember = (key: BlockKey, size: number): void => {
    ghost.push(key, size);
    while (ghost.size > ghostCapacity && ghost.oldest) ghost.delete(ghost.oldest.key);
  };

  const fromSmall = (canEvict: (key: BlockKey) => boolean): BlockKey | null => {
    for (let entry = small.oldestWhere(canEvict); entry; entry = small.oldestWhere(canEvict)) {
      small.delete(entry.key);
      if (entry.uses < MOVE_TO_MAIN_HITS) {
        remember(entry.key, entry.size);
        return entry.key;
      }
      main.push(entry.key, entry.size);
    }
    return null;
  };

  const fromMain = (canEvict: (key: BlockKey) => boolean): BlockKey | null => {
    for (let entry = main.oldestWhere(canEvict); entry; entry = main.oldestWhere(canEvict)) {
      main.delete(entry.key);
      if (entry.uses === 0) return entry.key;
      main.push(entry.key, entry.size, Math.min(entry.uses, MAX_MAIN_HITS) - 1);
    }
    return null;
  };

  return {
    name: 's3fifo',
    hit: (key) => {
      const entry = small.get(key) ?? main.get(key);
      if (entry) entry.uses++;
    },
    admit: (key, { size }) => {
      if (ghost.delete(key)) main.push(key, size);
      else small.push(key, size);
    },
    victim: (_incoming, canEvict) => {
      const mainFirst = main.size > mainCapacity || small.oldest === null;
      return mainFirst
        ? (fromMain(canEvict) ?? fromSmall(canEvict))
        : (fromSmall(canEvict) ?? fromMain(canEvict));
    },
    remove: (key) => void (small.delete(key) || main.delete(key)),
  };
}
