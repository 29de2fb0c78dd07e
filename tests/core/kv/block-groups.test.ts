/** Groups of layers over one pool: what leaves, what a prefix hit needs, and that no block is lost. */
import { describe, expect, it, test } from 'vitest';
import { BLOCK_POLICIES } from '../../../src/core/eviction/blocks/index.ts';
import {
  goneBlocks,
  heldBlocks,
  longestHeld,
  spannedBlocks,
  tickPhases,
  type BlockGroup,
} from '../../../src/core/kv/block-groups.ts';
import { BlockManager } from '../../../src/core/kv/block-manager.ts';
import { leastCommonMultiple } from '../../../src/core/kv/hybrid.ts';
import { longestHit } from '../../../src/core/kv/prefix-hit.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';
import { requestTable, type RequestRow } from '../../../src/core/schedule/requests.ts';
import { vectors } from '../../golden/vectors.ts';

const all: BlockGroup = { keeps: { kind: 'all' }, blockSize: 4 };
const window = (tokens: number, blockSize = 4): BlockGroup => ({
  keeps: { kind: 'window', tokens },
  blockSize,
});
const chunk = (tokens: number, blockSize = 4): BlockGroup => ({
  keeps: { kind: 'chunk', tokens },
  blockSize,
});
const state: BlockGroup = { keeps: { kind: 'state' }, blockSize: 0 };

function row(blockIds: readonly number[], promptTokens: number): RequestRow {
  return { arrivalMs: 0, promptTokens, outputTokens: 1, blockIds };
}

function manager(groups: readonly BlockGroup[], rows: readonly RequestRow[], numBlocks = 40) {
  const events: string[] = [];
  const blocks = new BlockManager({
    numBlocks,
    blockSize: 4,
    requests: requestTable(rows),
    prefixCaching: true,
    groups,
    stepTokens: 16,
    onBlock: (kind, block, request, id) => events.push(`${kind} ${block} r${request} ${id}`),
  });
  const admit = (request: number, tokens: number): number | null => {
    const found = blocks.lookup(request, tokens);
    return blocks.admit(request, tokens) ? found : null;
  };
  return { blocks, admit, events };
}

test.each(vectors('vllm/swfree/'))('$id', ({ input, expected }) => {
  const group = window(Number(input['window']), Number(input['block_size']));
  expect(goneBlocks(group, Number(input['computed_tokens']))).toBe(expected);
});

describe('blocks that leave a window', () => {
  it('go back to the pool last one first, and stay findable until they are used again', () => {
    const { blocks, admit, events } = manager([window(6)], [row([1, 2, 3, 4], 16), row([1, 2, 3, 4], 16)], 6);
    admit(0, 16);
    expect(blocks.blocksOf(0)).toEqual([0, 1, 2, 3]);
    events.length = 0;
    // Token 16 sees tokens 11 … 16: blocks 0 and 1 are out of sight.
    blocks.leave(0, 16);
    blocks.check();
    expect(events).toEqual(['free 1 r0 -1', 'free 0 r0 -1']);
    expect(blocks.blocksOf(0)).toEqual([2, 3]);
    expect(blocks.pool.freeBlocks()).toEqual([4, 5, 1, 0]);
    expect(blocks.numIdleCachedBlocks).toBe(2);
    expect([17, 20, 21].map((tokens) => blocks.missingBlocks(0, tokens))).toEqual([1, 1, 2]);
    blocks.leave(0, 16);
    expect(blocks.blocksOf(0)).toEqual([2, 3]);
    blocks.free(0, 16);
    blocks.check();
    expect(blocks.numFreeBlocks).toBe(6);
  });

  it('are counted as slots of nobody, not as waste', () => {
    const { blocks, admit } = manager([all, window(6)], [row([], 18)]);
    admit(0, 18);
    expect(blocks.wastedSlots(18)).toBe(2 + 2);
    blocks.leave(0, 18);
    expect(blocks.wastedSlots(18)).toBe(2 + 2);
    expect(blocks.numTableBlocks).toBe(5 + 2);
  });

  it('leave chunk by chunk where attention is local to a chunk', () => {
    const { blocks, admit } = manager([chunk(8)], [row([], 16)]);
    admit(0, 13);
    blocks.leave(0, 7);
    expect(blocks.blocksOf(0)).toHaveLength(4);
    blocks.leave(0, 8);
    expect(blocks.blocksOf(0)).toEqual([2, 3]);
    blocks.check();
  });

  it('a state is one block, whatever the length, and shuts the prefix cache', () => {
    const { blocks, admit } = manager([all, state], [row([1, 2], 9), row([1, 2], 9)]);
    expect(admit(0, 9)).toBe(0);
    expect([blocks.blocksOf(0, 0).length, blocks.blocksOf(0, 1).length]).toEqual([3, 1]);
    expect(blocks.missingBlocks(0, 4000)).toBe(997);
    expect([admit(1, 9), blocks.prefixCaching]).toEqual([0, false]);
  });
});

describe('a prefix hit', () => {
  test.each(vectors('vllm/swhit/'))('$id', ({ input, expected }) => {
    const [tokens, size] = [Number(input['window']), Number(input['block_size'])];
    const asked: number[] = [];
    const has = (_: number, block: number) => asked.push(block) > 0;
    longestHit([window(tokens, size)], has, 1000 * size, size);
    expect(asked.length).toBe(expected);
  });

  it('of a window needs the window’s blocks only, from the right', () => {
    const cached = [true, true, false, true, true, false, true];
    const has = (_: number, block: number) => cached[block] === true;
    // Two blocks for a window of 8 tokens; block 6 stands alone.
    expect(longestHit([window(8)], has, 28, 4)).toBe(20);
    expect(longestHit([window(5)], has, 28, 4)).toBe(28);
    // Three in a row are nowhere, but from the first block on two are enough: nothing is before them.
    expect(longestHit([window(12)], has, 28, 4)).toBe(8);
    expect(longestHit([all, window(8)], has, 28, 4)).toBe(8);
  });

  it('takes no block that is out of sight, and the table goes on behind it', () => {
    const rows = [row([1, 2, 3, 4], 16), row([1, 2, 3, 4, 5], 20)];
    const { blocks, admit } = manager([all, window(6)], rows);
    admit(0, 16);
    blocks.free(0, 16);
    expect(admit(1, 20)).toBe(4);
    expect(blocks.blocksOf(1, 0)).toHaveLength(5);
    expect(blocks.blocksOf(1, 1)).toHaveLength(3);
    blocks.check();
  });

  it('is the longest that every group’s rule allows', () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = createRandom(seed);
      const groups = drawGroups(random).filter(({ keeps }) => keeps.kind !== 'state');
      if (groups.length === 0) continue;
      const alignment = groups.reduce((sum, { blockSize }) => leastCommonMultiple(sum, blockSize), 1);
      const cached = groups.map(() => Array.from({ length: 40 }, () => random.below(6) > 0));
      const has = (group: number, block: number) => cached[group]?.[block] === true;
      const most = 4 * random.below(30);
      const valid = (hit: number) =>
        groups.every((group, index) => {
          const [from, to] = [goneBlocks(group, hit), hit / group.blockSize];
          return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i).every((block) =>
            has(index, block),
          );
        });
      let longest = Math.floor(most / alignment) * alignment;
      while (!valid(longest)) longest -= alignment;
      expect(longestHit(groups, has, most, alignment), `seed ${seed}`).toBe(longest);
    }
  });

  it('what comes from elsewhere and is out of sight takes no block', () => {
    const { blocks } = manager([all, window(6)], [row([], 100)]);
    blocks.lookup(0, 100);
    expect(blocks.admit(0, 100, 0, 99)).toBe(true);
    expect(blocks.blocksOf(0, 0)).toHaveLength(25);
    // Token 99 sees tokens from 94 on: block 23.
    expect(blocks.blocksOf(0, 1)).toHaveLength(2);
    blocks.check();
  });
});

/** Groups with blocks of 4 or 8 tokens. */
function drawGroups(random: Random): BlockGroup[] {
  return Array.from({ length: 1 + random.below(3) }, () => {
    const size = 4 * (1 + random.below(2));
    const make = [all, window(1 + random.below(20), size), chunk(1 + random.below(20), size), state];
    return make[random.below(4)] ?? all;
  });
}

describe('counts', () => {
  it('a phase is there for every length at which a decoding sequence’s blocks change, and for few others', () => {
    for (let seed = 0; seed < 200; seed++) {
      const groups = drawGroups(createRandom(seed));
      const phases = tickPhases(groups);
      for (let computed = 1; computed < 120; computed++) {
        const changes = groups.some(
          (group) =>
            spannedBlocks(group, computed + 1) > spannedBlocks(group, computed) ||
            goneBlocks(group, computed) > goneBlocks(group, computed - 1),
        );
        if (!changes) continue;
        expect(
          phases.some(({ period, remainder }) => computed % period === remainder),
          `seed ${seed}, ${computed} tokens`,
        ).toBe(true);
      }
    }
  });

  it('the longest sequence is the last that fits', () => {
    for (let seed = 0; seed < 100; seed++) {
      const random = createRandom(seed);
      const groups = drawGroups(random);
      const numBlocks = groups.length * (1 + random.below(20));
      const longest = longestHeld(groups, numBlocks, 8, 500);
      if (longest > 0) expect(heldBlocks(groups, longest, 8)).toBeLessThanOrEqual(numBlocks);
      if (longest < 500) expect(heldBlocks(groups, longest + 1, 8)).toBeGreaterThan(numBlocks);
    }
  });
});

it.each(
  [undefined, 'sieve', 'gdsf'].flatMap((policy) =>
    Array.from({ length: 8 }, (_, seed) => ({ policy: policy as 'sieve' | 'gdsf' | undefined, seed })),
  ),
)('no block is lost in a random walk: $policy, seed $seed', ({ policy, seed }) => {
  const random = createRandom(seed);
  const groups = drawGroups(random);
  const rows = Array.from({ length: 100 }, () => {
    const root = random.below(4);
    const ids = Array.from(
      { length: 1 + random.below(8) },
      (_, i) => 100 * root + 10 * i + (i > 3 ? random.below(3) : 0),
    );
    return row(ids, 4 * ids.length + random.below(4));
  });
  const numBlocks = 30;
  const blocks = new BlockManager({
    numBlocks,
    blockSize: 4,
    requests: requestTable(rows),
    prefixCaching: true,
    groups,
    ...(policy === undefined ? {} : { policy: BLOCK_POLICIES[policy](numBlocks) }),
  });
  const live = new Map<number, number>();
  let hits = 0;
  rows.forEach(({ promptTokens }, request) => {
    const found = blocks.lookup(request, promptTokens);
    if (blocks.admit(request, promptTokens)) {
      hits += found;
      live.set(request, promptTokens);
    }
    blocks.check();
    for (const [other, tokens] of [...live]) {
      blocks.leave(other, tokens);
      if (random.below(2) === 0 && blocks.grow(other, tokens + 1)) live.set(other, tokens + 1);
      blocks.check();
      if (random.below(3) > 0) continue;
      blocks.free(other, live.get(other) ?? 0);
      live.delete(other);
      blocks.check();
    }
  });
  for (const [request, tokens] of live) blocks.free(request, tokens);
  blocks.check();
  expect(blocks.numFreeBlocks).toBe(numBlocks);
  expect(blocks.numTableBlocks).toBe(0);
  if (blocks.prefixCaching) expect(hits).toBeGreaterThan(5);
});
