import { describe, expect, test } from 'vitest';
import {
  BLOCK_POLICY_NAMES,
  createRandom,
  KV_DTYPES,
  KVDoubleFreeError,
  KVError,
  KVNoVictimError,
  KVPinnedError,
  KVPool,
  KVPoolFullError,
  KVReferencedError,
  KVReferenceUnderflowError,
  KVTierError,
  KVUnknownHandleError,
  type KVHandle,
  type KVTier,
} from '../../../src/index.ts';

/** Llama-3.1-8B: 131,072 bytes a token in f16. */
const SHAPE = { layers: 32, kvHeads: 8, headDim: 128 };

function caught(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return null;
}

describe('a budget', () => {
  test('in tokens counts whole blocks', () => {
    const pool = new KVPool({ maxTokens: 64, blockSize: 16 });
    const handle = pool.alloc({ tokens: 17 });
    expect(handle).toMatchObject({
      tokens: 17,
      capacityTokens: 32,
      blocks: [0, 1],
      bytes: null,
      state: 'resident',
    });
    expect(pool.stats().tiers).toEqual([
      { tier: 'hbm', capacity: 64, used: 32, free: 32, reclaimable: 0, peak: 32 },
    ]);
    expect(pool.stats().wastedSlots).toBe(15);
  });

  test.each([
    ['f16', 131_072],
    ['f32', 262_144],
    ['fp8', 65_536],
    // One f32 scale a head's vector: 132 bytes for 128 elements.
    ['int8', 2 * 32 * 8 * 132],
    // Groups of 32 with a scale and a zero point: 5 bits an element.
    ['int4', (131_072 * 5) / 16],
    ['q8_0', (131_072 * 8.5) / 16],
  ] as const)('in bytes counts %s at %i a token', (dtype, bytesPerToken) => {
    const pool = new KVPool({ maxBytes: 2 ** 30, shape: SHAPE, blockSize: 16 });
    const handle = pool.alloc({ tokens: 16, dtype });
    expect(handle.bytes).toBe(16 * bytesPerToken);
    expect(pool.stats().tiers[0]?.used).toBe(16 * bytesPerToken);
  });

  test('in bytes holds as many tokens as fit, and not one block more', () => {
    const blockBytes = 16 * 131_072;
    const pool = new KVPool({ maxBytes: 3 * blockBytes + 1000, shape: SHAPE, blockSize: 16 });
    pool.alloc({ tokens: 48 });
    expect(pool.canAlloc({ tokens: 1 })).toBe(false);
    expect(pool.canAlloc({ tokens: 1, dtype: 'int2', layout: 'contiguous' })).toBe(false);
    expect(() => pool.alloc({ tokens: 1 })).toThrow(KVPoolFullError);
  });

  test('counts a contiguous handle by its reserve, without blocks', () => {
    const pool = new KVPool({ maxTokens: 100 });
    const handle = pool.alloc({ tokens: 10, layout: 'contiguous', reserve: 90 });
    expect(pool.stats()).toMatchObject({ wastedSlots: 80, tiers: [{ used: 90 }] });
    expect(pool.append(handle, 80)).toEqual([]);
    expect(caught(() => pool.append(handle, 1))).toMatchObject({
      message: expect.stringMatching(/room for 90.*need 91/),
    });
  });

  test.each([
    { name: 'no budget', make: () => new KVPool({} as never), says: /one budget/ },
    {
      name: 'two budgets',
      make: () => new KVPool({ maxTokens: 1, maxBytes: 1 } as never),
      says: /one budget/,
    },
    {
      name: 'half a block',
      make: () => new KVPool({ maxTokens: 64, blockSize: 0.5 }),
      says: /blockSize is 0.5/,
    },
    { name: 'a budget of NaN', make: () => new KVPool({ maxTokens: NaN }), says: /budget of hbm is NaN/ },
    { name: 'bytes of nothing', make: () => new KVPool({ maxBytes: 1000 }), says: /give shape/ },
    {
      name: 'a shape of zero layers',
      make: () => new KVPool({ maxBytes: 1, shape: { ...SHAPE, layers: 0 } }),
      says: /shape\.layers is 0/,
    },
    {
      name: 'no tokens',
      make: () => new KVPool({ maxTokens: 64 }).alloc({ tokens: 0 }),
      says: /tokens is 0/,
    },
    {
      name: 'a reserve below the tokens',
      make: () => new KVPool({ maxTokens: 64 }).alloc({ tokens: 9, reserve: 8 }),
      says: /reserve is 8; at least the 9/,
    },
  ])('refuses $name', ({ make, says }) => {
    expect(make).toThrow(RangeError);
    expect(make).toThrow(says);
  });
});

describe('every refusal has a name, numbers and a remedy, and changes nothing', () => {
  interface Case {
    readonly name: string;
    readonly act: (pool: KVPool, handle: KVHandle) => unknown;
    readonly error: unknown;
    readonly code: string;
    readonly data: object;
  }
  const table: Case[] = [
    {
      name: 'more than the whole budget',
      act: (pool) => pool.alloc({ tokens: 100 }),
      error: KVPoolFullError,
      code: 'pool-full',
      data: { tier: 'hbm', unit: 'tokens', needed: 112, free: 32, reclaimable: 0, capacity: 64 },
    },
    {
      name: 'no victim',
      act: (pool) => pool.alloc({ tokens: 33 }),
      error: KVNoVictimError,
      code: 'no-victim',
      data: { tier: 'hbm', unit: 'tokens', needed: 48, free: 32, reclaimable: 0, capacity: 64 },
    },
    {
      name: 'nothing to evict',
      act: (pool) => pool.evict(),
      error: KVNoVictimError,
      code: 'no-victim',
      data: { tier: 'hbm', unit: 'tokens', needed: 33, free: 32, reclaimable: 0, capacity: 64 },
    },
    {
      name: 'a handle of another pool',
      act: (pool) => pool.free(new KVPool({ maxTokens: 16 }).alloc({ tokens: 1 })),
      error: KVUnknownHandleError,
      code: 'unknown-handle',
      data: { handle: 0, state: 'foreign' },
    },
    {
      name: 'a double free',
      act: (pool, handle) => {
        pool.free(handle);
        pool.free(handle);
      },
      error: KVDoubleFreeError,
      code: 'double-free',
      data: { handle: 0 },
    },
    {
      name: 'use after free',
      act: (pool, handle) => {
        pool.free(handle);
        pool.append(handle, 1);
      },
      error: KVUnknownHandleError,
      code: 'unknown-handle',
      data: { handle: 0, state: 'freed' },
    },
    {
      name: 'use after eviction',
      act: (pool, handle) => {
        pool.release(handle);
        pool.evict();
        pool.retain(handle);
      },
      error: KVUnknownHandleError,
      code: 'unknown-handle',
      data: { handle: 0, state: 'evicted' },
    },
    {
      name: 'free of a pinned handle',
      act: (pool, handle) => {
        pool.pin(handle);
        pool.free(handle);
      },
      error: KVPinnedError,
      code: 'pinned',
      data: { handle: 0, pins: 1, action: 'freed' },
    },
    {
      name: 'a move of a pinned handle',
      act: (pool, handle) => {
        pool.pin(handle);
        pool.migrate(handle, 'host');
      },
      error: KVPinnedError,
      code: 'pinned',
      data: { handle: 0, pins: 1, action: 'moved' },
    },
    {
      name: 'free of what others use',
      act: (pool, handle) => {
        pool.retain(handle);
        pool.free(handle);
      },
      error: KVReferencedError,
      code: 'referenced',
      data: { subject: 'Handle 0', references: 2 },
    },
    {
      name: 'one release too many',
      act: (pool, handle) => {
        pool.release(handle);
        pool.release(handle);
      },
      error: KVReferenceUnderflowError,
      code: 'reference-underflow',
      data: { subject: 'Handle 0', count: 'references' },
    },
    {
      name: 'one unpin too many',
      act: (pool, handle) => pool.unpin(handle),
      error: KVReferenceUnderflowError,
      code: 'reference-underflow',
      data: { subject: 'Handle 0', count: 'pins' },
    },
    {
      name: 'a tier that it has not',
      act: (pool, handle) => pool.migrate(handle, 'nvme'),
      error: KVTierError,
      code: 'unknown-tier',
      data: { tier: 'nvme', tiers: ['hbm', 'host'] },
    },
    {
      name: 'a move to a tier that is full',
      act: (pool, handle) => {
        pool.alloc({ tokens: 16, tier: 'host' });
        pool.migrate(handle, 'host');
      },
      error: KVNoVictimError,
      code: 'no-victim',
      data: { tier: 'host', unit: 'tokens', needed: 32, free: 16, reclaimable: 0, capacity: 32 },
    },
  ];
  test.each(table)('$name', ({ act, error, code, data }) => {
    const pool = new KVPool({ maxTokens: 64, tiers: { host: 32 } });
    const handle = pool.alloc({ tokens: 20 });
    const refused = caught(() => act(pool, handle));
    expect(refused).toBeInstanceOf(error);
    expect(refused).toBeInstanceOf(KVError);
    expect(refused).toMatchObject({ code, data });
    expect((refused as Error).message).toMatch(/^[^.]+[;:] .+\.$|^This pool has no tier .+\.$/);
    pool.check();
  });

  test('without a policy a full pool is full, whatever is idle', () => {
    const pool = new KVPool({ maxTokens: 32, policy: null });
    pool.release(pool.alloc({ tokens: 32 }));
    expect(caught(() => pool.alloc({ tokens: 1 }))).toMatchObject({
      code: 'pool-full',
      name: 'KVPoolFullError',
    });
  });
});

describe('eviction', () => {
  test('takes released handles, least recently used first, and never one in use or pinned', () => {
    const pool = new KVPool({ maxTokens: 80 });
    const [a, b, c, d, e] = [1, 2, 3, 4, 5].map(() => pool.alloc({ tokens: 16 }));
    if (!a || !b || !c || !d || !e) throw new Error('Five handles were allocated.');
    for (const handle of [a, b, c, d]) pool.release(handle);
    pool.retain(a);
    pool.release(a);
    pool.pin(b);
    const gone: number[] = [];
    pool.on('evict', ({ handle }) => gone.push(handle.id));
    pool.alloc({ tokens: 40 });
    expect(gone).toEqual([c.id, d.id, a.id]);
    expect([a, b, c, d, e].map(({ state }) => state)).toEqual([
      'evicted',
      'resident',
      'evicted',
      'evicted',
      'resident',
    ]);
  });

  test('frees what shared blocks leave: both owners have to be idle', () => {
    const pool = new KVPool({ maxTokens: 48 });
    const parent = pool.alloc({ tokens: 32 });
    const child = pool.fork(parent);
    pool.release(parent);
    expect(pool.stats().tiers[0]?.reclaimable).toBe(0);
    expect(pool.canAlloc({ tokens: 32 })).toBe(false);
    pool.release(child);
    expect(pool.stats().tiers[0]?.reclaimable).toBe(32);
    pool.alloc({ tokens: 48 });
    expect([parent.state, child.state]).toEqual(['evicted', 'evicted']);
  });
});

describe('sharing', () => {
  test('costs nothing until one of the two writes, and then one block', () => {
    const pool = new KVPool({ maxTokens: 64, blockSize: 4 });
    const parent = pool.alloc({ tokens: 10 });
    const child = pool.fork(parent);
    expect(pool.stats()).toMatchObject({ blocks: 3, sharedBlocks: 3, tiers: [{ used: 12 }] });
    expect(pool.append(child, 1)).toEqual([{ from: 2, to: 3 }]);
    expect([parent.blocks, child.blocks]).toEqual([
      [0, 1, 2],
      [0, 1, 3],
    ]);
    // The parent's tail is its own again.
    expect(pool.append(parent, 1)).toEqual([]);
    expect(pool.writable(child, 3, 2)).toEqual([
      { from: 0, to: 4 },
      { from: 1, to: 5 },
    ]);
    expect(pool.stats()).toMatchObject({ sharedBlocks: 0, copies: 3, wastedSlots: 2 });
    pool.check();
  });

  test('of full blocks needs no copy', () => {
    const pool = new KVPool({ maxTokens: 64, blockSize: 4 });
    const parent = pool.alloc({ tokens: 10 });
    const child = pool.fork(parent, 8);
    expect(pool.append(child, 1)).toEqual([]);
    expect(child.blocks).toEqual([0, 1, 3]);
  });

  test('moves copies of blocks that others refer to', () => {
    const pool = new KVPool({ maxTokens: 64, blockSize: 4, tiers: { host: 64 }, shape: SHAPE });
    const parent = pool.alloc({ tokens: 8 });
    const child = pool.fork(parent);
    pool.append(child, 4);
    const moves: unknown[] = [];
    pool.on('move', ({ from, to, amount, bytes, copiedBlocks }) =>
      moves.push({ from, to, amount, bytes, copiedBlocks }),
    );
    pool.migrate(child, 'host');
    expect(moves).toEqual([{ from: 'hbm', to: 'host', amount: 12, bytes: 12 * 131_072, copiedBlocks: 2 }]);
    expect(pool.stats().tiers.map(({ used }) => used)).toEqual([8, 12]);
    expect([parent.tier, child.tier]).toEqual(['hbm', 'host']);
    pool.check();
  });
});

describe('events', () => {
  test('tell what happened, in order, after it happened', () => {
    const pool = new KVPool({ maxTokens: 32, tiers: { host: 32 } });
    const told: string[] = [];
    pool.onAny((event) => {
      pool.check();
      told.push(`${event.sequence} ${event.type}`);
    });
    const a = pool.alloc({ tokens: 16 });
    pool.release(a);
    pool.retain(a);
    pool.migrate(a, 'host');
    pool.release(pool.alloc({ tokens: 32 }));
    pool.alloc({ tokens: 1 });
    pool.free(a);
    caught(() => pool.alloc({ tokens: 32 }));
    expect(told).toEqual(['0 alloc', '1 hit', '2 move', '3 alloc', '4 evict', '5 alloc', '6 free', '7 miss']);
  });

  test('a listener that throws breaks neither the pool nor the others, and can be ended', () => {
    const pool = new KVPool({ maxTokens: 32 });
    let heard = 0;
    const end = pool.on('alloc', () => {
      throw new Error('listener');
    });
    pool.on('alloc', () => heard++);
    pool.alloc({ tokens: 1 });
    expect(pool.stats()).toMatchObject({ handles: 1, listenerErrors: 1 });
    end();
    end();
    pool.alloc({ tokens: 1 });
    expect(heard).toBe(2);
    expect(pool.stats().listenerErrors).toBe(1);
  });

  test('a listener may end itself and call the pool', () => {
    const pool = new KVPool({ maxTokens: 64 });
    const end = pool.on('alloc', ({ handle }) => {
      end();
      pool.release(handle);
      pool.evict();
    });
    const gone = pool.alloc({ tokens: 16 });
    expect(gone.state).toBe('evicted');
    expect(pool.alloc({ tokens: 16 }).state).toBe('resident');
  });
});

describe.each([...BLOCK_POLICY_NAMES, null])('a random walk with policy %s', (policy) => {
  test.each([1, 2, 3])('keeps the books and the budgets (seed %i)', (seed) => {
    const random = createRandom(seed);
    const blockSize = 1 + random.below(16);
    const pool = new KVPool(
      random.below(2) === 0
        ? { maxTokens: 500, blockSize, policy, tiers: { host: 300, nvme: 700 } }
        : {
            maxBytes: 500 * 131_072,
            shape: SHAPE,
            blockSize,
            policy,
            tiers: { host: 300 * 131_072, nvme: 700 * 131_072 },
          },
    );
    const tiers: KVTier[] = ['hbm', 'host', 'nvme'];
    const pick = <T>(items: readonly T[]): T | undefined => items[random.below(Math.max(1, items.length))];
    const handles: KVHandle[] = [];
    const seen = new Set<string>();
    const steps: ((handle: KVHandle) => void)[] = [
      () => {
        const tokens = 1 + random.below(80);
        const layout = random.below(4) === 0 ? 'contiguous' : 'paged';
        handles.push(
          pool.alloc({
            tokens,
            layout,
            tier: pick(tiers) ?? 'hbm',
            dtype: pick(KV_DTYPES) ?? 'f16',
            reserve: tokens + random.below(9),
          }),
        );
      },
      (handle) => handles.push(pool.fork(handle, 1 + random.below(Math.max(1, handle.tokens)))),
      (handle) => pool.append(handle, 1 + random.below(20)),
      (handle) => pool.writable(handle, 0, 1 + random.below(Math.max(1, handle.tokens))),
      (handle) => pool.truncate(handle, 1 + random.below(Math.max(1, handle.tokens))),
      (handle) => pool.retain(handle),
      (handle) => pool.release(handle),
      (handle) => pool.release(handle),
      (handle) => pool.pin(handle),
      (handle) => pool.unpin(handle),
      (handle) => pool.free(handle),
      (handle) => pool.migrate(handle, pick(tiers) ?? 'hbm'),
      () => pool.evict(pick(tiers)),
    ];
    const first = pool.alloc({ tokens: 1 });
    for (let step = 0; step < 900; step++) {
      try {
        pick(steps)?.(pick(handles.slice(-40)) ?? first);
      } catch (error) {
        // Refusals are part of the walk; anything else is a fault.
        if (!(error instanceof KVError) && !(error instanceof RangeError)) throw error;
        seen.add(error instanceof KVError ? error.code : 'range');
      }
      pool.check();
    }
    // The walk was no stroll: it met the limits.
    expect(seen).toContain(policy === null ? 'pool-full' : 'no-victim');
    expect(seen).toContain('pinned');
    expect(pool.stats().migrations).toBeGreaterThan(3);
  });
});
