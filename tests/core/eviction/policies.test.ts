import { describe, expect, test } from 'vitest';
import { h2oKeep, h2oScores } from '../../../src/core/eviction/h2o.ts';
import { knormScores } from '../../../src/core/eviction/knorm.ts';
import { blockMeans, lowestBlock, valueKeyScores } from '../../../src/core/eviction/paged-eviction.ts';
import { POLICIES } from '../../../src/core/eviction/policies.ts';
import {
  questBounds,
  questLoadFraction,
  questPages,
  questPageScore,
} from '../../../src/core/eviction/quest.ts';
import { keepBest, keptAtRatio, range, topIndices } from '../../../src/core/eviction/select.ts';
import { poolVotes, snapKvKeep, type PoolKind } from '../../../src/core/eviction/snapkv.ts';
import { streamingLlmKeep } from '../../../src/core/eviction/streaming-llm.ts';
import { tovaKeep } from '../../../src/core/eviction/tova.ts';
import { createRandom } from '../../../src/core/random.ts';
import { EVICTION_POLICIES } from '../../../src/core/scenario/schema.ts';
import { vectors } from '../../golden/vectors.ts';

type Rows = number[][];

/** The published function of each vector, by its name there. */
const FUNCTIONS: Record<string, (input: never) => unknown> = {
  streamingLlmKeep: (v: { seq_len: number; start: number; recent: number; num_coming: number }) =>
    streamingLlmKeep(v.seq_len, v.start, v.recent, v.num_coming),
  h2oKeep: (v: { attn: Rows; heavy: number; recent: number }) => {
    const scores = h2oScores(v.attn);
    return { scores, keep: h2oKeep(scores, v.heavy, v.recent) };
  },
  tovaKeep: (v: { last_query_attn_mean: number[]; cache_size: number }) =>
    tovaKeep(v.last_query_attn_mean, v.cache_size),
  snapKvKeep: (v: {
    votes_over_prefix: number[];
    kernel: number;
    pool: PoolKind;
    window: number;
    max_capacity: number;
  }) => {
    const pooled = poolVotes(v.votes_over_prefix, v.kernel, v.pool);
    return { pooled, keep: snapKvKeep(pooled, v.window, v.max_capacity) };
  },
  questPageScore: (v: { query: number[]; keys: Rows }) => {
    const bounds = questBounds(v.keys);
    const exact = v.keys.map((key) => key.reduce((sum, k, i) => sum + k * (v.query[i] ?? 0), 0));
    return { ...bounds, upper_bound: questPageScore(v.query, bounds), exact_dots: exact };
  },
  questLoadFraction: (v: { page: number; topk_pages: number; seq: number }) =>
    questLoadFraction(v.page, v.topk_pages, v.seq),
  questPages: (v: { token_budget: number; page: number }) => questPages(v.token_budget, v.page),
  knormScores: (v: { keys: Rows }) => knormScores(v.keys),
  pagedEvictionScores: (v: { keys: Rows; values: Rows; block_size: number }) => {
    const token = valueKeyScores(v.keys, v.values);
    const means = blockMeans(token, token.length, v.block_size);
    return { token, block_mean: means, evict_block: lowestBlock(means) };
  },
  nKept: (v: { length: number; compression_ratio: number }) => keptAtRatio(v.length, v.compression_ratio),
};

function expectClose(actual: unknown, expected: unknown, tol: number): void {
  if (typeof expected === 'number') {
    expect(typeof actual).toBe('number');
    expect(Math.abs(Number(actual) - expected)).toBeLessThanOrEqual(tol * Math.max(1, Math.abs(expected)));
  } else if (Array.isArray(expected)) {
    expect(actual).toHaveLength(expected.length);
    expected.forEach((item, i) => expectClose((actual as unknown[])[i], item, tol));
  } else {
    for (const [name, value] of Object.entries(expected as object)) {
      expectClose((actual as Record<string, unknown>)[name], value, tol);
    }
  }
}

const cases = ['slm/', 'h2o/', 'tova/', 'snapkv/', 'quest/', 'knorm', 'pagedeviction', 'kvpress/'].flatMap(
  vectors,
);

describe('the published functions', () => {
  test.each(cases.map((vector) => [vector.id, vector] as const))('%s', (_, { fn, input, expected, tol }) => {
    const published = FUNCTIONS[fn];
    expect(published, fn).toBeDefined();
    expectClose(published?.(input as never), expected, tol);
  });
});

describe('ranking', () => {
  test('gives ties to the lower index, and the lowest rank to NaN', () => {
    expect(topIndices([1, 3, 3, NaN, 3, 1], 2)).toEqual([1, 2]);
    expect(topIndices([1, 1, 1, 1], 3)).toEqual([0, 1, 2]);
    expect(topIndices([NaN, -5, -Infinity], 1)).toEqual([1]);
  });

  test('protects the newest before the first, and neither beyond the budget', () => {
    const scores = [0, 9, 8, 7, 0, 0];
    expect(keepBest(scores, 6, 4, { first: 1, last: 2 })).toEqual([0, 1, 4, 5]);
    expect(keepBest(scores, 6, 3, { first: 2, last: 2 })).toEqual([0, 4, 5]);
    expect(keepBest(scores, 6, 1, { first: 2, last: 2 })).toEqual([5]);
    expect(keepBest(scores, 6, 6, { first: 2, last: 2 })).toEqual(range(0, 6));
  });
});

describe('every policy', () => {
  test('stands under its own name', () => {
    for (const name of EVICTION_POLICIES) expect(POLICIES[name].name).toBe(name);
  });

  test.each(EVICTION_POLICIES)('%s keeps ascending, distinct tokens within the budget', (name) => {
    const random = createRandom(11);
    for (let round = 0; round < 60; round++) {
      const blockSize = 8;
      const length = 1 + random.below(120);
      const budget = 32 + random.below(64);
      // Coarse scores, so that ties are common.
      const scores = Float32Array.from({ length }, () => random.below(6));
      const kept = POLICIES[name].keep({ length, budget, scores, blockSize });
      expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
      expect(kept.every((token) => token >= 0 && token < length)).toBe(true);
      if (length <= budget || name === 'none') expect(kept).toEqual(range(0, length));
      else expect(kept.length).toBeLessThanOrEqual(budget);
      expect(POLICIES[name].keep({ length, budget, scores, blockSize })).toEqual(kept);
    }
  });

  test('keeps, of 12 tokens under a budget of 6, exactly these', () => {
    const scores = [0, 5, 1, 7, 2, 9, 3, 3, 8, 0, 1, 0];
    const keep = (name: (typeof EVICTION_POLICIES)[number]) =>
      POLICIES[name].keep({ length: 12, budget: 6, scores, blockSize: 2 });
    expect(keep('streaming-llm')).toEqual([0, 1, 2, 3, 10, 11]);
    expect(keep('h2o')).toEqual([3, 5, 8, 9, 10, 11]);
    expect(keep('tova')).toEqual([1, 3, 5, 6, 7, 8]);
    expect(keep('snapkv')).toEqual([3, 5, 8, 9, 10, 11]);
    expect(keep('knorm')).toEqual([1, 3, 5, 6, 7, 8]);
    // Means of the blocks: 2.5, 4, 5.5, 3, 4, 0.5; the first and the newest stay.
    expect(keep('paged-eviction')).toEqual([0, 1, 4, 5, 10, 11]);
    // Six pages; the three with the highest bounds, the newest among them.
    expect(keep('quest')).toEqual([2, 3, 6, 7, 10, 11]);
    expect(keep('none')).toEqual(range(0, 12));
  });
});
