/** The guard: what the shadow proves, at every look; canary steps; latency and errors. */
import { describe, expect, test } from 'vitest';
import { canaryGroups, Guard, LEAST_REQUESTS, testQuality } from '../../src/autopilot/guard/index.ts';
import type { ShadowSample } from '../../src/autopilot/plant.ts';
import { createRandom } from '../../src/core/random.ts';
import type { AutopilotTelemetry, PlannedAction } from '../../src/core/run/autopilot.ts';
import { DEFAULT_POLICY, type AutopilotPolicy } from '../../src/core/scenario/autopilot/policy.ts';
import { DoublePlant } from './double.ts';

const BEFORE: AutopilotTelemetry = {
  ...new DoublePlant({ sequences: [], budgetTokens: 1 }).telemetry(),
  p95Ms: 100,
};
const POLICY: AutopilotPolicy = { ...DEFAULT_POLICY, latencyP95Ms: null };

function samplesOf(count: number, loss: number, name = 's'): ShadowSample[] {
  return Array.from({ length: count }, (_, i) => {
    const differs = Math.floor((i + 1) * loss) > Math.floor(i * loss);
    return { sequence: `${name}${i % 4}`, kl: 0, top1: differs ? 0 : 1 };
  });
}

function guardWith(samples: readonly ShadowSample[], policy: Partial<AutopilotPolicy> = {}): Guard {
  const guard = new Guard({ ...POLICY, ...policy }, BEFORE);
  guard.addSamples(samples);
  return guard;
}

describe('quality', () => {
  test.each([
    [0, 0, 'unknown', false],
    [4, 0, 'hopeful', false],
    [1000, 0, 'proven', false],
    [1000, 0.01, 'proven', false],
    [32, 0.1, 'doubtful', true],
    [400, 0.3, 'harmful', true],
  ] as const)('%d positions of which %d differ: %s', (count, loss, verdict, stops) => {
    const guard = guardWith(samplesOf(count, loss));
    expect(guard.verdict).toBe(verdict);
    expect(guard.qualityBreach() !== null).toBe(stops);
  });

  test('the loss is the larger of 1 − top-1 agreement and KL', () => {
    const kl = testQuality([{ sequence: 's', kl: 0.5, top1: 1 }], 0.05, 0.05);
    const top1 = testQuality([{ sequence: 's', kl: 0.5, top1: 0 }], 0.05, 0.05);
    expect([kl?.delta, top1?.delta]).toEqual([0.5, 1]);
  });

  test('a dozen positions without a loss prove little', () => {
    const quality = testQuality(samplesOf(12, 0), 0.05, 0.05);
    expect(quality?.delta).toBe(0);
    expect(quality?.upper).toBeGreaterThan(0.05);
  });

  test('positions of one sequence are not as many witnesses as those of many', () => {
    const spread = Array.from({ length: 200 }, (_, i) => ({
      sequence: `s${i % 10}`,
      kl: 0,
      top1: i % 5 === 0 && i % 2 === 0 ? 0 : 1,
    }));
    const lumped = spread.map((sample, i) => ({
      ...sample,
      sequence: `s${i % 10}`,
      top1: i % 10 === 0 ? 0 : 1,
    }));
    const even = spread.map((_, i) => ({
      sequence: `s${i % 10}`,
      kl: 0,
      top1: Math.floor(i / 10) % 10 === 0 ? 0 : 1,
    }));
    expect(testQuality(even, 0.05, 0.05)?.delta).toBeCloseTo(testQuality(lumped, 0.05, 0.05)?.delta ?? 0, 10);
    expect(testQuality(even, 0.05, 0.05)?.upper).toBeLessThan(testQuality(lumped, 0.05, 0.05)?.upper ?? 0);
  });

  /** Share of walks in which the guard ever calls a loss harmful, looked at after every 8 samples. */
  function everHarmful(loss: number, walks: number): number {
    let count = 0;
    for (let walk = 0; walk < walks; walk++) {
      const random = createRandom(walk).fork('guard');
      const guard = new Guard(POLICY, BEFORE);
      for (let look = 0; look < 40 && guard.verdict !== 'harmful'; look++) {
        const draw = (): ShadowSample => ({
          sequence: `s${look}`,
          kl: loss * random.exponential(),
          top1: random.uniform() < loss ? 0 : 1,
        });
        guard.addSamples(Array.from({ length: 8 }, draw));
      }
      if (guard.verdict === 'harmful') count++;
    }
    return count / walks;
  }

  test('looking often does not make a harmless plan harmful, and a harmful one is found', () => {
    // At the edge of the budget itself the chance is at most α; the variance is estimated, so it is measured here.
    expect(everHarmful(DEFAULT_POLICY.maxQualityDelta, 150)).toBeLessThanOrEqual(POLICY.alpha);
    expect(everHarmful(0.3, 40)).toBe(1);
  });
});

describe('service', () => {
  const after = (change: Partial<AutopilotTelemetry>): AutopilotTelemetry => ({
    ...BEFORE,
    finished: 100,
    ...change,
  });

  test.each<[string, Partial<AutopilotPolicy>, Partial<AutopilotTelemetry>, boolean]>([
    ['the same latency', {}, { p95Ms: 100 }, false],
    ['a little more', {}, { p95Ms: 124 }, false],
    ['too much more', {}, { p95Ms: 126 }, true],
    ['more, but within the target', { latencyP95Ms: 500 }, { p95Ms: 400 }, false],
    ['more, and beyond the target', { latencyP95Ms: 300 }, { p95Ms: 400 }, true],
    ['more, of too few requests', {}, { p95Ms: 400, finished: LEAST_REQUESTS - 1 }, false],
    ['nothing ended', {}, { p95Ms: null }, false],
    ['a failure in a hundred', {}, { failed: 1 }, false],
    ['more failures', {}, { failed: 3 }, true],
    ['failures of too few requests', {}, { failed: 1, finished: 1 }, false],
  ])('%s', (_, policy, change, stops) => {
    const breach = new Guard({ ...POLICY, ...policy }, BEFORE).serviceBreach(after(change));
    expect(breach !== null, String(breach)).toBe(stops);
  });
});

describe('canary steps', () => {
  const planned = (names: readonly string[]): PlannedAction[] =>
    names.map((sequence) => ({
      action:
        sequence === '' ? { kind: 'chunk', tokenBudget: 1 } : { kind: 'evict', sequence, from: 0, to: 16 },
      freesBytes: 0,
      risk: 0,
      riskOrigin: 'assumed',
      reason: '',
    }));

  test('each action is in one step, a sequence never in two, limits in the last', () => {
    const actions = planned(['a', 'b', 'a', 'c', '', 'd', 'b', 'e', 'f', 'g', 'h']);
    for (let seed = 0; seed < 20; seed++) {
      const groups = canaryGroups(actions, [0.25, 0.5, 1], seed);
      expect(groups.flat().length).toBe(actions.length);
      const steps = groups.map(
        (group) => new Set(group.map(({ action }) => ('sequence' in action ? action.sequence : ''))),
      );
      expect(steps.map(({ size }) => size)).toEqual([2, 2, 5]);
      expect(steps[2]?.has('')).toBe(true);
      expect(new Set(steps.flatMap((names) => [...names])).size).toBe(9);
    }
  });

  test('which sequences are first is drawn, not the planner’s order', () => {
    const actions = planned(['a', 'b', 'c', 'd']);
    const first = (seed: number) =>
      canaryGroups(actions, [0.25, 1], seed)[0]?.map(({ action }) =>
        'sequence' in action ? action.sequence : '',
      );
    const drawn = new Set(Array.from({ length: 30 }, (_, seed) => first(seed)?.[0]));
    expect(drawn.size).toBeGreaterThan(2);
    expect(first(7)).toEqual(first(7));
  });

  test('one sequence is one step', () => {
    expect(canaryGroups(planned(['a', 'a']), [0.25, 0.5, 1], 1).length).toBe(1);
    expect(canaryGroups(planned(['']), [0.25, 1], 1).length).toBe(1);
  });
});
