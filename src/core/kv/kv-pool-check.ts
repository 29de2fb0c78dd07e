/** Whether a KVPool's books add up: recounts references, use and what could be evicted, from the handles alone. */
import type { PoolBlock } from './kv-pool-blocks.ts';
import type { PoolState } from './kv-pool-state.ts';

interface Recount {
  references: number;
  held: number;
}

/** @throws Error that names the first thing that does not add up */
export function checkPool({ tiers, handles, blocks }: PoolState): void {
  const counted = new Map<PoolBlock, Recount>();
  for (const handle of handles.values()) {
    expectEqual(() => `The state of handle ${handle.id}`, handle.state, 'resident');
    if (handle.tokens > handle.capacityTokens) {
      throw new Error(`Handle ${handle.id} has ${handle.tokens} tokens in ${handle.capacityTokens} slots.`);
    }
    for (const block of handle.owned) {
      expectEqual(() => `The tier of block ${block.id}`, block.books.tier, handle.tier);
      const recount = counted.get(block) ?? { references: 0, held: 0 };
      recount.references++;
      if (!handle.idle) recount.held++;
      counted.set(block, recount);
    }
  }
  expectEqual(() => 'The number of blocks', blocks.count, counted.size);
  expectEqual(
    () => 'The number of block ids',
    new Set([...counted.keys()].map(({ id }) => id)).size,
    counted.size,
  );
  for (const [block, { references, held }] of counted) {
    expectEqual(() => `References of block ${block.id}`, block.references, references);
    expectEqual(() => `References that hold block ${block.id}`, block.held, held);
  }
  for (const books of tiers.values()) {
    const here = [...counted.keys()].filter((block) => block.books === books);
    const sum = (of: readonly PoolBlock[]): number => of.reduce((total, { amount }) => total + amount, 0);
    expectEqual(() => `Use of ${books.tier}`, books.used, sum(here));
    expectEqual(
      () => `What ${books.tier} could evict`,
      books.reclaimable,
      sum(here.filter(({ held }) => held === 0)),
    );
    if (books.used > books.capacity) {
      throw new Error(`${books.tier} uses ${books.used} of a budget of ${books.capacity}.`);
    }
  }
}

function expectEqual<T>(what: () => string, recorded: T, recounted: T): void {
  if (recorded !== recounted) {
    throw new Error(`${what()} is booked as ${String(recorded)}, but counted as ${String(recounted)}.`);
  }
}
