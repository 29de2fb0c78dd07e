import { expect, test } from 'vitest';
import { percentileLinear } from '../../../../src/core/metrics/percentiles.ts';
import { distributionOf, WeightedValues } from '../../../../src/core/metrics/serving/distribution.ts';
import { orderOf } from '../../../../src/core/metrics/serving/order.ts';
import { createRandom } from '../../../../src/core/random.ts';

const PERCENTS = { p50: 50, p90: 90, p95: 95, p99: 99, p999: 99.9 } as const;

test.each([1, 2, 3, 10, 997])('%i values: exact percentiles are numpy’s', (n) => {
  const random = createRandom(n);
  const values = Array.from({ length: n }, () => random.exponential() * 100);
  const found = distributionOf(Float64Array.from(values), n, 10);
  if (found === null) throw new Error('There is a distribution.');
  expect(found).toMatchObject({
    samples: n,
    exact: true,
    min: Math.min(...values),
    max: Math.max(...values),
  });
  expect(found.mean).toBeCloseTo(values.reduce((a, b) => a + b, 0) / n, 9);
  for (const [name, percent] of Object.entries(PERCENTS)) {
    expect(found[name as keyof typeof PERCENTS]).toBeCloseTo(percentileLinear(values, percent), 9);
  }
  expect(found.quantiles).toHaveLength(11);
  expect(found.quantiles[0]).toBe(found.min);
  expect(found.quantiles[10]).toBe(found.max);
});

test('nothing has no distribution', () => {
  expect(distributionOf(new Float64Array(4), 0, 10)).toBeNull();
  expect(new WeightedValues().distribution(10)).toBeNull();
});

test('the tail is the mean of the largest tenth, weights counted, and nearly so in a histogram', () => {
  const random = createRandom(5);
  const values = Array.from({ length: 5000 }, () => 1 + random.exponential() * 100);
  const [exact, folded] = [new WeightedValues(), new WeightedValues(1000)];
  for (const value of values) for (const one of [exact, folded]) one.add(value, 2);
  expect(exact.tailMean).toBeNull();
  exact.distribution(10);
  folded.distribution(10);
  const largest = values.toSorted((a, b) => b - a).slice(0, 500);
  const mean = largest.reduce((a, b) => a + b, 0) / 500;
  expect(exact.tailMean).toBeCloseTo(mean, 9);
  expect(Math.abs((folded.tailMean ?? 0) / mean - 1)).toBeLessThan(0.02);
});

test.each([1, 2, 7, 60])('a value with a weight counts as often as the weight says (seed %i)', (seed) => {
  const random = createRandom(seed);
  const weighted = new WeightedValues();
  const repeated: number[] = [];
  for (let i = 0; i < 40 * seed; i++) {
    const [value, weight] = [random.below(50) / 7, 1 + random.below(9)];
    weighted.add(value, weight);
    for (let k = 0; k < weight; k++) repeated.push(value);
  }
  const direct = distributionOf(Float64Array.from(repeated), repeated.length, 50);
  const found = weighted.distribution(50);
  expect({ ...found, mean: 0 }).toEqual({ ...direct, mean: 0 });
  expect(found?.mean).toBeCloseTo(direct?.mean ?? NaN, 9);
});

test('beyond what fits, a histogram answers to three digits and says so', () => {
  const random = createRandom(5);
  const values = Array.from({ length: 5000 }, () => 20 + random.exponential() * 30);
  const weighted = new WeightedValues(1000);
  for (const value of values) weighted.add(value, 2);
  const found = weighted.distribution(20);
  const twice = [...values, ...values];
  expect(found).toMatchObject({
    samples: 10_000,
    exact: false,
    min: Math.min(...values),
    max: Math.max(...values),
  });
  expect(found?.mean).toBeCloseTo(twice.reduce((a, b) => a + b, 0) / 10_000, 6);
  for (const [name, percent] of Object.entries(PERCENTS)) {
    const exact = percentileLinear(twice, percent);
    expect(Math.abs((found?.[name as keyof typeof PERCENTS] ?? NaN) / exact - 1)).toBeLessThan(0.002);
  }
});

test.each([0, 1, 100, 5000, 70_000])('the order of %i values sorts them, equal ones as they came', (n) => {
  const random = createRandom(n);
  const values = Float64Array.from({ length: n }, (_, i) =>
    i % 3 === 0 ? random.below(20) : random.uniform() * 1e6,
  );
  const expected = [...values.keys()].sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0) || a - b);
  expect([...orderOf(values, n)]).toEqual(expected);
});
