/** Every field of a policy changes what the autopilot does: one test each, and a list that is complete. */
import { expect, test } from 'vitest';
import { runAutopilot } from '../../src/autopilot/controller/index.ts';
import { planActions, viewOf } from '../../src/autopilot/planner/index.ts';
import type { AutopilotPolicy } from '../../src/core/scenario/autopilot/policy.ts';
import { DEFAULT_POLICY } from '../../src/core/scenario/autopilot/policy.ts';
import { DoublePlant, type DoubleOptions } from './double.ts';

const POLICY: AutopilotPolicy = {
  ...DEFAULT_POLICY,
  keepRecentTokens: 0,
  latencyP95Ms: null,
  priority: 'low',
};

const FULL: DoubleOptions = {
  sequences: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name, i) => ({
    name,
    tokens: 512,
    lastUsedMs: 100 * i,
    uses: 10 - i,
  })),
  budgetTokens: 4096,
  hostTokens: 8192,
};

/** Actions of the plan that the policy makes now. */
function planned(policy: Partial<AutopilotPolicy>, options: DoubleOptions = FULL) {
  const plant = new DoublePlant(options);
  plant.nowMs = 1000;
  return planActions(viewOf(plant, plant.limits()), { ...POLICY, ...policy });
}

function kinds(policy: Partial<AutopilotPolicy>, options: DoubleOptions = FULL) {
  return [...new Set(planned(policy, options).actions.map(({ action }) => action.kind))];
}

function names(policy: Partial<AutopilotPolicy>, options: DoubleOptions = FULL) {
  return [
    ...new Set(
      planned(policy, options).actions.map(({ action }) => ('sequence' in action ? action.sequence : '')),
    ),
  ];
}

function freedTokens(policy: Partial<AutopilotPolicy>, options: DoubleOptions = FULL) {
  return planned(policy, options).actions.reduce((sum, { freesBytes }) => sum + freesBytes / 16, 0);
}

async function outcome(policy: Partial<AutopilotPolicy>, options: DoubleOptions = FULL) {
  const plant = new DoublePlant(options);
  const { plans, log } = await runAutopilot(plant, { ...POLICY, ...policy }, { controlMs: 250 });
  const [first] = plans;
  if (!first) throw new Error('There was no plan.');
  return { plant, plans, log, first };
}

/** p95 that rises once something is applied and requests have ended since. */
function slower(ratio: number): DoubleOptions {
  return {
    ...FULL,
    service: ({ done }) => (done.length > 0 ? { p95Ms: 100 * ratio, finished: 20 } : { p95Ms: 100 }),
  };
}

const FIELDS: Readonly<Record<keyof AutopilotPolicy, () => void | Promise<void>>> = {
  latencyP95Ms: () => {
    const slow: DoubleOptions = { ...FULL, budgetTokens: 5000, service: () => ({ p95Ms: 1500, running: 8 }) };
    expect(kinds({ latencyP95Ms: 1000, actionPriority: ['chunk'] }, slow)).toEqual(['chunk']);
    expect(kinds({ latencyP95Ms: 2000, actionPriority: ['chunk'] }, slow)).toEqual([]);
    expect(kinds({ latencyP95Ms: null, actionPriority: ['chunk'] }, slow)).toEqual([]);
  },
  kvUseTarget: () => {
    expect(freedTokens({ kvUseTarget: 0.9 })).toBe(416);
    expect(freedTokens({ kvUseTarget: 0.75 })).toBe(1024);
  },
  offloadGBps: () => {
    // 4 KB fit through in the second that a step is watched.
    const thin = planned({ offloadGBps: 0.004e-3, actionPriority: ['offload'] });
    expect(thin.reaches).toBe(false);
    expect(thin.actions.reduce((sum, { freesBytes }) => sum + freesBytes, 0)).toBeLessThanOrEqual(4000);
    expect(planned({ offloadGBps: 120, actionPriority: ['offload'], kvUseTarget: 0.5 }).reaches).toBe(true);
  },
  keepRecentTokens: () => {
    const ends = (keepRecentTokens: number) =>
      planned({ keepRecentTokens, kvUseTarget: 0.1, maxActions: 100 }).actions.map(({ action }) =>
        'to' in action ? action.to : 0,
      );
    expect(Math.max(...ends(0))).toBe(512);
    expect(Math.max(...ends(200))).toBe(304);
  },
  eviction: () => {
    const one = (eviction: string) => names({ eviction, kvUseTarget: 0.95, actionPriority: ['evict'] });
    expect(one('lru')).toEqual(['a']);
    expect(one('lfu')).toEqual(['h']);
    expect(one('-age')).toEqual(['h']);
    expect(
      planned({ eviction: 'position', kvUseTarget: 0.99, actionPriority: ['evict'] }).actions[0]?.action,
    ).toMatchObject({ from: 480 });
  },
  tiers: () => {
    const tierOf = (tiers: AutopilotPolicy['tiers']) =>
      planned({ tiers, actionPriority: ['offload'] }).actions.map(({ action }) =>
        action.kind === 'offload' ? action.tier : '',
      );
    expect(new Set(tierOf(['hbm', 'host']))).toEqual(new Set(['host']));
    expect(tierOf(['hbm'])).toEqual([]);
    expect(tierOf(['hbm', 'nvme'])).toEqual([]);
    expect(new Set(tierOf(['hbm', 'nvme', 'host']))).toEqual(new Set(['host']));
  },
  shadowFraction: async () => {
    const sequencesSeen = async (shadowFraction: number) => {
      const { log } = await outcome({ shadowFraction, canarySteps: [1], kvUseTarget: 0.55 });
      return Number(/of (\d+) shadowed/.exec(log.find(({ kind }) => kind === 'shadow')?.sentence ?? '')?.[1]);
    };
    expect(await sequencesSeen(0.05)).toBe(1);
    expect(await sequencesSeen(0.5)).toBe(4);
  },
  maxQualityDelta: async () => {
    const lossy = { ...FULL, losses: { 'quantize int8': 0.1 } };
    expect((await outcome({ maxQualityDelta: 0.05 }, lossy)).first.status).toBe('rolledBack');
    expect((await outcome({ maxQualityDelta: 0.2 }, lossy)).first.status).toBe('completed');
  },
  rollback: async () => {
    const on = await outcome({ rollback: true }, slower(3));
    expect(on.first).toMatchObject({ status: 'rolledBack' });
    expect(on.plant.telemetry().kvUse).toBe(1);
    const off = await outcome({ rollback: false, cooldownMs: 1e6 }, slower(3));
    expect(off.first.status).toBe('failed');
    expect(off.first.rollbackReason).toContain('rollback is off');
    expect(off.plant.telemetry().kvUse).toBeLessThan(1);
  },
  riskWeights: () => {
    expect(kinds({ riskWeights: { evict: 1, offload: 0.8, quantize: 0.5 } })).toEqual(['quantize']);
    expect(kinds({ riskWeights: { evict: 1, offload: 0.1, quantize: 0.5 } })).toEqual(['offload']);
    expect(kinds({ riskWeights: { evict: 0.1, offload: 0.8, quantize: 0.5 } })).toEqual(['evict']);
  },
  maxActions: () => {
    expect(planned({ maxActions: 2, kvUseTarget: 0.1 }).actions.length).toBe(2);
    expect(planned({ maxActions: 20, kvUseTarget: 0.1 }).actions.length).toBeGreaterThan(2);
  },
  priority: () => {
    const near: DoubleOptions = { ...FULL, budgetTokens: Math.round(4096 / 0.84) };
    expect(freedTokens({ priority: 'low' }, near)).toBe(0);
    expect(freedTokens({ priority: 'medium' }, near)).toBeGreaterThan(0);
    expect(freedTokens({ priority: 'high' }, near)).toBeGreaterThan(
      freedTokens({ priority: 'medium' }, near) + 100,
    );
  },
  minSequenceTokens: () => {
    const mixed: DoubleOptions = {
      ...FULL,
      sequences: [...FULL.sequences, { name: 'short', tokens: 90, lastUsedMs: -1 }],
    };
    const policy = { kvUseTarget: 0.99, actionPriority: ['evict'] as AutopilotPolicy['actionPriority'] };
    expect(names({ ...policy, minSequenceTokens: 100 }, mixed)).not.toContain('short');
    expect(names({ ...policy, minSequenceTokens: 50 }, mixed)).toContain('short');
  },
  minSequenceUse: () => {
    const plant = new DoublePlant(FULL);
    plant.nowMs = 1000;
    plant.book.apply({ kind: 'offload', sequence: 'a', from: 0, to: 400, tier: 'host' });
    const first = (minSequenceUse: number) => {
      const plan = planActions(viewOf(plant, plant.limits()), {
        ...POLICY,
        minSequenceUse,
        actionPriority: ['evict'],
      });
      const [action] = plan.actions;
      return action && 'sequence' in action.action ? action.action.sequence : '';
    };
    // 112 of its 512 tokens are still in the GPU's memory: 22 %.
    expect(first(0.3)).toBe('b');
    expect(first(0.2)).toBe('a');
  },
  quantizationScales: () => {
    const formats = (quantizationScales: AutopilotPolicy['quantizationScales'], kvUseTarget = 0.85) => [
      ...new Set(
        planned({ quantizationScales, kvUseTarget, actionPriority: ['quantize'] }).actions.map(
          ({ action }) => (action.kind === 'quantize' ? action.format : ''),
        ),
      ),
    ];
    expect(formats([0.5, 0.25])).toEqual(['int8']);
    expect(formats([0.25, 0.5])).toEqual(['int4']);
    expect(formats([0.125])).toEqual(['int2']);
    expect(
      planned({ quantizationScales: [0.5], kvUseTarget: 0.4, actionPriority: ['quantize'], maxActions: 50 })
        .reaches,
    ).toBe(false);
    expect(
      planned({
        quantizationScales: [0.5, 0.25],
        kvUseTarget: 0.4,
        actionPriority: ['quantize'],
        maxActions: 50,
      }).reaches,
    ).toBe(true);
  },
  actionPriority: () => {
    const riskWeights = { evict: 1, offload: 1, quantize: 1 };
    expect(kinds({ riskWeights, actionPriority: ['evict', 'offload', 'quantize'] })).toEqual(['evict']);
    expect(kinds({ riskWeights, actionPriority: ['offload', 'quantize', 'evict'] })).toEqual(['offload']);
    expect(kinds({ riskWeights, actionPriority: ['quantize', 'evict'] })).toEqual(['quantize']);
    expect(kinds({ riskWeights, actionPriority: ['concurrency'] })).toEqual(['concurrency']);
  },
  canarySteps: async () => {
    const stepsOf = async (canarySteps: number[]) => {
      const { log } = await outcome({ canarySteps, kvUseTarget: 0.55 });
      return log
        .filter(({ planId, kind }) => planId === 'plan-1' && (kind === 'apply' || kind === 'watch'))
        .map(({ kind, actions }) => (kind === 'apply' ? actions.length : kind));
    };
    const [all = 0, ...rest] = await stepsOf([1]);
    expect([Number(all) > 4, rest]).toEqual([true, ['watch']]);
    const first = Math.ceil(0.25 * Number(all));
    const second = Math.ceil(0.5 * Number(all)) - first;
    expect(await stepsOf([0.25, 0.5, 1])).toEqual([
      first,
      'watch',
      second,
      'watch',
      Number(all) - first - second,
      'watch',
    ]);
  },
  watchMs: async () => {
    const took = async (watchMs: number) => {
      const { log, first } = await outcome({ watchMs });
      const kept = log.find(({ kind }) => kind === 'keep');
      return (kept?.atMs ?? 0) - first.atMs;
    };
    // Two canary steps.
    expect(await took(1000)).toBe(2000);
    expect(await took(250)).toBe(500);
  },
  cooldownMs: async () => {
    const growing: DoubleOptions = { ...FULL, tokensPerMs: 0.1 };
    const gap = async (cooldownMs: number) => {
      const { plans, log } = await outcome({ cooldownMs }, growing);
      const kept = log.find(({ kind }) => kind === 'keep');
      return (plans[1]?.atMs ?? Infinity) - (kept?.atMs ?? 0);
    };
    expect(await gap(500)).toBe(500);
    expect(await gap(3000)).toBe(3000);
  },
  alpha: async () => {
    const lossy = { ...FULL, losses: { 'quantize int8': 0.25 } };
    const looks = async (alpha: number) => {
      const { log, first } = await outcome({ alpha, kvUseTarget: 0.55 }, lossy);
      expect(first.status).toBe('rolledBack');
      return log.filter(({ kind, planId }) => kind === 'shadow' && planId === 'plan-1').length;
    };
    expect(await looks(0.5)).toBe(1);
    expect(await looks(0.0001)).toBeGreaterThan(1);
  },
  maxLatencyRatio: async () => {
    expect((await outcome({ maxLatencyRatio: 1.25 }, slower(1.5))).first.rollbackReason).toContain(
      'p95 rose from 100 to 150 ms',
    );
    expect((await outcome({ maxLatencyRatio: 2 }, slower(1.5))).first.status).toBe('completed');
  },
  maxErrorRate: async () => {
    const failing: DoubleOptions = {
      ...FULL,
      service: ({ done }) => (done.length > 0 ? { failed: 1, finished: 19 } : {}),
    };
    expect((await outcome({ maxErrorRate: 0.01 }, failing)).first.rollbackReason).toContain(
      '1 of 20 requests failed',
    );
    expect((await outcome({ maxErrorRate: 0.1 }, failing)).first.status).toBe('completed');
  },
};

test.each(Object.entries(FIELDS))('%s changes behaviour', async (_, check) => {
  await check();
});

test('no field is left out', () => {
  expect(Object.keys(FIELDS).sort()).toEqual(Object.keys(DEFAULT_POLICY).sort());
});
