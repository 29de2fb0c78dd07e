/**
 * ARC: recent blocks (T1) and frequent blocks (T2) share the capacity; the ghosts of either (B1, B2) move the border.
 * Source: the pseudocode of Megiddo and Modha, FAST 2003, figure 4, for blocks of equal size. Objects with sizes count
 * with their bytes: the border moves once a miss, however many objects go for it.
 */
import type { BlockKey, BlockPolicy } from './policy.ts';
import { Queue } from './queue.ts';

export function arc(capacity: number): BlockPolicy {
  const recent = new Queue();
  const frequent = new Queue();
  const recentGhost = new Queue();
  const frequentGhost = new Queue();
  /** Target size of `recent`. */
  let target = 0;
  /** The miss that moved the border last. */
  let adaptedFor: BlockKey | null = null;

  const adapt = (incoming: BlockKey): void => {
    if (adaptedFor === incoming) return;
    adaptedFor = incoming;
    if (recentGhost.get(incoming)) {
      target = Math.min(capacity, target + Math.max(1, frequentGhost.size / recentGhost.size));
    } else if (frequentGhost.get(incoming)) {
      target = Math.max(0, target - Math.max(1, recentGhost.size / frequentGhost.size));
    }
  };

  const trimGhosts = (incoming: BlockKey): { dropRecent: boolean } => {
    if (recentGhost.get(incoming) || frequentGhost.get(incoming)) return { dropRecent: false };
    if (recent.size + recentGhost.size >= capacity) {
      if (recent.size >= capacity) return { dropRecent: true };
      while (recent.size + recentGhost.size >= capacity && recentGhost.oldest) {
        recentGhost.delete(recentGhost.oldest.key);
      }
      return { dropRecent: false };
    }
    const all = (): number => recent.size + frequent.size + recentGhost.size + frequentGhost.size;
    while (all() >= 2 * capacity && frequentGhost.oldest) frequentGhost.delete(frequentGhost.oldest.key);
    return { dropRecent: false };
  };

  const evict = (from: Queue, ghost: Queue | null, canEvict: (key: BlockKey) => boolean): BlockKey | null => {
    const entry = from.oldestWhere(canEvict);
    if (!entry) return null;
    from.delete(entry.key);
    ghost?.push(entry.key, entry.size);
    return entry.key;
  };

  return {
    name: 'arc',
    hit: (key) => {
      const entry = recent.get(key) ?? frequent.get(key);
      if (!entry) return;
      if (recent.delete(key)) frequent.push(key, entry.size);
      else frequent.touch(key);
    },
    renew: (key) => (recent.get(key) ? recent : frequent).touch(key),
    admit: (key, { size }) => {
      // Where room was made for somebody else, or there was room, the border has not moved yet.
      adapt(key);
      adaptedFor = null;
      const known = recentGhost.delete(key) || frequentGhost.delete(key);
      (known ? frequent : recent).push(key, size);
    },
    victim: (incoming, canEvict) => {
      const ghostHit = frequentGhost.get(incoming) !== undefined;
      adapt(incoming);
      if (trimGhosts(incoming).dropRecent) {
        return evict(recent, null, canEvict) ?? evict(frequent, frequentGhost, canEvict);
      }
      const fromRecent =
        recent.size > 0 && (recent.size > target || (ghostHit && recent.size === Math.floor(target)));
      return fromRecent
        ? (evict(recent, recentGhost, canEvict) ?? evict(frequent, frequentGhost, canEvict))
        : (evict(frequent, frequentGhost, canEvict) ?? evict(recent, recentGhost, canEvict));
    },
    remove: (key) => void (recent.delete(key) || frequent.delete(key)),
  };
}
