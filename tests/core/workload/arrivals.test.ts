import { describe, expect, test } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import { arrivalGaps, mmppMoments, type Arrivals } from '../../../src/core/workload/arrivals.ts';
import { drawGamma, gammaFromBurstiness, gammaFromCv } from '../../../src/core/workload/gamma.ts';
import { isWithin, vectors } from '../../golden/vectors.ts';

const numbers = (vector: { input: unknown; expected: unknown }) => ({
  input: vector.input as Record<string, number>,
  expected: vector.expected as Record<string, number>,
});

test.each(vectors('load/burst/').map((v) => [v.id, v] as const))('%s', (_, vector) => {
  const { input, expected } = numbers(vector);
  const gamma = gammaFromBurstiness(input['rate'] ?? 0, input['burstiness'] ?? 0);
  for (const [name, value] of Object.entries(gamma)) {
    expect(isWithin(value, expected[name], vector.tol), `${name} ${value}`).toBe(true);
  }
});

test.each(vectors('load/cv/').map((v) => [v.id, v] as const))('%s', (_, vector) => {
  const { input, expected } = numbers(vector);
  const gamma = gammaFromCv(input['rate'] ?? 0, input['cv'] ?? 0);
  expect(isWithin(gamma.shape, expected['shape'], vector.tol)).toBe(true);
  expect(isWithin(gamma.scale, expected['scale'], vector.tol)).toBe(true);
});

test.each(vectors('load/mmpp/').map((v) => [v.id, v] as const))('%s', (_, vector) => {
  const { input, expected } = numbers(vector);
  const moments = mmppMoments(
    [input['rate1'] ?? 0, input['rate2'] ?? 0],
    [input['leave1'] ?? 0, input['leave2'] ?? 0],
  );
  expect(isWithin(moments.meanRate, expected['mean_rate'], vector.tol)).toBe(true);
  expect(isWithin(moments.dispersion, expected['idc_inf'], vector.tol)).toBe(true);
});

function statistics(values: readonly number[]): { mean: number; cv: number } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1);
  return { mean, cv: Math.sqrt(variance) / mean };
}

describe('drawn gaps have the mean and the variation they promise', () => {
  const table: { arrivals: Arrivals; mean: number; cv: number | null }[] = [
    { arrivals: { kind: 'constant', rate: 4 }, mean: 0.25, cv: 0 },
    { arrivals: { kind: 'poisson', rate: 4 }, mean: 0.25, cv: 1 },
    { arrivals: { kind: 'gamma', rate: 4, cv: 0.5 }, mean: 0.25, cv: 0.5 },
    { arrivals: { kind: 'gamma', rate: 4, cv: 2 }, mean: 0.25, cv: 2 },
    // 4 a second for 2 s of every 8 s
    { arrivals: { kind: 'on-off', rate: 4, onSeconds: 2, offSeconds: 6 }, mean: 1, cv: null },
    { arrivals: { kind: 'mmpp', rates: [20, 2], leave: [0.5, 0.25] }, mean: 1 / 8, cv: null },
  ];
  test.each(table)('$arrivals', ({ arrivals, mean, cv }) => {
    const next = arrivalGaps(arrivals, createRandom(7));
    const seen = statistics(Array.from({ length: 40_000 }, next));
    expect(Math.abs(seen.mean / mean - 1)).toBeLessThan(0.05);
    if (cv !== null) expect(Math.abs(seen.cv - cv)).toBeLessThan(0.06);
  });
});

test('Gamma draws keep mean and variance below and above shape 1', () => {
  for (const shape of [0.25, 1, 4]) {
    const random = createRandom(3);
    const { mean, cv } = statistics(Array.from({ length: 40_000 }, () => drawGamma(shape, random)));
    expect(Math.abs(mean / shape - 1)).toBeLessThan(0.04);
    expect(Math.abs(cv * Math.sqrt(shape) - 1)).toBeLessThan(0.04);
  }
});

test('the same seed gives the same arrivals', () => {
  const draw = (seed: number) => {
    const next = arrivalGaps({ kind: 'gamma', rate: 1, cv: 3 }, createRandom(seed));
    return Array.from({ length: 20 }, next);
  };
  expect(draw(5)).toEqual(draw(5));
  expect(draw(5)).not.toEqual(draw(6));
});
