import { describe, expect, test } from 'vitest';
import { h2oKeep, h2oScores } from '../../../src/core/eviction/h2o.ts';
import {
  expectedAttentionScores,
  queryStatistics,
  rotateStatistics,
  softmax,
} from '../../../src/core/eviction/expected-attention.ts';
import { keyDiffScores } from '../../../src/core/eviction/keydiff.ts';
import { knormScores } from '../../../src/core/eviction/knorm.ts';
import { blockMeans, lowestBlock, valueKeyScores } from '../../../src/core/eviction/paged-eviction.ts';
import { POLICIES } from '../../../src/core/eviction/policies.ts';
import type { SequencePolicyName } from '../../../src/core/eviction/policy.ts';
import { pyramidKvBudgets } from '../../../src/core/eviction/pyramidkv.ts';
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
  keyDiffScores: (v: { keys: Rows }) => keyDiffScores(v.keys),
  expectedAttentionScores: (v: {
    keys: Rows;
    values: Rows;
    mu: number[];
    cov: Rows;
    eps: number;
    n_sink: number;
  }) => {
    const { keys, values, eps: epsilon, n_sink: sinks } = v;
    const queries = [{ mean: v.mu, covariance: v.cov }];
    // Values of length 1 leave the share alone.
    const ones = keys.map(() => [1]);
    return {
      softmax: expectedAttentionScores({ keys, values: ones, queries, sinks, epsilon }),
      score: expectedAttentionScores({ keys, values, queries, sinks, epsilon }),
    };
  },
  pyramidKvBudgets: (v: {
    max_capacity: number;
    window: number;
    layers: number;
    beta: number;
    q_len: number;
  }) => {
    const { window, layers, beta } = v;
    const budgets = pyramidKvBudgets({ maxCapacity: v.max_capacity, window, layers, length: v.q_len, beta });
    return {
      per_layer_excl_window: budgets,
      total: budgets.reduce((sum, budget) => sum + budget, 0),
      uniform_total: layers * (v.max_capacity - window),
    };
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

const cases = [
  ...['slm/', 'h2o/', 'tova/', 'snapkv/', 'pyramidkv/', 'quest/'],
  ...['knorm', 'keydiff', 'expattn', 'pagedeviction', 'kvpress/'],
].flatMap(vectors);

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

const NAMES = Object.keys(POLICIES) as SequencePolicyName[];

describe('every policy', () => {
  test('stands under its own name', () => {
    for (const name of NAMES) expect(POLICIES[name].name).toBe(name);
    expect(NAMES).toEqual(expect.arrayContaining([...EVICTION_POLICIES]));
  });

  test.each(NAMES)('%s keeps ascending, distinct tokens within the budget', (name) => {
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
    const keep = (name: SequencePolicyName) =>
      POLICIES[name].keep({ length: 12, budget: 6, scores, blockSize: 2 });
    expect(keep('streaming-llm')).toEqual([0, 1, 2, 3, 10, 11]);
    expect(keep('h2o')).toEqual([3, 5, 8, 9, 10, 11]);
    expect(keep('tova')).toEqual([1, 3, 5, 6, 7, 8]);
    expect(keep('snapkv')).toEqual([3, 5, 8, 9, 10, 11]);
    expect(keep('knorm')).toEqual([1, 3, 5, 6, 7, 8]);
    expect(keep('keydiff')).toEqual([1, 3, 5, 6, 7, 8]);
    expect(keep('pyramidkv')).toEqual([3, 5, 8, 9, 10, 11]);
    // The first four stay, and the best two of the others.
    expect(keep('expected-attention')).toEqual([0, 1, 2, 3, 5, 8]);
    // Means of the blocks: 2.5, 4, 5.5, 3, 4, 0.5; the first and the newest stay.
    expect(keep('paged-eviction')).toEqual([0, 1, 4, 5, 10, 11]);
    // Six pages; the three with the highest bounds, the newest among them.
    expect(keep('quest')).toEqual([2, 3, 6, 7, 10, 11]);
    expect(keep('none')).toEqual(range(0, 12));
  });
});

describe('PyramidKV', () => {
  test('keeps all of a short prompt, and the same in every layer of a middling one', () => {
    const budgets = (length: number, layers = 4) =>
      pyramidKvBudgets({ maxCapacity: 64, window: 8, layers, length });
    expect(budgets(40)).toEqual([32, 32, 32, 32]);
    expect(budgets(100)).toEqual([56, 56, 56, 56]);
    expect(budgets(1000, 1)).toEqual([56]);
  });

  test('gives each layer its budget, the window included', () => {
    expect(POLICIES.pyramidkv.layerBudgets?.({ budget: 128, layers: 4, length: 4096 })).toEqual([
      189, 149, 109, 69,
    ]);
  });
});

describe('KeyDiff', () => {
  test('drops what repeats, whatever its length, and survives a key of zeros', () => {
    const scores = keyDiffScores([
      [1, 0],
      [5, 0],
      [0, 1],
      [0, 0],
    ]);
    expect(scores[0]).toBe(scores[1]);
    expect(scores[2]).toBeGreaterThan(scores[0] ?? 0);
    expect(scores[3]).toBe(0);
  });
});

describe('expected attention', () => {
  test('is the mean of what sampled queries attend to', () => {
    const random = createRandom(5);
    const keys = Array.from({ length: 6 }, () => [random.normal(), random.normal()]);
    const queries = Array.from({ length: 20_000 }, () => [
      0.5 + 0.7 * random.normal(),
      -0.2 + 0.4 * random.normal(),
    ]);
    // Numerator and denominator are averaged apart, as the method has it.
    const weights = keys.map((key) =>
      queries.reduce((sum, query) => {
        const dot = key.reduce((total, k, i) => total + k * (query[i] ?? 0), 0) / Math.SQRT2;
        return sum + Math.exp(dot);
      }, 0),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const scores = expectedAttentionScores({
      keys,
      values: keys.map(() => [1]),
      queries: [queryStatistics(queries)],
      sinks: 0,
    });
    scores.forEach((score, i) => expect(score).toBeCloseTo((weights[i] ?? 0) / total, 2));
  });

  test('gives the sinks the highest score and leaves them out of the shares', () => {
    const queries = [{ mean: [1, 0] }];
    const keys = [
      [9, 9],
      [1, 0],
      [0, 1],
    ];
    const scores = expectedAttentionScores({ keys, values: keys.map(() => [1]), queries, sinks: 1 });
    expect(scores[0]).toBe(scores[1]);
    expect((scores[1] ?? 0) + (scores[2] ?? 0)).toBeCloseTo(1, 12);
  });

  test('turns statistics as it would turn every query', () => {
    const random = createRandom(9);
    const queries = Array.from({ length: 50 }, () => Array.from({ length: 4 }, () => random.normal()));
    const [position, theta] = [7, 100];
    const turned = queries.map(([a = 0, b = 0, c = 0, d = 0]) => {
      const [t0, t1] = [position, position / 10];
      return [
        a * Math.cos(t0) - c * Math.sin(t0),
        b * Math.cos(t1) - d * Math.sin(t1),
        c * Math.cos(t0) + a * Math.sin(t0),
        d * Math.cos(t1) + b * Math.sin(t1),
      ];
    });
    const rotated = rotateStatistics(queryStatistics(queries), position, theta, 1);
    const expected = queryStatistics(turned);
    expectClose(Array.from(rotated.mean), Array.from(expected.mean), 1e-9);
    expectClose(rotated.covariance, expected.covariance, 1e-9);
  });

  test('softmax holds large numbers', () => {
    expect(softmax([1000, 1000])).toEqual([0.5, 0.5]);
  });
});
