import { describe, expect, test } from 'vitest';
import {
  belady,
  BLOCK_POLICIES,
  BLOCK_POLICY_NAMES,
  replayCache,
  type BlockKey,
} from '../../../src/core/eviction/blocks/index.ts';
import { createRandom } from '../../../src/core/random.ts';
import { vectors } from '../../golden/vectors.ts';

interface CacheInput {
  readonly trace_ref: string;
  readonly policy: string;
  readonly capacity: number;
}

const cases = [...vectors('cache/'), ...vectors('cache2/')].filter(({ fn }) => fn === 'simulateCache');
const traceOf = (id: string): BlockKey[] =>
  vectors(id).find((vector) => vector.id === id)?.expected as BlockKey[];

describe('vectors', () => {
  test('there are some', () => expect(cases.length).toBeGreaterThan(20));

  test.each(cases.map((vector) => [vector.id, vector] as const))('%s', (_, { input, expected }) => {
    const { trace_ref, policy: name, capacity } = input as unknown as CacheInput;
    const trace = traceOf(trace_ref);
    const policy =
      name === 'belady' ? belady(trace) : BLOCK_POLICIES[name as keyof typeof BLOCK_POLICIES](capacity);
    // The vectors' GDSF has a cost of 10^6 a block.
    const replay = replayCache(
      policy,
      capacity,
      trace.map((key) => ({ key, cost: 1e6 })),
    );
    const want = expected as { hits: number; misses: number; hit_bitmap?: string };
    expect({ hits: replay.hits, misses: replay.misses }).toEqual({ hits: want.hits, misses: want.misses });
    if (want.hit_bitmap) expect(replay.hitBitmap.join('')).toBe(want.hit_bitmap);
  });
});

describe.each(BLOCK_POLICY_NAMES)('%s', (name) => {
  const make = BLOCK_POLICIES[name];
  const facts = { size: 1, cost: 1, depth: 0 };

  test.each([1, 2, 3])('gives up each resident block once and none in use (seed %i)', (seed) => {
    const random = createRandom(seed);
    const capacity = 12;
    const policy = make(capacity);
    const resident = new Set<BlockKey>();
    for (let now = 0; now < 2000; now++) {
      const key = random.below(40);
      if (resident.has(key)) {
        if (random.below(20) === 0) {
          policy.remove(key);
          resident.delete(key);
        } else policy.hit(key, { ...facts, now });
        continue;
      }
      if (resident.size === capacity) {
        const inUse = new Set([...resident].filter(() => random.below(3) === 0));
        const victim = policy.victim(key, (block) => !inUse.has(block), now);
        if (victim === null) {
          expect(inUse.size).toBe(resident.size);
          continue;
        }
        expect(resident.has(victim) && !inUse.has(victim)).toBe(true);
        resident.delete(victim);
      }
      policy.admit(key, { ...facts, now });
      resident.add(key);
    }
    expect(policy.victim('new', () => false, 2000)).toBeNull();
  });

  test('never beats the optimum', () => {
    const trace = traceOf('cache/trace');
    const hits = replayCache(
      make(20),
      20,
      trace.map((key) => ({ key })),
    ).hits;
    expect(hits).toBeLessThanOrEqual(
      replayCache(
        belady(trace),
        20,
        trace.map((key) => ({ key })),
      ).hits,
    );
  });
});

test('suffix first gives up the tail of a chain before its head', () => {
  const policy = BLOCK_POLICIES.suffix(3);
  for (const depth of [0, 1, 2]) policy.admit(`block ${depth}`, { size: 1, cost: 1, now: 7, depth });
  const order = [0, 1, 2].map(() => policy.victim('new', () => true, 8));
  expect(order).toEqual(['block 2', 'block 1', 'block 0']);
});

test('age decay forgets what was hot once', () => {
  const policy = BLOCK_POLICIES.agedecay(1);
  for (let now = 0; now < 5; now++) {
    if (now === 0) policy.admit('once hot', { size: 1, cost: 1, depth: 0, now });
    else policy.hit('once hot', { size: 1, cost: 1, depth: 0, now });
  }
  policy.admit('warm', { size: 1, cost: 1, depth: 0, now: 60 });
  expect(policy.victim('new', () => true, 61)).toBe('once hot');
});
