/** The control loop on a double: it looks, plans, acts under guard, keeps or takes back, and its log replays. */
import { describe, expect, test } from 'vitest';
import {
  runAutopilot,
  type AutopilotNews,
  type AutopilotOptions,
} from '../../src/autopilot/controller/index.ts';
import { replayLog } from '../../src/autopilot/log/index.ts';
import { DEFAULT_POLICY, type AutopilotPolicy } from '../../src/core/scenario/autopilot/policy.ts';
import { DoublePlant, type DoubleOptions } from './double.ts';

const POLICY: AutopilotPolicy = { ...DEFAULT_POLICY, keepRecentTokens: 64, latencyP95Ms: null };

const FOUR: DoubleOptions = {
  sequences: ['a', 'b', 'c', 'd'].map((name) => ({ name, tokens: 1024 })),
  budgetTokens: 4096,
  hostTokens: 8192,
};

function run(
  plant: DoublePlant,
  policy: Partial<AutopilotPolicy> = {},
  options: Partial<AutopilotOptions> = {},
) {
  return runAutopilot(plant, { ...POLICY, ...policy }, { controlMs: 500, ...options });
}

describe('a plan from telemetry to the end', () => {
  test('memory above the target is brought to it, under guard, and kept', async () => {
    const plant = new DoublePlant(FOUR);
    const { plans, log, complete } = await run(plant);
    const [plan] = plans;
    expect(plan).toMatchObject({ status: 'completed', kvUseBefore: 1, rollbackReason: null });
    expect(plan?.kvUseAfter).toBeCloseTo(0.83, 2);
    expect(plan?.actionsCompleted).toBe(plan?.actionsTotal);
    expect(plan?.guard).toEqual({ plans: 1, successRate: 1, rollbackRate: 0 });
    expect(complete).toBe(true);
    const kinds = log.filter(({ planId }) => planId === 'plan-1').map(({ kind }) => kind);
    expect(kinds[0]).toBe('plan');
    expect(kinds[1]).toBe('shadow');
    expect(kinds.at(-1)).toBe('keep');
    expect(plant.checks).toBeGreaterThan(0);
  });

  test('what the shadow finds harmful never touches a live sequence', async () => {
    const plant = new DoublePlant({ ...FOUR, losses: { 'quantize int2': 0.4 } });
    const before = plant.digest();
    const { plans } = await run(plant, { actionPriority: ['quantize'], quantizationScales: [0.125] });
    expect(plans[0]).toMatchObject({ status: 'rolledBack', actionsCompleted: 0 });
    expect(plans[0]?.rollbackReason).toContain('maxQualityDelta is 0.05');
    expect(plans[0]?.guard.rollbackRate).toBe(1);
    expect(plant.digest()).toBe(before);
  });

  test('a dry run plans and touches nothing', async () => {
    const plant = new DoublePlant(FOUR);
    const before = plant.digest();
    const { plans } = await run(plant, {}, { dryRun: true });
    expect(plans.length).toBeGreaterThan(0);
    expect(
      plans.every(({ status, actionsCompleted }) => status === 'pending' && actionsCompleted === 0),
    ).toBe(true);
    expect(plant.shadowed).toEqual([]);
    expect(plant.digest()).toBe(before);
  });

  test('the log replays on a fresh plant to the same digests', async () => {
    const options = { ...FOUR, tokensPerMs: 0.1 };
    const { log } = await run(new DoublePlant(options));
    const replay = await replayLog(log, new DoublePlant(options));
    expect(replay.difference).toBeNull();
    expect(replay.equal).toBe(replay.compared);
    expect(replay.compared).toBeGreaterThan(3);
  });

  test('a cache that grows all the time is held at the target', async () => {
    const sequences = Array.from({ length: 16 }, (_, i) => ({
      name: `s${i}`,
      tokens: 128,
      arrivesMs: 300 * i,
    }));
    const plant = new DoublePlant({
      sequences,
      budgetTokens: 6000,
      hostTokens: 20_000,
      tokensPerMs: 0.05,
      endsMs: 14_000,
    });
    const { series } = await run(
      plant,
      { watchMs: 250, cooldownMs: 0, canarySteps: [1] },
      { controlMs: 250 },
    );
    const uses = series.kvUse.map((use) => use ?? 0);
    expect(Math.max(...uses)).toBeLessThanOrEqual(0.85);
    expect(Math.min(...uses.slice(-8))).toBeGreaterThan(0.75);
    const low = await run(
      new DoublePlant({
        sequences,
        budgetTokens: 6000,
        hostTokens: 20_000,
        tokensPerMs: 0.05,
        endsMs: 14_000,
      }),
      { watchMs: 250, cooldownMs: 0, canarySteps: [1], priority: 'low' },
      { controlMs: 250 },
    );
    expect(Math.max(...low.series.kvUse.map((use) => use ?? 0))).toBeGreaterThan(0.85);
  });

  test('two runs are the same to the byte', async () => {
    const outcome = async () => JSON.stringify(await run(new DoublePlant({ ...FOUR, tokensPerMs: 0.1 })));
    expect(await outcome()).toBe(await outcome());
  });

  test('the news tell every look, every change of a plan and every line of the log', async () => {
    const news: AutopilotNews[] = [];
    const { plans, log } = await run(new DoublePlant(FOUR), {}, { onNews: (item) => news.push(item) });
    expect(news.filter(({ kind }) => kind === 'look').length).toBe(
      log.filter(({ kind }) => kind === 'telemetry').length,
    );
    const last = news.findLast((item) => item.kind === 'plan');
    expect(last?.kind === 'plan' ? last.plan : null).toEqual(plans.at(-1));
    expect(news.flatMap((item) => (item.kind === 'log' ? [item.entry] : []))).toEqual(log);
  });
});
