import { describe, expect, it } from 'vitest';
import { BLOCK_POLICIES, BLOCK_POLICY_NAMES } from '../../../src/core/eviction/blocks/index.ts';
import { BlockManager } from '../../../src/core/kv/block-manager.ts';
import { createRandom } from '../../../src/core/random.ts';
import { requestTable, type RequestRow } from '../../../src/core/schedule/requests.ts';
import { vectors } from '../../golden/vectors.ts';

function row(blockIds: readonly number[], promptTokens = 4 * blockIds.length): RequestRow {
  return { arrivalMs: 0, promptTokens, outputTokens: 1, blockIds };
}

/** Four tokens a block. */
function manager(numBlocks: number, rows: readonly RequestRow[], prefixCaching = true) {
  const events: string[] = [];
  const blocks = new BlockManager({
    numBlocks,
    blockSize: 4,
    requests: requestTable(rows),
    prefixCaching,
    onBlock: (kind, block, request, id) => events.push(`${kind} ${block} r${request} ${id}`),
  });
  /** Looks up and admits, as the scheduler does. */
  const admit = (request: number, tokens: number): number | null => {
    const found = blocks.lookup(request, tokens);
    return blocks.admit(request, tokens) ? found : null;
  };
  return { blocks, admit, events };
}

describe('the order of eviction, as literal lists', () => {
  it('gives a sequence back last block first and reuses the block that has been free for longest', () => {
    const { blocks, admit } = manager(6, [row([1, 2, 3]), row([7])]);
    admit(0, 12);
    expect(blocks.blocksOf(0)).toEqual([0, 1, 2]);
    blocks.free(0, 12);
    expect(blocks.pool.freeBlocks()).toEqual([3, 4, 5, 2, 1, 0]);
    admit(1, 4);
    expect(blocks.blocksOf(1)).toEqual([3]);
  });

  it('loses the tail of a sequence before its head', () => {
    const { blocks, admit } = manager(4, [row([1, 2, 3]), row([7, 8]), row([1, 2, 3, 4])]);
    admit(0, 12);
    blocks.free(0, 12);
    admit(1, 8);
    expect(blocks.blocksOf(1)).toEqual([3, 2]);
    expect(blocks.lookup(2, 16)).toBe(2);
  });

  it('is the worked example of vLLM’s documentation', () => {
    const [vector] = vectors('vllm/prefix/docs-example');
    const { input, expected } = vector ?? {};
    const given = input as {
      free_queue_head_to_tail: number[];
      request_tokens: number;
      hit_blocks: number[];
    };
    const wanted = expected as {
      free_queue_after_touch: number[];
      new_blocks: number[];
      free_queue_after_alloc: number[];
    };
    const order = given.free_queue_head_to_tail;
    // A row a block, so that the queue can be brought into the given order; row 10 then asks for the hit blocks' text.
    const rows = order.map((_, block) => row([100 + block]));
    const { blocks, admit } = manager(10, [
      ...rows,
      row(
        given.hit_blocks.map((block) => 100 + block),
        29,
      ),
    ]);
    rows.forEach((_, request) => admit(request, 4));
    order.forEach((block) => blocks.free(block, 4));
    expect(blocks.pool.freeBlocks()).toEqual(order);
    expect(admit(10, given.request_tokens)).toBe(given.hit_blocks.length);
    expect(blocks.blocksOf(10)).toEqual([...given.hit_blocks, ...wanted.new_blocks]);
    expect(blocks.pool.freeBlocks()).toEqual(wanted.free_queue_after_alloc);
  });
});

describe('the prefix cache', () => {
  it('finds full blocks before the last token only', () => {
    for (const { id, input, expected } of vectors('vllm/prefixhit/')) {
      const given = input as { prompt_tokens: number; cached_prefix_tokens: number; block_size: number };
      const cached = Math.floor(given.cached_prefix_tokens / given.block_size);
      const ids = Array.from({ length: cached }, (_, i) => i + 1);
      const requests = requestTable([row(ids), row(ids)]);
      const blocks = new BlockManager({
        numBlocks: 20,
        blockSize: given.block_size,
        requests,
        prefixCaching: true,
      });
      blocks.lookup(0, given.cached_prefix_tokens);
      blocks.admit(0, given.cached_prefix_tokens);
      blocks.free(0, given.cached_prefix_tokens);
      expect(blocks.lookup(1, given.prompt_tokens) * given.block_size, id).toBe(expected);
    }
  });

  it('shares blocks that are in use, in the same step too', () => {
    const { blocks, admit } = manager(4, [row([1, 2], 9), row([1, 2], 9)]);
    expect([admit(0, 9), admit(1, 9)]).toEqual([0, 2]);
    expect(blocks.blocksOf(1)).toEqual([0, 1, 3]);
    expect(blocks.numActiveBlocks).toBe(4);
    expect(blocks.numTableBlocks).toBe(6);
  });

  it('keeps two copies of the same text, and the younger one answers when the older is gone', () => {
    const { blocks, admit } = manager(3, [row([1, 2]), row([1, 2]), row([9]), row([1, 2, 3])]);
    admit(0, 8);
    // Its last block is never a hit, so it is computed a second time.
    expect(admit(1, 8)).toBe(1);
    expect(blocks.blocksOf(1)).toEqual([0, 2]);
    blocks.free(0, 8);
    admit(2, 4);
    expect(blocks.blocksOf(2)).toEqual([1]);
    expect(blocks.lookup(3, 12)).toBe(2);
  });

  it('under a policy a second copy goes with a word, and the first one stays', () => {
    const events: string[] = [];
    const blocks = new BlockManager({
      numBlocks: 4,
      blockSize: 4,
      requests: requestTable([row([1, 2]), row([1, 2])]),
      prefixCaching: true,
      policy: BLOCK_POLICIES.sieve(4),
      onBlock: (kind, block, request, id) => events.push(`${kind} ${block} r${request} ${id}`),
    });
    for (const request of [0, 1]) {
      blocks.lookup(request, 8);
      blocks.admit(request, 8);
    }
    events.length = 0;
    // Its last block is its own copy of text 2.
    blocks.free(1, 8);
    blocks.check();
    expect(events).toEqual(['free 2 r1 -1', 'drop 2 r1 2', 'free 0 r1 -1']);
    expect(blocks.isCached(2)).toBe(true);
  });

  it('is told event by event', () => {
    const { blocks, admit, events } = manager(2, [row([1], 5), row([1], 5), row([8, 9])]);
    admit(0, 5);
    blocks.free(0, 5);
    admit(1, 5);
    blocks.free(1, 5);
    admit(2, 8);
    expect(events).toEqual([
      'alloc 0 r0 -1',
      'alloc 1 r0 -1',
      'cache 0 r0 1',
      'free 1 r0 -1',
      'free 0 r0 -1',
      'hit 0 r1 1',
      'alloc 1 r1 -1',
      'free 1 r1 -1',
      'free 0 r1 -1',
      'alloc 1 r2 -1',
      'evict 0 r2 1',
      'alloc 0 r2 -1',
      'cache 1 r2 8',
      'cache 0 r2 9',
    ]);
  });

  it('refuses what does not fit and changes nothing, hits that must not be evicted counted', () => {
    const { blocks, admit } = manager(3, [row([1, 2, 3]), row([1, 2, 3, 4])]);
    admit(0, 12);
    blocks.free(0, 12);
    const before = blocks.pool.freeBlocks();
    expect(admit(1, 16)).toBeNull();
    expect(blocks.pool.freeBlocks()).toEqual(before);
    expect(blocks.lookup(1, 16)).toBe(3);
  });
});

describe('blocks that are dropped out of a running sequence', () => {
  it('close up the table, and the request keeps counting its tokens as computed', () => {
    const { blocks, admit, events } = manager(6, [row([1, 2, 3], 14)]);
    admit(0, 14);
    expect(blocks.blocksOf(0)).toEqual([0, 1, 2, 3]);
    events.length = 0;
    blocks.drop(0, [1, 2]);
    blocks.check();
    expect(blocks.blocksOf(0)).toEqual([0, 3]);
    expect(events).toEqual(['free 2 r0 -1', 'free 1 r0 -1']);
    expect([blocks.droppedTokens(0), blocks.numDroppedTokens, blocks.numTableBlocks]).toEqual([8, 8, 2]);
    // 16 tokens are full tables again; the 17th opens a block.
    expect([14, 16, 17, 20, 21].map((tokens) => blocks.missingBlocks(0, tokens))).toEqual([0, 0, 1, 1, 2]);
    expect(blocks.grow(0, 17)).toBe(true);
    expect(blocks.blocksOf(0)).toEqual([0, 3, 4]);
  });

  it('leave what is cached findable, and nothing computed after them is cached', () => {
    const { blocks, admit } = manager(8, [row([1, 2, 3, 4, 5], 10), row([1, 2, 3, 4, 5, 6])]);
    admit(0, 10);
    blocks.drop(0, [0]);
    blocks.grow(0, 20);
    blocks.free(0, 20);
    blocks.check();
    expect(blocks.lookup(1, 24)).toBe(2);
  });

  it('stay with another sequence that shares them', () => {
    const { blocks, admit } = manager(6, [row([1, 2], 9), row([1, 2], 9)]);
    admit(0, 9);
    admit(1, 9);
    blocks.drop(0, [0]);
    blocks.check();
    expect([blocks.blocksOf(0), blocks.blocksOf(1)]).toEqual([
      [1, 2],
      [0, 1, 3],
    ]);
    expect(blocks.numFreeBlocks).toBe(2);
  });

  it('are forgotten with the sequence', () => {
    const { blocks, admit } = manager(6, [row([], 14)]);
    admit(0, 14);
    blocks.drop(0, [2, 0]);
    blocks.free(0, 14);
    blocks.check();
    expect([blocks.droppedTokens(0), blocks.numDroppedTokens, blocks.numFreeBlocks]).toEqual([0, 0, 6]);
    admit(0, 14);
    expect(blocks.missingBlocks(0, 17)).toBe(1);
  });

  it('are refused outside of the table and twice, and nothing has changed then', () => {
    const { blocks, admit } = manager(6, [row([], 14)]);
    admit(0, 14);
    expect(() => blocks.drop(0, [1, 4])).toThrow(
      'Block 4 of request 0 cannot be dropped: its table has 4 blocks.',
    );
    expect(() => blocks.drop(0, [1, 1])).toThrow('A block of request 0 was named twice: 1, 1.');
    blocks.check();
    expect(blocks.blocksOf(0)).toEqual([0, 1, 2, 3]);
  });
});

describe('every block is free, held or referenced after every step of a random walk', () => {
  const orders = [undefined, ...BLOCK_POLICY_NAMES];
  it.each(orders.flatMap((policy) => [1, 2, 3].map((seed) => ({ policy, seed }))))(
    '$policy, seed $seed',
    ({ policy, seed }) => {
      const random = createRandom(seed);
      const rows = Array.from({ length: 120 }, () => {
        const root = random.below(4);
        const ids = Array.from(
          { length: 1 + random.below(6) },
          (_, i) => 100 * root + 10 * i + (i > 2 ? random.below(3) : 0),
        );
        return row(ids, 4 * ids.length + random.below(4));
      });
      const numBlocks = 14;
      const blocks = new BlockManager({
        numBlocks,
        blockSize: 4,
        requests: requestTable(rows),
        prefixCaching: true,
        ...(policy === undefined ? {} : { policy: BLOCK_POLICIES[policy](numBlocks) }),
      });
      const live = new Map<number, number>();
      let hits = 0;
      rows.forEach(({ promptTokens }, request) => {
        hits += blocks.lookup(request, promptTokens);
        if (blocks.admit(request, promptTokens)) live.set(request, promptTokens);
        blocks.check();
        for (const [other, tokens] of [...live]) {
          if (random.below(3) === 0 && blocks.grow(other, tokens + 1)) live.set(other, tokens + 1);
          const held = (live.get(other) ?? 0) - blocks.droppedTokens(other);
          if (random.below(8) === 0 && held >= 4) {
            blocks.drop(other, [random.below(Math.floor(held / 4))]);
            blocks.check();
          }
          if (random.below(3) > 0) continue;
          blocks.free(other, live.get(other) ?? 0);
          live.delete(other);
          blocks.check();
        }
      });
      for (const [request, tokens] of live) blocks.free(request, tokens);
      blocks.check();
      expect(blocks.numFreeBlocks).toBe(numBlocks);
      expect(hits).toBeGreaterThan(20);
    },
  );
});
