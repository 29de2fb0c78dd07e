import { describe, expect, test } from 'vitest';
import {
  createRandom,
  KVNotCachedError,
  KVReferenceUnderflowError,
  RADIX_POLICY_NAMES,
  RadixTree,
  type RadixPolicyName,
} from '../../../src/index.ts';
import { vectors } from '../../golden/vectors.ts';

type Op = ['insert' | 'match' | 'lock', number[]] | ['evict', number];

const tokensOf = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));
const textOf = (tokens: readonly number[]): string => String.fromCharCode(...tokens);
const runs = (tree: RadixTree): number[][] => tree.nodes().map(({ tokens }) => [...tokens]);

function play(name: string): {
  tree: RadixTree;
  answers: unknown[];
  seen: number[][][];
  expected: Record<string, unknown>;
} {
  const [vector] = vectors(name);
  const { page_size, ops } = vector?.input as { page_size: number; ops: Op[] };
  const tree = new RadixTree({ pageSize: page_size });
  const seen: number[][][] = [];
  const answers = ops.map(([kind, argument]) => {
    const answer = step(tree, kind, argument);
    tree.check();
    seen.push(runs(tree));
    return answer;
  });
  return { tree, answers, seen, expected: vector?.expected as Record<string, unknown> };
}

function step(tree: RadixTree, kind: Op[0], argument: number[] | number): unknown {
  if (typeof argument === 'number') return tree.evict(argument);
  if (kind === 'insert') return tree.insert(argument).prefixTokens;
  const { numTokens, node } = tree.match(argument);
  if (kind === 'lock' && node) tree.lock(node);
  return numTokens;
}

describe('SGLang’s tree', () => {
  test('radix/split-evict', () => {
    const { answers, seen, expected } = play('radix/split-evict');
    const evicted = answers.slice(4) as ReturnType<RadixTree['evict']>[];
    expect({
      insert2_existing_prefix: answers[1],
      nodes_after_split: seen[1],
      match3: answers[2],
      match4: answers[3],
      evict_freed: evicted.map(({ numTokens }) => numTokens),
      evict_order: evicted.flatMap((one) => one.runs),
    }).toEqual(expected);
  });

  test('radix/lock', () => {
    const { tree, answers, expected } = play('radix/lock');
    const evicted = answers.slice(3) as ReturnType<RadixTree['evict']>[];
    expect({ evict_freed: evicted.map(({ numTokens }) => numTokens), remaining: runs(tree) }).toEqual(
      expected,
    );
    expect([tree.lockedTokens, tree.evictableTokens]).toEqual([4, 0]);
  });

  test('prefix/page-align', () => {
    const [vector] = vectors('prefix/page-align');
    const { page_size, common } = vector?.input as { page_size: number; common: number };
    const tree = new RadixTree({ pageSize: page_size });
    const known = Array.from({ length: 100 }, (_, i) => i);
    tree.insert(known);
    expect(tree.totalTokens).toBe(96);
    expect(tree.match(known.map((token, i) => (i < common ? token : -token))).numTokens).toBe(
      vector?.expected,
    );
  });
});

describe('order of eviction', () => {
  /** Inserts branches, uses them, and evicts one leaf after the other. */
  const order = (policy: RadixPolicyName): string[] => {
    const tree = new RadixTree({ policy });
    tree.insert(tokensOf('ab1'), undefined, { priority: 3 });
    tree.insert(tokensOf('ab2'), undefined, { priority: 1 });
    tree.insert(tokensOf('cd'), undefined, { priority: 2 });
    tree.insert(tokensOf('ab1'));
    tree.match(tokensOf('cd'));
    return [1, 1, 1, 1].flatMap(() => tree.evict(1).runs.map(textOf));
  };

  test.each([
    ['lru', ['2', '1', 'ab', 'cd']],
    ['lfu', ['2', 'cd', '1', 'ab']],
    ['fifo', ['1', '2', 'ab', 'cd']],
    ['mru', ['cd', '1', '2', 'ab']],
    ['filo', ['cd', '2', '1', 'ab']],
    ['priority', ['2', 'cd', '1', 'ab']],
    ['slru', ['2', 'cd', '1', 'ab']],
  ] as const)('%s', (policy, expected) => {
    expect(order(policy)).toEqual(expected);
  });

  test('frees whole runs, so more than was asked', () => {
    const tree = new RadixTree();
    tree.insert([1, 2, 3, 4, 5], [50, 51, 52, 53, 54]);
    expect(tree.evict(2)).toEqual({ numTokens: 5, slots: [50, 51, 52, 53, 54], runs: [[1, 2, 3, 4, 5]] });
    expect(tree.evict(1)).toEqual({ numTokens: 0, slots: [], runs: [] });
  });
});

describe('slots', () => {
  test('of a match are the first that were given; later ones stay the caller’s', () => {
    const tree = new RadixTree({ pageSize: 2 });
    tree.insert([1, 2, 3, 4], [10, 11, 12, 13]);
    expect(tree.insert([1, 2, 3, 4, 5, 6, 7], [20, 21, 22, 23, 24, 25, 26])).toEqual({ prefixTokens: 4 });
    expect(tree.match([1, 2, 3, 4, 5, 6, 7])).toMatchObject({
      numTokens: 6,
      slots: [10, 11, 12, 13, 24, 25],
    });
  });

  test('of other namespaces are not found', () => {
    const tree = new RadixTree();
    tree.insert([1, 2], [10, 11], { namespace: 'lora-a' });
    expect(tree.match([1, 2]).node).toBeNull();
    expect(tree.match([1, 2], { namespace: 'lora-a' }).slots).toEqual([10, 11]);
    expect(tree.evict(9).numTokens).toBe(2);
    expect(tree.nodes()).toEqual([]);
    expect(tree.match([1, 2], { namespace: 'lora-a' }).numTokens).toBe(0);
    tree.check();
  });

  test('must be as many as the tokens', () => {
    expect(() => new RadixTree().insert([1, 2], [0])).toThrow(/1 slots were given for 2 tokens/);
    expect(() => new RadixTree({ pageSize: 0 })).toThrow(/pageSize is 0/);
  });
});

describe('locks', () => {
  test('survive a split of their node, go in pairs, and end with it', () => {
    const tree = new RadixTree();
    tree.insert([1, 2, 3, 4]);
    const { node } = tree.match([1, 2, 3, 4]);
    if (!node) throw new Error('It was inserted.');
    tree.lock(node);
    tree.insert([1, 2, 9]);
    tree.check();
    expect(tree.lockedTokens).toBe(4);
    tree.unlock(node);
    tree.check();
    expect(tree.lockedTokens).toBe(0);
    expect(() => tree.unlock(node)).toThrow(KVReferenceUnderflowError);
    tree.evict(100);
    expect(() => tree.lock(node)).toThrow(KVNotCachedError);
  });
});

test('events tell what was found, missed, added and evicted', () => {
  const tree = new RadixTree();
  const told: unknown[] = [];
  for (const type of ['alloc', 'hit', 'miss'] as const) {
    tree.on(type, ({ numTokens }) => told.push([type, numTokens]));
  }
  tree.on('evict', ({ tokens }) => told.push(['evict', tokens.length]));
  tree.insert([1, 2, 3]);
  tree.match([1, 2, 5]);
  tree.evict(1);
  expect(told).toEqual([
    ['alloc', 3],
    ['hit', 2],
    ['miss', 1],
    ['evict', 1],
  ]);
});

describe.each(RADIX_POLICY_NAMES)('a random walk with %s', (policy) => {
  test.each([1, 2, 3])('matches what a list of all prefixes does (seed %i)', (seed) => {
    const random = createRandom(seed);
    const pageSize = 1 + random.below(3);
    const tree = new RadixTree({ pageSize, policy });
    /** Slot → the prefix that ends there. */
    const prefixOf = new Map<number, string>();
    const locked: { node: NonNullable<ReturnType<RadixTree['match']>['node']>; text: string }[] = [];
    let slot = 0;
    for (let turn = 0; turn < 500; turn++) {
      const text = Array.from({ length: random.below(13) }, () => 'ab'.charAt(random.below(2))).join('');
      const known = new Set(prefixOf.values());
      let longest = text.length - (text.length % pageSize);
      while (longest > 0 && !known.has(text.slice(0, longest))) longest -= pageSize;
      const action = random.below(4);
      if (action === 0) {
        const first = slot;
        slot += text.length;
        const slots = tokensOf(text).map((_, i) => first + i);
        expect(tree.insert(tokensOf(text), slots)).toEqual({ prefixTokens: longest });
        const end = text.length - (text.length % pageSize);
        for (let i = longest; i < end; i++) prefixOf.set(first + i, text.slice(0, i + 1));
      } else if (action === 1) {
        const match = tree.match(tokensOf(text));
        expect(match.numTokens).toBe(longest);
        expect(match.slots.map((at) => prefixOf.get(at))).toEqual(
          [...text.slice(0, longest)].map((_, i) => text.slice(0, i + 1)),
        );
        if (match.node && random.below(2) === 0) {
          tree.lock(match.node);
          locked.push({ node: match.node, text: text.slice(0, longest) });
        }
      } else if (action === 2) {
        const { slots, numTokens } = tree.evict(random.below(8));
        expect(slots).toHaveLength(numTokens);
        for (const at of slots) expect(prefixOf.delete(at)).toBe(true);
      } else if (locked.length > 2) {
        const first = locked.shift();
        if (first) tree.unlock(first.node);
      }
      tree.check();
      expect(tree.totalTokens).toBe(prefixOf.size);
      const still = new Set(prefixOf.values());
      for (const one of locked) expect(still.has(one.text)).toBe(true);
    }
    expect(slot).toBeGreaterThan(100);
  });
});
