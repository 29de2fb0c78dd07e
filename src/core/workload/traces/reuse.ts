/** How much of a trace's prompts a prefix cache would have held: the ceiling, and with a policy at a capacity. */
import type { BlockPolicy } from '../../eviction/blocks/index.ts';
import type { TraceRequest } from './trace.ts';

export interface PrefixReuse {
  readonly blocks: number;
  readonly hitBlocks: number;
  /** hitBlocks / blocks. */
  readonly hitRatio: number;
}

/** Leading ids that two prompts have in common. */
export function sharedPrefixBlocks(a: readonly number[], b: readonly number[]): number {
  const end = Math.min(a.length, b.length);
  let shared = 0;
  while (shared < end && a[shared] === b[shared]) shared++;
  return shared;
}

function ratio(blocks: number, hitBlocks: number): PrefixReuse {
  return { blocks, hitBlocks, hitRatio: blocks === 0 ? 0 : hitBlocks / blocks };
}

/** With room for everything: the longest leading run of ids seen before. */
export function infinitePrefixReuse(requests: readonly TraceRequest[]): PrefixReuse {
  const seen = new Set<number>();
  let [blocks, hits] = [0, 0];
  for (const { blockIds } of requests) {
    blocks += blockIds.length;
    const miss = blockIds.findIndex((id) => !seen.has(id));
    hits += miss < 0 ? blockIds.length : miss;
    for (const id of blockIds) seen.add(id);
  }
  return ratio(blocks, hits);
}

/**
 * At a capacity in blocks: lookup first, then the request's blocks are touched or admitted from head to tail. None of
 * them is in use while another is admitted, so a long request may push out its own head, as in the published figures.
 *
 * @param policy told of each block as it is touched; its `now` counts these touches
 * @param costOf what a miss of the block at a depth costs, in any one unit (recompute FLOPs)
 */
export function prefixReuse(
  requests: readonly TraceRequest[],
  policy: BlockPolicy,
  capacity: number,
  costOf: (depth: number) => number = () => 1,
): PrefixReuse {
  const resident = new Set<number>();
  let [blocks, hits, now] = [0, 0, 0];
  const always = (): boolean => true;
  for (const { blockIds } of requests) {
    blocks += blockIds.length;
    const miss = blockIds.findIndex((id) => !resident.has(id));
    hits += miss < 0 ? blockIds.length : miss;
    blockIds.forEach((id, depth) => {
      const facts = { size: 1, cost: costOf(depth), depth, now: now++ };
      if (resident.has(id)) {
        policy.hit(id, facts);
        return;
      }
      if (resident.size >= capacity) {
        const victim = policy.victim(id, always, facts.now);
        if (typeof victim === 'number') resident.delete(victim);
      }
      policy.admit(id, facts);
      resident.add(id);
    });
  }
  return ratio(blocks, hits);
}
