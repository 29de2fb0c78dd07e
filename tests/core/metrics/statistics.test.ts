import { expect, test } from 'vitest';
import {
  bootstrapInterval,
  canBoundQuantile,
  clusterPercentileIntervals,
  quantileInterval,
  quantileRanks,
  samplesToBound,
} from '../../../src/core/metrics/intervals.ts';
import {
  mean,
  median,
  minSamplesForTail,
  percentileLinear,
  percentileNearestRank,
} from '../../../src/core/metrics/percentiles.ts';
import { batchMeans, mser5Truncation } from '../../../src/core/metrics/steady.ts';
import { createRandom } from '../../../src/core/random.ts';
import {
  binomialCdf,
  incompleteBeta,
  logGamma,
  normalCdf,
  normalQuantile,
  studentCdf,
  studentQuantile,
} from '../../../src/core/special.ts';
import { isWithin, vectors } from '../../golden/vectors.ts';

const list = (value: unknown) => value as number[];

test.each(vectors('pct/'))('$id', ({ fn, input, expected, tol }) => {
  const percentile = { percentileLinear, percentileNearestRank }[fn];
  if (!percentile) throw new Error(`No function ${fn}.`);
  const actual = percentile(list(input['x']), Number(input['p']));
  expect(isWithin(actual, expected, tol), `${actual} for ${String(expected)}`).toBe(true);
});

test.each(vectors('stats/qci/'))('$id', ({ input, expected, tol }) => {
  const ranks = quantileRanks(Number(input['n']), Number(input['p']), Number(input['conf']));
  const published = expected as { lower_rank: number; upper_rank: number; coverage: number };
  expect([ranks.lowerRank, ranks.upperRank]).toEqual([published.lower_rank, published.upper_rank]);
  expect(isWithin(ranks.coverage, published.coverage, tol), String(ranks.coverage)).toBe(true);
});

test.each(vectors('stats/mser5'))('$id', ({ input, expected }) => {
  expect(mser5Truncation(list(input['x']))).toBe(expected);
});

test.each(vectors('stats/batchmeans'))('$id', ({ input, expected, tol }) => {
  const result = batchMeans(list(input['x']), Number(input['batches']));
  const published = expected as { means: number[]; grand: number; se: number };
  expect(result.means).toEqual(published.means);
  expect(isWithin(result.grand, published.grand, tol)).toBe(true);
  expect(isWithin(result.se, published.se, tol)).toBe(true);
});

test.each(vectors('stats/minsamples'))('$id', ({ input, expected }) => {
  expect(minSamplesForTail(Number(input['p']), Number(input['tail_points']))).toBe(expected);
});

test.each([
  [0.9, 10, 100],
  [0.95, 10, 200],
  [0.99, 10, 1000],
  [0.999, 10, 10_000],
  [0.5, 10, 20],
])('the tail of %d with %i points needs %i samples', (p, points, expected) => {
  expect(minSamplesForTail(p, points)).toBe(expected);
});

test('percentiles refuse no samples and no percent', () => {
  expect(() => percentileLinear([], 50)).toThrow('no sample');
  expect(() => percentileLinear([1], 101)).toThrow('101');
  expect(() => percentileNearestRank([1], NaN)).toThrow('NaN');
});

/** Values of scipy 1.17.1: norm.ppf, gammaln, t.cdf, t.ppf, beta.cdf, binom.cdf; named as R names them. */
test.each([
  ['qnorm(0.975)', normalQuantile(0.975), 1.959963984540054],
  ['qnorm(0.025)', normalQuantile(0.025), -1.959963984540054],
  ['qnorm(1e-10)', normalQuantile(1e-10), -6.361340902404056],
  ['qnorm(1e-20)', normalQuantile(1e-20), -9.262340089798409],
  ['pnorm(1)', normalCdf(1), 0.8413447460685429],
  ['pnorm(-2.5)', normalCdf(-2.5), 0.006209665325776132],
  ['pnorm(-3.4)', normalCdf(-3.4), 0.00033692926567688086],
  ['pnorm(-3.6)', normalCdf(-3.6), 0.00015910859015753364],
  ['pnorm(-8)', normalCdf(-8), 6.22096057427174e-16],
  ['pnorm(0)', normalCdf(0), 0.5],
  ['qnorm(0.5)', normalQuantile(0.5), 0],
  ['lgamma(0.5)', logGamma(0.5), 0.5723649429247],
  ['lgamma(10)', logGamma(10), 12.801827480081469],
  ['lgamma(1000.5)', logGamma(1000.5), 5908.674175848678],
  ['qt(0.975, 1)', studentQuantile(0.975, 1), 12.706204736174694],
  ['qt(0.975, 4)', studentQuantile(0.975, 4), 2.7764451051977934],
  ['qt(0.95, 9)', studentQuantile(0.95, 9), 1.833112932656237],
  ['qt(0.025, 30)', studentQuantile(0.025, 30), -2.042272456301238],
  ['pt(0, 5)', studentCdf(0, 5), 0.5],
  ['pbeta(0.5, 2, 2)', incompleteBeta(2, 2, 0.5), 0.5],
  ['pbeta(0.2, 2, 3)', incompleteBeta(2, 3, 0.2), 0.1808],
  ['pbinom(3, 10, 0.5)', binomialCdf(10, 0.5)[3], 0.171875],
] as const)('%s', (_, actual, expected) => {
  expect(isWithin(actual, expected, 1e-12) || Math.abs((actual ?? NaN) - expected) < 1e-15, `${actual}`).toBe(
    true,
  );
});

test('a quantile is bounded exactly when both ranks exist', () => {
  for (const p of [0.5, 0.9, 0.95]) {
    const enough = samplesToBound(p);
    const samples = Array.from({ length: enough }, (_, i) => i);
    expect(quantileInterval(samples, p)).not.toBeNull();
    expect(quantileInterval(samples.slice(1), p)).toBeNull();
    expect(canBoundQuantile(enough - 1, p)).toBe(false);
  }
  expect([0.5, 0.9, 0.95, 0.99, 0.999].map(samplesToBound)).toEqual([6, 36, 72, 368, 3688]);
});

test('order-statistic intervals hold the true median about as often as they say', () => {
  const random = createRandom(11);
  let held = 0;
  for (let i = 0; i < 1000; i++) {
    const samples = Array.from({ length: 41 }, () => random.exponential()).sort((a, b) => a - b);
    const interval = quantileInterval(samples, 0.5);
    if (interval && interval.low <= Math.LN2 && Math.LN2 < interval.high) held += 1;
  }
  const { coverage } = quantileRanks(41, 0.5);
  expect(Math.abs(held / 1000 - coverage)).toBeLessThan(0.02);
});

test('bootstrap intervals hold the true mean about 95 times of 100', () => {
  const random = createRandom(12);
  let held = 0;
  for (let i = 0; i < 300; i++) {
    const samples = Array.from({ length: 40 }, () => random.normal());
    const interval = bootstrapInterval(samples, mean, random, 300);
    if (interval && interval.low <= 0 && 0 <= interval.high) held += 1;
  }
  expect(held / 300).toBeGreaterThan(0.89);
  expect(held / 300).toBeLessThan(0.98);
});

test('a bootstrap gives the same interval for the same seed, and none for two items', () => {
  const samples = [3, 1, 4, 1, 5, 9, 2, 6];
  const once = bootstrapInterval(samples, median, createRandom(1));
  expect(once).toEqual(bootstrapInterval(samples, median, createRandom(1)));
  expect(once?.low).toBeLessThan(once?.high ?? 0);
  expect(bootstrapInterval([1, 2], median, createRandom(1))).toBeNull();
});

test('cluster intervals agree with resampling the clusters in full', () => {
  const random = createRandom(13);
  const clusters = Array.from({ length: 5 }, (_, k) =>
    Array.from({ length: 7 + k }, () => k + random.normal()),
  );
  const percents = [10, 50, 90, 99];
  const quick = clusterPercentileIntervals(clusters, percents, createRandom(2), 400);
  percents.forEach((p, i) => {
    const slow = bootstrapInterval(
      clusters,
      (drawn) => percentileLinear(drawn.flat(), p),
      createRandom(2),
      400,
    );
    // One pass draws the same clusters for every percentile; the slow way does so from the same seed.
    expect(quick[i]?.low).toBeCloseTo(slow?.low ?? NaN, 10);
    expect(quick[i]?.high).toBeCloseTo(slow?.high ?? NaN, 10);
  });
});
