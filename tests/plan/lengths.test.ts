/** Lengths of a load: fixed ones exact, distributions close to their moments, one load with one answer. */
import { expect, test } from 'vitest';
import { DEFAULT_PLAN } from '../../src/core/scenario/plan/defaults.ts';
import type { PlanLoad } from '../../src/core/scenario/plan/schema.ts';
import { lognormalMoments } from '../../src/core/workload/lengths.ts';
import { imageTokens, lengthsOf, loadLengths } from '../../src/plan/lengths.ts';

function load(change: Partial<PlanLoad>): PlanLoad {
  return { ...DEFAULT_PLAN.load, ...change };
}

test('fixed lengths are exact', () => {
  expect(loadLengths(load({}))).toEqual({
    meanPrompt: 2048,
    maxPrompt: 2048,
    meanOutput: 512,
    maxOutput: 512,
    spread: 0,
    totals: [2560],
  });
});

test('a distribution’s mean is drawn, its longest is its bound', () => {
  const mu = 6.633;
  const sigma = 0.5;
  const lengths = loadLengths(load({ promptTokens: { kind: 'lognormal', mu, sigma, min: 1, max: 100_000 } }));
  expect(Math.abs(lengths.meanPrompt / lognormalMoments(mu, sigma).mean - 1)).toBeLessThan(0.03);
  expect(lengths.maxPrompt).toBe(100_000);
  expect(lengths.spread).toBeGreaterThan(0.1);
  expect(lengths.totals).toEqual([...lengths.totals].sort((a, b) => a - b));
});

test('the same load has the same sample', () => {
  const same = load({ outputTokens: { kind: 'uniform', min: 10, max: 1000 } });
  expect(loadLengths(same)).toEqual(loadLengths(same));
});

test('images are tokens of the prompt', () => {
  const images = { each: 3, imageTokens: 576 };
  expect(imageTokens({ images })).toBe(1728);
  expect(loadLengths(load({ images }))).toMatchObject({ meanPrompt: 3776, maxPrompt: 3776, totals: [4288] });
});

test('a trace’s own lengths', () => {
  expect(lengthsOf([10, 30], [2, 6])).toEqual({
    meanPrompt: 20,
    maxPrompt: 30,
    meanOutput: 4,
    maxOutput: 6,
    spread: 0.5,
    totals: [12, 36],
  });
  expect(() => lengthsOf([], [])).toThrow('0 prompts and 0 outputs are no load');
  expect(() => lengthsOf([1], [])).toThrow('as many of both are needed');
});
