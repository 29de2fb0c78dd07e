import { describe, expect, test } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import { lengthDraws, lognormalMoments, type Lengths } from '../../../src/core/workload/lengths.ts';
import { multiTurnReuse } from '../../../src/core/workload/sharing.ts';
import { isWithin, vectors } from '../../golden/vectors.ts';

test.each(vectors('load/lognormal/').map((v) => [v.id, v] as const))('%s', (_, { input, expected, tol }) => {
  const { mu, sigma } = input as { mu: number; sigma: number };
  const moments = lognormalMoments(mu, sigma);
  for (const [name, value] of Object.entries(expected as Record<string, number>)) {
    expect(isWithin(moments[name as keyof typeof moments], value, tol), name).toBe(true);
  }
});

test.each(vectors('load/multiturn/').map((v) => [v.id, v] as const))('%s', (_, { input, expected }) => {
  const { system, user, assistant, turns } = input as Record<string, number>;
  const reuse = multiTurnReuse({
    systemTokens: system ?? 0,
    userTokens: user ?? 0,
    assistantTokens: assistant ?? 0,
    turns: turns ?? 0,
  });
  expect({
    prompt_tokens: reuse.promptTokens,
    reusable_tokens: reuse.reusableTokens,
    ideal_hit: reuse.idealHitRatio,
  }).toEqual(expected);
});

describe('drawn lengths', () => {
  const table: { lengths: Lengths; min: number; max: number; median: number }[] = [
    { lengths: { kind: 'fixed', tokens: 9 }, min: 9, max: 9, median: 9 },
    { lengths: { kind: 'uniform', min: 10, max: 30 }, min: 10, max: 30, median: 20 },
    { lengths: { kind: 'lognormal', mu: 6.6, sigma: 1, min: 1, max: 4000 }, min: 1, max: 4000, median: 703 },
    { lengths: { kind: 'zipf', exponent: 0.6, min: 100, max: 300 }, min: 100, max: 300, median: 144 },
    {
      lengths: {
        kind: 'quantiles',
        points: [
          [0, 10],
          [0.5, 100],
          [1, 1000],
        ],
      },
      min: 10,
      max: 1000,
      median: 100,
    },
  ];
  test.each(table)('$lengths stay in bounds around their median', ({ lengths, min, max, median }) => {
    const draw = lengthDraws(lengths, createRandom(11));
    const drawn = Array.from({ length: 20_001 }, draw).sort((a, b) => a - b);
    expect(drawn.every(Number.isInteger)).toBe(true);
    expect(drawn[0]).toBeGreaterThanOrEqual(min);
    expect(drawn.at(-1)).toBeLessThanOrEqual(max);
    expect(Math.abs((drawn[10_000] ?? 0) / median - 1)).toBeLessThan(0.05);
  });

  test.each<[string, Lengths]>([
    ['empty bounds', { kind: 'uniform', min: 5, max: 4 }],
    ['bounds far from the mass', { kind: 'lognormal', mu: 2, sigma: 0.5, min: 5000, max: 6000 }],
    [
      'quantiles that fall',
      {
        kind: 'quantiles',
        points: [
          [0, 10],
          [1, 5],
        ],
      },
    ],
    [
      'quantiles without an end',
      {
        kind: 'quantiles',
        points: [
          [0, 10],
          [0.9, 50],
        ],
      },
    ],
  ])('refuse %s', (_, lengths) => {
    expect(() => lengthDraws(lengths, createRandom(1))).toThrow(RangeError);
  });
});
