import { expect, test } from 'vitest';
import { steadyState } from '../../../../src/core/metrics/serving/steady-state.ts';
import { createRandom } from '../../../../src/core/random.ts';

/** One server, `rate` arrivals a second, service times with a mean of 1 s; it starts with `backlog` requests. */
function queue(seed: number, rate: number, count: number, backlog = 0) {
  const random = createRandom(seed);
  const arrivalMs = new Float64Array(count);
  const endMs = new Float64Array(count);
  let [now, free] = [0, 0];
  for (let i = 0; i < count; i++) {
    if (i >= backlog) now += (random.exponential() * 1000) / rate;
    free = Math.max(now, free) + random.exponential() * 1000;
    arrivalMs[i] = now;
    endMs[i] = free;
  }
  return { arrivalMs, endMs };
}

test('a light load is steady, nearly from the start', () => {
  const found = steadyState(queue(1, 0.5, 4000));
  expect(found.growing).toBe(false);
  expect(found.fromMs).not.toBeNull();
  expect(found.fromMs ?? Infinity).toBeLessThan(2_000_000);
  expect(found.sentence).toMatch(
    /^Steady from [\d.]+ s on \(MSER-5; \d+ requests arrive there, \d+ leave\)\.$/,
  );
});

test('a backlog at the start is cut off', () => {
  // 400 requests wait; the server needs about 400 / (1 − 0.5) s to get rid of them.
  const { fromMs } = steadyState(queue(2, 0.5, 4000, 400));
  expect(fromMs).toBeGreaterThan(500_000);
  expect(fromMs).toBeLessThan(1_600_000);
});

test.each([1, 2, 3])('more arrivals than the server can take: the queue grows (seed %i)', (seed) => {
  const found = steadyState(queue(seed, 1.3, 4000));
  expect(found).toMatchObject({ fromMs: null, growing: true });
  expect(found.sentence).toMatch(/requests arrive and \d+ leave, so the queue grows; lower the rate\.$/);
});

test('too few requests, or all at once, tell nothing', () => {
  expect(steadyState(queue(1, 0.5, 20))).toMatchObject({ fromMs: null, growing: false });
  expect(steadyState(queue(1, 0.5, 400, 400))).toMatchObject({ fromMs: null, growing: false });
});

test('requests that never came or never ended are no times', () => {
  const { arrivalMs, endMs } = queue(1, 0.5, 4000);
  endMs.fill(NaN, 3990);
  arrivalMs.fill(NaN, 3995);
  expect(steadyState({ arrivalMs, endMs }).fromMs).not.toBeNull();
});
