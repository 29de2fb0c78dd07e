/**
 * A score as a block policy, so that a visitor's expression can be replayed against the built-in ones.
 *
 * A score changes with age, so no order can be kept: each victim is found by looking at all resident blocks, or, where
 * they are many, at a drawn sample of them, as caches that rank by such a function do (Blankstein et al., "Hyperbolic
 * Caching", USENIX ATC 2017, takes 64).
 */
import type { BlockFacts, BlockKey, BlockPolicy } from '../../core/eviction/blocks/index.ts';
import type { Random } from '../../core/random.ts';
import type { Score } from './score.ts';

export const SAMPLE = 64;

interface Resident {
  readonly key: BlockKey;
  readonly enteredAt: number;
  readonly size: number;
  readonly cost: number;
  readonly depth: number;
  usedAt: number;
  uses: number;
}

/** @param random draws the sample; null: every resident block is looked at */
export function scorePolicy(score: Score, random: Random | null): BlockPolicy {
  const list: Resident[] = [];
  const places = new Map<BlockKey, number>();
  const factsAt = (block: Resident, now: number) => ({
    age: now - block.usedAt,
    frequency: block.uses,
    position: block.depth,
    cost: block.cost,
    tokens: block.size,
    stay: now - block.enteredAt,
  });
  const remove = (key: BlockKey): void => {
    const place = places.get(key);
    const last = list.pop();
    places.delete(key);
    if (place === undefined || !last || last.key === key) return;
    list[place] = last;
    places.set(last.key, place);
  };
  const best = (candidates: Iterable<Resident>, canEvict: (key: BlockKey) => boolean, now: number) => {
    let found: Resident | null = null;
    let most = -Infinity;
    for (const block of candidates) {
      if (!canEvict(block.key)) continue;
      const value = score.of(factsAt(block, now));
      const isFirst = found === null || value > most || (value === most && block.enteredAt < found.enteredAt);
      if (isFirst) [found, most] = [block, value];
    }
    return found;
  };
  return {
    name: score.name,
    hit: (key, { now }) => {
      const block = list[places.get(key) ?? -1];
      if (!block) return;
      block.usedAt = now;
      block.uses++;
    },
    admit: (key, { now, size, cost, depth }: BlockFacts) => {
      places.set(key, list.length);
      list.push({ key, enteredAt: now, usedAt: now, uses: 1, size, cost, depth });
    },
    victim: (_incoming, canEvict, now) => {
      const sampled = random && list.length > SAMPLE ? draw(list, random) : list;
      // A sample may hold nothing that can go.
      const block = best(sampled, canEvict, now) ?? best(list, canEvict, now);
      if (block) remove(block.key);
      return block?.key ?? null;
    },
    remove,
  };
}

function draw(list: readonly Resident[], random: Random): Resident[] {
  return Array.from({ length: SAMPLE }, () => list[random.below(list.length)]).filter(
    (block) => block !== undefined,
  );
}
