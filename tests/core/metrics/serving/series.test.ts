import { expect, test } from 'vitest';
import { noUsage, SeriesSampler } from '../../../../src/core/metrics/serving/series.ts';
import { createRandom } from '../../../../src/core/random.ts';

test('few steps are kept one by one', () => {
  const sampler = new SeriesSampler(10);
  for (let i = 0; i < 5; i++) {
    sampler.counts.preemptions += i;
    sampler.step(i * 10, { ...noUsage(), running: i, activeBlocks: 2 * i });
  }
  sampler.counts.hitTokens += 7;
  expect(sampler.series()).toMatchObject({
    timeMs: [0, 10, 20, 30, 40],
    running: [0, 1, 2, 3, 4],
    activeBlocks: [0, 2, 4, 6, 8],
    // What is counted before a step belongs to the sample that was open.
    preemptions: [1, 2, 3, 4, 0],
    hitTokens: [0, 0, 0, 0, 7],
  });
});

test.each([11, 100, 1000, 12_345])('%i steps in ten samples: peaks and sums survive', (steps) => {
  const random = createRandom(steps);
  const sampler = new SeriesSampler(10);
  const blocks: number[] = [];
  let counted = 0;
  let waitingPeak = 0;
  for (let i = 0; i < steps; i++) {
    const [activeBlocks, waiting, preemptions] = [random.below(100), random.below(30), random.below(3)];
    blocks.push(activeBlocks);
    waitingPeak = Math.max(waitingPeak, waiting);
    sampler.step(i, { ...noUsage(), waiting, activeBlocks, freeBlocks: 100 - activeBlocks });
    sampler.counts.preemptions += preemptions;
    counted += preemptions;
  }
  const series = sampler.series();
  const numbers = (column: readonly (number | null)[]) => column.map((value) => value ?? NaN);
  expect(series.timeMs.length).toBeGreaterThanOrEqual(5);
  expect(series.timeMs.length).toBeLessThanOrEqual(10);
  expect(series.timeMs[0]).toBe(0);
  expect(Math.max(...numbers(series.activeBlocks))).toBe(Math.max(...blocks));
  expect(Math.max(...numbers(series.waiting))).toBe(waitingPeak);
  expect(numbers(series.preemptions).reduce((a, b) => a + b, 0)).toBe(counted);
  // The block columns of a sample are of one moment: they still sum to the pool.
  series.activeBlocks.forEach((active, i) => expect((active ?? 0) + (series.freeBlocks[i] ?? 0)).toBe(100));
  // Each sample stands for as many steps as the others, and holds their highest.
  const stride = (series.timeMs[1] ?? NaN) - (series.timeMs[0] ?? NaN);
  series.timeMs.forEach((from, i) => {
    const own = blocks.slice(from ?? 0, (from ?? 0) + stride);
    expect(series.activeBlocks[i]).toBe(Math.max(...own));
  });
});
