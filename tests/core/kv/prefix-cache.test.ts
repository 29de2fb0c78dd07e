import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  BLOCK_POLICY_NAMES,
  createRandom,
  KVNotCachedError,
  KVReferencedError,
  KVReferenceUnderflowError,
  PrefixCache,
  type BlockHash,
} from '../../../src/index.ts';
import { BlockPool, type BlockId } from '../../../src/core/kv/pool.ts';
import { sha256 } from '../../../src/core/kv/sha256.ts';
import { vectors } from '../../golden/vectors.ts';

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe('SHA-256 of words', () => {
  const hex = (words: Uint32Array): string =>
    [...words].map((word) => word.toString(16).padStart(8, '0')).join('');

  test('of nothing is the published digest', () => {
    expect(hex(sha256([]))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  test.each([1, 12, 13, 14, 15, 16, 20, 29, 30, 100, 5000])('of %i words is what Node computes', (length) => {
    const random = createRandom(length);
    const words = Array.from({ length }, () => random.nextU32());
    const bytes = Buffer.alloc(4 * length);
    words.forEach((word, i) => bytes.writeUInt32BE(word, 4 * i));
    expect(hex(sha256(words))).toBe(createHash('sha256').update(bytes).digest('hex'));
  });
});

describe('block hashes', () => {
  const cache = new PrefixCache({ blockSize: 4, maxCachedBlocks: 10 });
  const tokens = range(0, 14);

  test('stand for full blocks only, and stay the same for ever', () => {
    expect(cache.blockHashes(tokens)).toHaveLength(3);
    expect(cache.blockHashes([])).toEqual([]);
    // python3: hashlib.sha256(struct.pack('>8I', 0, 0, 0, 0, 1, 2, 3, 4)).hexdigest()[:32]
    expect(cache.blockHashes([1, 2, 3, 4])).toEqual(['93d1d9dd4dd4b42490bcc25b2eae9a3b']);
  });

  test('are chained: a changed token changes its block and all behind it', () => {
    const changed = cache.blockHashes(tokens.with(5, 99));
    const before = cache.blockHashes(tokens);
    expect(changed.map((hash, i) => hash === before[i])).toEqual([true, false, false]);
    // Equal blocks at other places differ, too.
    expect(new Set(cache.blockHashes([7, 7, 7, 7, 7, 7, 7, 7])).size).toBe(2);
  });

  test('count what else a block depends on, where it does', () => {
    const plain = cache.blockHashes(tokens);
    const same = (extra: object): boolean[] =>
      cache.blockHashes(tokens, extra).map((hash, i) => hash === plain[i]);
    expect(same({ salt: 'a' })).toEqual([false, false, false]);
    expect(same({ lora: 'sql' })).toEqual([false, false, false]);
    expect(same({ media: [{ from: 5, to: 7, hash: 'cat' }] })).toEqual([true, false, false]);
    expect(same({ media: [{ from: 12, to: 14, hash: 'cat' }] })).toEqual([true, true, true]);
    expect(cache.blockHashes(tokens, { salt: 'a' })).not.toEqual(cache.blockHashes(tokens, { lora: 'a' }));
    const at = (from: number) => cache.blockHashes(tokens, { media: [{ from, to: from + 1, hash: 'cat' }] });
    expect(at(5)[1]).not.toBe(at(6)[1]);
  });

  test.each([-1, 1.5, 2 ** 32, NaN])('refuse token %d', (token) => {
    expect(() => cache.blockHashes([0, 1, 2, token])).toThrow(/Token 3 is/);
  });

  test('twenty thousand of them are all different', { timeout: 60_000 }, () => {
    const long = new PrefixCache({ blockSize: 1, maxCachedBlocks: 1 });
    const hashes = long.blockHashes(new Uint32Array(20_000));
    expect(new Set(hashes).size).toBe(20_000);
  });
});

describe('a lookup', () => {
  test.each(vectors('vllm/prefixhit').map((vector) => [vector.id, vector] as const))(
    '%s',
    (_, { input, expected }) => {
      const { prompt_tokens, cached_prefix_tokens, block_size } = input as Record<string, number>;
      const cache = new PrefixCache({ blockSize: block_size ?? 0, maxCachedBlocks: 100 });
      const cached = cache.blockHashes(range(0, cached_prefix_tokens ?? 0));
      cache.insert(cached, range(0, cached.length));
      const hashes = cache.blockHashes(range(0, prompt_tokens ?? 0));
      const hit = cache.lookup(hashes, prompt_tokens ?? 0);
      expect(hit.numTokens).toBe(expected);
      expect(hit.blocks).toEqual(range(0, hit.numTokens / (block_size ?? 1)));
    },
  );

  test('ends at the first block that is missing, and counts', () => {
    const cache = new PrefixCache<string>({ blockSize: 2, maxCachedBlocks: 4 });
    const hashes = cache.blockHashes([1, 2, 3, 4, 5, 6, 7]);
    expect(cache.lookup(hashes, 7)).toEqual({ blocks: [], numTokens: 0 });
    cache.insert(hashes, ['a', 'b', 'c']);
    cache.invalidate(hashes[1]);
    expect(cache.lookup(hashes, 7)).toEqual({ blocks: ['a'], numTokens: 2 });
    expect(cache.stats()).toMatchObject({
      lookups: 2,
      lookedUpBlocks: 6,
      hitBlocks: 1,
      hitRatio: 1 / 6,
      lookedUpTokens: 14,
      hitTokens: 2,
      insertedBlocks: 3,
      invalidatedBlocks: 2,
      cachedBlocks: 1,
    });
  });

  test('finds nothing of another salt', () => {
    const cache = new PrefixCache({ blockSize: 2, maxCachedBlocks: 4 });
    const tokens = [1, 2, 3, 4, 5];
    cache.insert(cache.blockHashes(tokens, { salt: 'tenant 1' }), [0, 1]);
    expect(cache.lookup(cache.blockHashes(tokens, { salt: 'tenant 2' }), 5).numTokens).toBe(0);
    expect(cache.lookup(cache.blockHashes(tokens, { salt: 'tenant 1' }), 5).numTokens).toBe(4);
  });

  test('needs the number of tokens', () => {
    const cache = new PrefixCache({ maxCachedBlocks: 4 });
    expect(() => cache.lookup([], NaN)).toThrow(/numTokens is NaN/);
    expect(cache.lookup([], 0)).toEqual({ blocks: [], numTokens: 0 });
  });
});

/** Caches prompts of whole blocks; a prompt is a list of letters, its blocks are named `ab` for a, then b. */
function chain(
  cache: PrefixCache<string>,
  letters: string,
): { hashes: BlockHash[]; blocks: string[]; tokens: number } {
  const tokens = [...letters].map((letter) => letter.charCodeAt(0));
  return {
    hashes: cache.blockHashes(tokens),
    blocks: tokens.map((_, i) => letters.slice(0, i + 1)),
    tokens: tokens.length + 1,
  };
}

function use(cache: PrefixCache<string>, letters: string): readonly string[] {
  const { hashes, blocks, tokens } = chain(cache, letters);
  cache.lookup(hashes, tokens);
  return cache.insert(hashes, blocks).evicted;
}

describe('order of eviction', () => {
  test('vLLM’s: the longest unused prompt first, its tail before its head', () => {
    const cache = new PrefixCache<string>({ blockSize: 1, maxCachedBlocks: 6 });
    expect(use(cache, 'abc')).toEqual([]);
    expect(use(cache, 'xy')).toEqual([]);
    // ab is used again: c is older than x and y now, and goes first; of xy the tail goes before the head.
    expect(use(cache, 'abd')).toEqual([]);
    expect(use(cache, 'q')).toEqual(['abc']);
    expect(use(cache, 'rs')).toEqual(['xy', 'x']);
    expect(use(cache, 'tuv')).toEqual(['abd', 'ab', 'a']);
  });

  test('vLLM’s worked example on the engine’s pool: hits leave the queue, new blocks come from its head', () => {
    const [vector] = vectors('vllm/prefix/docs-example');
    const input = vector?.input as {
      free_queue_head_to_tail: BlockId[];
      request_tokens: number;
      block_size: number;
      hit_blocks: BlockId[];
    };
    const expected = vector?.expected as Record<string, BlockId[]>;
    const pool = new BlockPool(10);
    pool.allocate(10);
    for (const block of input.free_queue_head_to_tail) pool.release(block);
    for (const block of input.hit_blocks) pool.touch(block);
    expect(pool.freeBlocks()).toEqual(expected['free_queue_after_touch']);
    const needed = Math.ceil(input.request_tokens / input.block_size) - input.hit_blocks.length;
    expect(pool.allocate(needed)).toEqual({ kind: 'ok', blocks: expected['new_blocks'] });
    expect(pool.freeBlocks()).toEqual(expected['free_queue_after_alloc']);
  });

  test('keeps what is retained, and caches the head of a prompt that does not fit', () => {
    const cache = new PrefixCache<string>({ blockSize: 1, maxCachedBlocks: 3 });
    const kept = chain(cache, 'ab');
    cache.insert(kept.hashes, kept.blocks);
    cache.retain(kept.hashes);
    const long = chain(cache, 'abcdef');
    expect(cache.insert(long.hashes, long.blocks)).toEqual({ blocks: ['abc'], evicted: [] });
    const other = chain(cache, 'xyz');
    expect(cache.insert(other.hashes, other.blocks)).toEqual({ blocks: ['x'], evicted: ['abc'] });
    cache.release(kept.hashes);
    expect(cache.insert(other.hashes, other.blocks)).toEqual({ blocks: ['xy', 'xyz'], evicted: ['ab', 'a'] });
    cache.check();
  });

  test.each([
    ['fifo', ['ab', 'a']],
    ['lfu', ['xy', 'x']],
  ] as const)('%s is its own', (policy, expected) => {
    const cache = new PrefixCache<string>({ blockSize: 1, maxCachedBlocks: 4, policy });
    use(cache, 'ab');
    use(cache, 'xy');
    use(cache, 'ab');
    expect(use(cache, 'pq')).toEqual(expected);
  });
});

describe('references', () => {
  test('errors have names, and change nothing', () => {
    const cache = new PrefixCache({ blockSize: 1, maxCachedBlocks: 4 });
    const hashes = cache.blockHashes([1, 2, 3]);
    cache.insert(hashes.slice(0, 2), [0, 1]);
    expect(() => cache.retain(hashes)).toThrow(KVNotCachedError);
    expect(() => cache.release(hashes.slice(0, 1))).toThrow(KVReferenceUnderflowError);
    expect(cache.stats().retainedBlocks).toBe(0);
    cache.retain(hashes.slice(0, 2));
    expect(() => cache.invalidate()).toThrow(KVReferencedError);
    expect(cache.numCachedBlocks).toBe(2);
    cache.release(hashes.slice(0, 2));
    expect(cache.invalidate(hashes[0])).toEqual([0, 1]);
    cache.check();
  });
});

describe('events', () => {
  test('tell each block that came, was found, was missed and went, when all is done', () => {
    const cache = new PrefixCache<string>({ blockSize: 1, maxCachedBlocks: 2 });
    const told: string[] = [];
    cache.onAny((event) => {
      cache.check();
      told.push(`${event.type} ${event.depth}`);
    });
    use(cache, 'ab');
    use(cache, 'axy');
    cache.invalidate();
    expect(told).toEqual([
      ...['miss 0', 'miss 1', 'alloc 0', 'alloc 1'],
      ...['hit 0', 'miss 1', 'miss 2', 'evict 1', 'alloc 1'],
      ...['free 0', 'free 1'],
    ]);
  });

  test('a listener that throws is counted, and can be ended', () => {
    const cache = new PrefixCache<string>({ blockSize: 1, maxCachedBlocks: 2 });
    const end = cache.on('alloc', () => {
      throw new Error('listener');
    });
    use(cache, 'ab');
    end();
    use(cache, 'xy');
    expect(cache.stats()).toMatchObject({ listenerErrors: 2, cachedBlocks: 2 });
  });
});

describe.each(BLOCK_POLICY_NAMES)('a random walk with %s', (policy) => {
  test.each([1, 2, 3])('finds what is cached and nothing else, within the bound (seed %i)', (seed) => {
    const random = createRandom(seed);
    const cache = new PrefixCache<string>({ blockSize: 1, maxCachedBlocks: 5 + random.below(30), policy });
    const cached = new Set<string>();
    cache.on('alloc', ({ block }) => cached.add(block));
    cache.on('evict', ({ block }) => cached.delete(block));
    cache.on('free', ({ block }) => cached.delete(block));
    const retained: BlockHash[][] = [];
    for (let step = 0; step < 250; step++) {
      const letters = Array.from({ length: 1 + random.below(8) }, () => 'abc'.charAt(random.below(3))).join(
        '',
      );
      const { hashes, blocks, tokens } = chain(cache, letters);
      const hit = cache.lookup(hashes, tokens);
      const missing = blocks.findIndex((block) => !cached.has(block));
      expect(hit.blocks).toEqual(missing < 0 ? blocks : blocks.slice(0, missing));
      cache.insert(hashes, blocks);
      if (random.below(4) === 0) {
        const held = hashes.filter((hash) => cache.peek(hash) !== undefined);
        cache.retain(held);
        retained.push(held);
      }
      if (retained.length > 3) cache.release(retained.shift() ?? []);
      if (random.below(40) === 0) {
        try {
          cache.invalidate(hashes[0]);
        } catch (error) {
          expect(error).toBeInstanceOf(KVReferencedError);
        }
      }
      cache.check();
      expect(cache.numCachedBlocks).toBe(cached.size);
      for (const hash of retained.flat()) expect(cache.peek(hash)).toBeDefined();
    }
    expect(cache.stats().evictedBlocks).toBeGreaterThan(20);
  });
});
