/** What a measurement is worth, how sure a score is, and what a tuning comes to. */
import { expect, test } from 'vitest';
import { bestPlanOf, settingsFor } from '../../../src/core/metrics/tune/best-plan.ts';
import {
  chanceBest,
  chanceBetter,
  estimateScores,
  logInterval,
  pairedDifference,
  type ScoredSample,
} from '../../../src/core/metrics/tune/estimate.ts';
import { onFront } from '../../../src/core/metrics/tune/front.ts';
import { gainsOf, logScore, scoreOf } from '../../../src/core/metrics/tune/gains.ts';
import { scoreSamples } from '../../../src/core/metrics/tune/scored.ts';
import { createRandom } from '../../../src/core/random.ts';
import type { TuneMetrics, TuneSamples } from '../../../src/core/run/tune.ts';
import { fakeExecutor, wideTuning } from '../../tune/support.ts';
import { tune } from '../../../src/tune/index.ts';

const WEIGHTS = { ttft: 0.5, throughput: 0.35, memory: 0.15 };
const BASE: TuneMetrics = { ttftMs: 10, tpotMs: 5, outputTokensPerSecond: 120, memoryBytes: 1e9 };

function score(change: Partial<TuneMetrics>): number {
  return scoreOf(logScore(gainsOf({ ...BASE, ...change }, BASE), WEIGHTS));
}

test.each([
  { change: {}, expected: 100 },
  // 2^0.5, 2^0.35 and 2^0.15 by hand.
  { change: { ttftMs: 5 }, expected: 141.421356 },
  { change: { outputTokensPerSecond: 240 }, expected: 127.456063 },
  { change: { memoryBytes: 5e8 }, expected: 110.956947 },
  { change: { ttftMs: 5, outputTokensPerSecond: 240, memoryBytes: 5e8 }, expected: 200 },
  { change: { ttftMs: 20, outputTokensPerSecond: 60, memoryBytes: 2e9 }, expected: 50 },
])('$change scores $expected', ({ change, expected }) => {
  expect(score(change)).toBeCloseTo(expected, 5);
});

test('a score does not saturate: far beyond any ceiling twice as fast is still better', () => {
  const fast = { ttftMs: 0.01, outputTokensPerSecond: 100_000 };
  expect(score({ ...fast, ttftMs: 0.005 }) / score(fast)).toBeCloseTo(Math.SQRT2, 10);
});

test('thirty times the memory is not the same score', () => {
  expect(score({ memoryBytes: 30e9 })).toBeCloseTo(100 * 30 ** -0.15, 8);
});

function samplesOf(
  rows: readonly (readonly [candidate: number, block: number, ttftMs: number])[],
): TuneSamples {
  return {
    candidate: rows.map(([candidate]) => candidate),
    cell: rows.map(([, block]) => block),
    repetition: rows.map(() => 0),
    block: rows.map(([, block]) => block),
    ttftMs: rows.map(([, , ttftMs]) => ttftMs),
    tpotMs: rows.map(() => 5),
    outputTokensPerSecond: rows.map(() => 120),
    memoryBytes: rows.map(() => 1e9),
  };
}

test('a measurement between two of the baseline is compared with the line between them', () => {
  // The device slows down from 10 to 20 ms; 15 ms in the middle is just the baseline.
  const scored = scoreSamples(
    samplesOf([
      [0, 0, 10],
      [1, 0, 15],
      [0, 0, 20],
    ]),
    WEIGHTS,
  );
  expect(scored.map(({ gains }) => gains.ttft)).toEqual([1, 1, 1]);
  // Behind the last of them there is only that one.
  expect(
    scoreSamples(
      samplesOf([
        [0, 0, 10],
        [1, 0, 5],
      ]),
      WEIGHTS,
    )[1]?.gains.ttft,
  ).toBe(2);
  // Another block's baseline says nothing here.
  expect(
    scoreSamples(
      samplesOf([
        [0, 0, 10],
        [1, 1, 5],
      ]),
      WEIGHTS,
    ),
  ).toHaveLength(1);
});

const sample = (candidate: number, cell: number, value: number): ScoredSample => ({
  candidate,
  cell,
  logScore: value,
});

test('a score from one of four cells is less sure than one from all of them', () => {
  const everywhere = [0, 1, 2, 3].map((cell) => sample(1, cell, 0.1 + 0.02 * cell));
  const { of, spread } = estimateScores([...everywhere, sample(2, 0, 0.2)], 4);
  const [all, one] = [of.get(1), of.get(2)];
  if (!all || !one) throw new Error('both were measured');
  expect(all.mean).toBeCloseTo(0.13, 12);
  // Noise alone: 0.02 assumed, over four cells.
  expect(all.standardError).toBeCloseTo(0.02 / 2, 12);
  // The spread of the first one's cells, 0.0258, for the three cells that the second one has not seen.
  expect(one.standardError).toBeCloseTo(Math.sqrt(0.02 ** 2 + (0.75 * (0.02 ** 2 * 5)) / 3), 12);
  const { low, high } = logInterval(one, spread);
  expect(high - low).toBeCloseTo(2 * 3.18244630528 * one.standardError, 8);
});

test('the interval of a score covers the truth as often as it says', () => {
  const random = createRandom(7);
  let covered = 0;
  for (let trial = 0; trial < 400; trial++) {
    const samples = [1, 2, 3, 4].flatMap((candidate) =>
      [0, 1, 2].flatMap((cell) =>
        [0, 1, 2].map(() => sample(candidate, cell, 0.05 * cell + 0.03 * random.normal())),
      ),
    );
    const { of, spread } = estimateScores(samples, 3);
    const estimate = of.get(1);
    if (estimate === undefined) throw new Error('it was measured');
    const { low, high } = logInterval(estimate, spread);
    if (low <= 0.05 && 0.05 <= high) covered++;
  }
  expect(covered / 400).toBeGreaterThan(0.92);
  expect(covered / 400).toBeLessThan(0.98);
});

test('two that differ by nothing but common noise are told apart block by block', () => {
  const noise = [0.1, -0.2, 0.3, -0.1];
  const rows = noise.flatMap((shift, block) => [
    { ...sample(1, block, shift + 0.02), block },
    { ...sample(2, block, shift), block },
  ]);
  const ahead = pairedDifference(rows, 1, 2);
  expect(ahead?.mean).toBeCloseTo(0.02, 12);
  expect(ahead?.standardError).toBeCloseTo(0, 12);
  expect(pairedDifference(rows.slice(0, 2), 1, 2)).toBeNull();
});

test('confidence: certain where all are far behind, one in two for a twin, less with few measurements', () => {
  const estimate = (mean: number, standardError: number) => ({ mean, standardError, cells: 1, samples: 1 });
  const chance = (others: readonly (readonly [number, number])[], freedom: number): number =>
    chanceBest(
      0,
      new Map([
        [0, estimate(0.1, 0.02)],
        ...others.map(([mean, se], i) => [i + 1, estimate(mean, se)] as const),
      ]),
      { freedom },
      createRandom(3),
    ) ?? NaN;
  expect(chance([[-2, 0.02]], 100)).toBe(1);
  expect(chance([[0.105, 0.02]], 100)).toBeCloseTo(0.5, 1);
  expect(chance([[0.05, 0.02]], 3)).toBeLessThan(chance([[0.05, 0.02]], 100));
  expect(chanceBest(0, new Map([[0, estimate(1, 1)]]), { freedom: 9 }, createRandom(1))).toBeNull();
  expect(chanceBetter(estimate(1, 0), estimate(0, 0))).toBe(1);
});

test('the front holds whoever is beaten by nobody in all three', () => {
  const gain = (ttft: number, throughput: number, memory: number) => ({ ttft, throughput, memory });
  const points = [gain(1, 1, 1), gain(2, 1, 1), gain(1, 2, 1), gain(1, 1, 3), gain(0.9, 0.9, 0.9), null];
  expect(onFront(points)).toEqual([false, true, true, true, false, false]);
});

test('the plan: less memory for when it is short, the soonest token for when that is late', async () => {
  const run = await tune(wideTuning(), fakeExecutor());
  // A run in which the winner is not the leanest: without its fp8 twin.
  const plan = bestPlanOf(run);
  if (plan === null) throw new Error('there is a winner');
  expect(plan.config).toMatchObject({ blockSize: 32, maxSequences: 12, tokenBudget: 4096, kvFormat: 'fp8' });
  expect(plan.fallbacks.map(({ when }) => Object.keys(when)[0])).toEqual([
    'memoryAbove',
    'memoryConstrained',
    'ttftAboveMs',
  ]);
  expect(plan.fallbacks[0]?.use).toBeNull();
  expect(plan.fallbacks[0]?.reason).toBe('Nothing that was measured takes less memory than the plan.');
  expect(settingsFor(plan, { memoryShare: 0.99 })).toEqual(plan.config);
  const fast = { profile: { ...wideTuning().profile, weights: { ttft: 0, throughput: 0, memory: 1 } } };
  const lean = bestPlanOf(await tune(wideTuning(fast), fakeExecutor()));
  const soon = lean?.fallbacks[2];
  expect(soon?.use).not.toBeNull();
  expect(soon?.reason).toMatch(/% less time to the first token/);
  if (lean === null || soon === undefined || !('ttftAboveMs' in soon.when)) throw new Error('no rule');
  expect(settingsFor(lean, { ttftMs: soon.when.ttftAboveMs + 1 })).toEqual(soon.use);
  expect(settingsFor(lean, { ttftMs: soon.when.ttftAboveMs })).toEqual(lean.config);
});
