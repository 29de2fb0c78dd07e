import { describe, expect, test } from 'vitest';
import {
  belady,
  BLOCK_POLICIES,
  BLOCK_POLICY_NAMES,
  replayCache,
  type BlockKey,
} from '../../../src/core/eviction/blocks/index.ts';
import { Heap, type Ranked } from '../../../src/core/eviction/blocks/heap.ts';
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

  test.each([1, 2, 3])('keeps objects of unequal size within the bytes (seed %i)', (seed) => {
    const random = createRandom(seed);
    const sizes = Array.from({ length: 80 }, () => 1 + random.below(300));
    const capacity = 2000;
    const policy = make(capacity);
    const resident = new Set<BlockKey>();
    const used = (): number => [...resident].reduce<number>((sum, key) => sum + (sizes[Number(key)] ?? 0), 0);
    for (let now = 0; now < 3000; now++) {
      const key = Math.min(random.below(80), random.below(80));
      const size = sizes[key] ?? 1;
      if (resident.has(key)) {
        policy.hit(key, { ...facts, size, now });
        continue;
      }
      while (used() + size > capacity) {
        const victim = policy.victim(key, () => true, now);
        expect(victim !== null && resident.delete(victim)).toBe(true);
      }
      policy.admit(key, { ...facts, size, now });
      resident.add(key);
    }
    expect(resident.size).toBeGreaterThan(3);
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

test('suffix first gives up the older of two chains, tail first, when both were used from head to tail', () => {
  const policy = BLOCK_POLICIES.suffix(6);
  let now = 0;
  for (const chain of ['a', 'b'])
    for (const depth of [0, 1, 2]) policy.admit(`${chain}${depth}`, { size: 1, cost: 1, now: now++, depth });
  // The head of a is used again, by a prompt that shares nothing else with it.
  policy.hit('a0', { size: 1, cost: 1, now: now++, depth: 0 });
  const order = Array.from({ length: 6 }, () => policy.victim('new', () => true, now));
  expect(order).toEqual(['a2', 'a1', 'b2', 'b1', 'b0', 'a0']);
});

test.each([1, 2, 3])('the heap gives back what a sorted list does (seed %i)', (seed) => {
  const random = createRandom(seed);
  const heap = new Heap();
  let list: Ranked[] = [];
  for (let order = 0; order < 3000; order++) {
    const key = random.below(200);
    const others = list.filter((item) => item.key !== key);
    const action = random.below(4);
    if (action < 2) {
      const item = { key, priority: random.below(9), order };
      heap.set(item);
      list = [...others, item].sort((a, b) => a.priority - b.priority || a.order - b.order);
    } else if (action === 2) {
      expect(heap.delete(key)).toBe(others.length < list.length);
      list = others;
    } else {
      const wanted = random.below(3);
      const first = list.find((item) => Number(item.key) % 3 === wanted) ?? null;
      expect(heap.takeWhere((one) => Number(one) % 3 === wanted)).toEqual(first);
      list = list.filter((item) => item !== first);
    }
    expect(heap.length).toBe(list.length);
    expect(heap.priorityOf(key)).toBe(list.find((item) => item.key === key)?.priority);
  }
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
