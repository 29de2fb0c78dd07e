/** Shared beginnings in a pool of limited size, and whether host memory helps. */
import { expect, test } from 'vitest';
import { runPlan } from '../../src/plan/index.ts';
import { zipfShare } from '../../src/plan/held.ts';
import { plan } from './support.ts';

const LONG = {
  promptTokens: { kind: 'fixed', tokens: 6000 },
  outputTokens: { kind: 'fixed', tokens: 64 },
};

function advice(prompts: number, rate: number, engine: object = {}) {
  return runPlan(
    plan({
      hardware: { gpu: 'rtx-4090', count: 1 },
      engine,
      load: { ...LONG, rate, sharedPrefix: { tokens: 5800, prompts } },
    }),
    { simulate: true },
  );
}

test('Zipf’s share of the most wanted', () => {
  const exact = (kept: number, all: number) => {
    const sum = (n: number) => Array.from({ length: n }, (_, i) => 1 / (i + 1)).reduce((a, b) => a + b, 0);
    return sum(kept) / sum(all);
  };
  for (const [kept, all] of [
    [1, 10],
    [5, 40],
    [100, 1000],
  ] as const) {
    expect(zipfShare(kept, all)).toBeCloseTo(exact(kept, all), 1);
  }
  expect(zipfShare(10, 10)).toBe(1);
  expect(zipfShare(0, 10)).toBe(0);
});

test('more beginnings than the pool has room for are found less often, and host memory brings them back', () => {
  const run = advice(24, 1.2);
  expect(run.deployment?.prefixCache?.hitRatio).toBeLessThan(0.9);
  expect(run.deployment?.choice.offloadGB).toBeGreaterThan(0);
  expect(run.notes.join(' ')).toMatch(
    /^.*Offload \(simulated\): TTFT \d+ ms, \d+ % of the prompts found with/,
  );
});

test('where everything fits, nothing is said of offloading', () => {
  const run = advice(2, 1.2);
  expect(run.deployment?.choice.offloadGB).toBe(0);
  expect(run.notes.join(' ')).not.toContain('ffload');
});

test('what is given is kept and judged', () => {
  const run = advice(2, 1.2, { offloadGB: 20 });
  expect(run.deployment?.choice.offloadGB).toBe(20);
  expect(run.notes.join(' ')).toContain('Offloading does not help (simulated)');
  expect(advice(24, 1.2, { offloadGB: 0 }).deployment?.choice.offloadGB).toBe(0);
});
