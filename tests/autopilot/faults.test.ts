/**
 * Whatever goes wrong between two steps of a plan, the cache adds up afterwards, and a plan that was not kept has left no
 * trace: a fault in the shadow, in applying, in watching, on the way back; a sequence that ends; a stop.
 */
import { describe, expect, test } from 'vitest';
import {
  runAutopilot,
  type AutopilotOptions,
  type FaultPoint,
} from '../../src/autopilot/controller/index.ts';
import { KvAction } from '../../src/core/scenario/autopilot/action.ts';
import { createRandom } from '../../src/core/random.ts';
import { DEFAULT_POLICY, type AutopilotPolicy } from '../../src/core/scenario/autopilot/policy.ts';
import { ActionError } from '../../src/autopilot/plant.ts';
import { DoublePlant, type DoubleOptions } from './double.ts';

const POLICY: AutopilotPolicy = {
  ...DEFAULT_POLICY,
  keepRecentTokens: 0,
  latencyP95Ms: null,
  kvUseTarget: 0.5,
  cooldownMs: 1e6,
};

const EIGHT: DoubleOptions = {
  sequences: Array.from({ length: 8 }, (_, i) => ({ name: `s${i}`, tokens: 512 })),
  budgetTokens: 4096,
  hostTokens: 8192,
  endsMs: 5000,
};

async function run(
  plant: DoublePlant,
  options: Partial<AutopilotOptions>,
  policy: Partial<AutopilotPolicy> = {},
) {
  const outcome = await runAutopilot(plant, { ...POLICY, ...policy }, { controlMs: 250, ...options });
  const [plan] = outcome.plans;
  if (!plan) throw new Error('There was no plan.');
  return { ...outcome, plan };
}

const failAt = (before: FaultPoint['before'], nth = 0) => {
  let seen = 0;
  return (point: FaultPoint) => {
    if (point.before === before && seen++ === nth) throw new Error(`planted before ${before}`);
  };
};

describe('one fault', () => {
  test.each(['shadow', 'apply', 'watch', 'keep'] as const)(
    'before %s: the plan failed, and nothing of it is left',
    async (before) => {
      const plant = new DoublePlant(EIGHT);
      const digest = plant.digest();
      const { plan, log } = await run(plant, { faults: failAt(before) });
      expect(plan).toMatchObject({ status: 'failed', rollbackReason: `planted before ${before}` });
      expect(plant.digest()).toBe(digest);
      expect(plant.applied).toEqual([]);
      expect(log.some(({ kind }) => kind === 'rollback')).toBe(true);
    },
  );

  test('in the middle of applying', async () => {
    const plant = new DoublePlant(EIGHT);
    const digest = plant.digest();
    const { plan } = await run(plant, { faults: failAt('apply', 3) });
    expect(plan.actionsCompleted).toBe(3);
    expect(plan.status).toBe('failed');
    expect(plant.digest()).toBe(digest);
  });

  test('on the way back: the way back is gone all the same', async () => {
    const plant = new DoublePlant({
      ...EIGHT,
      service: ({ done }) => (done.length > 0 ? { failed: 9, finished: 20 } : {}),
    });
    const digest = plant.digest();
    const { plan, log } = await run(plant, { faults: failAt('undo') });
    expect(plan.status).toBe('rolledBack');
    expect(plan.rollbackReason).toContain('9 of 29 requests failed');
    expect(
      log.some(({ kind, sentence }) => kind === 'fail' && sentence.includes('planted before undo')),
    ).toBe(true);
    expect(plant.digest()).toBe(digest);
  });

  test('a sequence that ended meanwhile is left out; the others go on', async () => {
    const plant = new DoublePlant(EIGHT);
    let ended = '';
    const faults = ({ before }: FaultPoint) => {
      if (before !== 'apply' || ended !== '') return;
      ended = plant.book.names()[3] ?? '';
      for (const name of plant.book.names().slice(0, 4)) plant.book.finish(name);
    };
    const { plan, log } = await run(plant, { faults });
    expect(plan.status).toBe('completed');
    expect(plan.actionsCompleted).toBeLessThan(plan.actionsTotal);
    expect(log.some(({ kind, sentence }) => kind === 'fail' && sentence.includes('is left out'))).toBe(true);
  });

  test('when all of them ended, the plan failed and says so', async () => {
    const plant = new DoublePlant(EIGHT);
    const faults = ({ before }: FaultPoint) => {
      if (before === 'apply') for (const name of plant.book.names()) plant.book.finish(name);
    };
    const { plan } = await run(plant, { faults });
    expect(plan).toMatchObject({
      status: 'failed',
      rollbackReason: 'None of the actions could be done any more.',
    });
  });
});

describe('the stop button', () => {
  test.each([0, 1, 2, 5, 9])(
    'in the middle, before step %d: the plan is cancelled and taken back, the cache serves on',
    async (step) => {
      const plant = new DoublePlant(EIGHT);
      const digest = plant.digest();
      const stop = new AbortController();
      const { plan, plans, complete, log } = await run(plant, {
        stop: stop.signal,
        faults: ({ index }) => {
          if (index === step) stop.abort();
        },
      });
      expect(plan.status).toBe('cancelled');
      expect(plan.rollbackReason).toBe('It was stopped.');
      expect(plant.digest()).toBe(digest);
      expect(plans.length).toBe(1);
      expect(complete).toBe(true);
      expect(plant.nowMs).toBe(5000);
      expect(log.filter(({ sentence }) => sentence.includes('The autopilot was stopped')).length).toBe(1);
    },
  );

  test('the signal of the run ends it at once', async () => {
    const plant = new DoublePlant(EIGHT);
    const cancel = new AbortController();
    const { plan, complete } = await run(plant, {
      signal: cancel.signal,
      faults: ({ before }) => {
        if (before === 'watch') cancel.abort();
      },
    });
    expect(plan.status).toBe('cancelled');
    expect(complete).toBe(false);
    expect(plant.nowMs).toBeLessThan(5000);
    expect(plant.applied).toEqual([]);
  });
});

/** A fault as it happens: an error, an action that can't be done, a sequence that ends, a stop. */
function randomFaults(seed: number, plant: DoublePlant, stop: AbortController) {
  const random = createRandom(seed).fork('faults');
  return () => {
    const draw = random.below(40);
    if (draw === 0) throw new Error('planted');
    if (draw === 1) throw new ActionError('planted');
    if (draw === 2) stop.abort();
    const names = plant.book.names();
    const name = names[random.below(Math.max(1, names.length))];
    if (draw < 6 && name !== undefined) plant.book.finish(name);
  };
}

test('1,000 random plans with faults between any two steps leave a cache that adds up', async () => {
  const ends = new Map<string, number>();
  let count = 0;
  for (let seed = 1; count < 1000; seed++) {
    const random = createRandom(seed).fork('plans');
    const sequences = Array.from({ length: 2 + random.below(10) }, (_, i) => ({
      name: `s${i}`,
      tokens: 64 + random.below(600),
      arrivesMs: random.below(4000),
      ...(random.below(2) === 0 ? { endsAt: 700 + random.below(600) } : {}),
    }));
    const plant = new DoublePlant({
      sequences,
      budgetTokens: 1500,
      hostTokens: 200 * random.below(10),
      tokensPerMs: 0.02 + 0.1 * random.uniform(),
      endsMs: 12_000,
      samples: 24,
      losses: { 'quantize int4': 0.1 * random.below(3), evict: 0.1 * random.below(2) },
    });
    const stop = new AbortController();
    const policy: AutopilotPolicy = {
      ...POLICY,
      kvUseTarget: 0.2 + 0.6 * random.uniform(),
      cooldownMs: 100 * random.below(5),
      watchMs: 200 * random.below(4),
      rollback: random.below(4) > 0,
      keepRecentTokens: random.below(100),
      minSequenceTokens: random.below(200),
      canarySteps: random.below(2) === 0 ? [1] : [0.2, 0.6, 1],
      actionPriority: ['evict', 'offload', 'quantize', 'admission', 'concurrency'],
      riskWeights: { evict: random.uniform(), offload: random.uniform(), quantize: random.uniform() },
    };
    const { plans, log } = await runAutopilot(plant, policy, {
      controlMs: 400,
      seed,
      stop: stop.signal,
      faults: randomFaults(seed, plant, stop),
    });
    plant.check();
    // Nothing is left that somebody could still take back.
    expect(plant.applied).toEqual([]);
    for (const { status } of plans) ends.set(status, (ends.get(status) ?? 0) + 1);
    for (const { action } of plans.flatMap(({ actions }) => actions)) expect(action.kind in KINDS).toBe(true);
    expect(log.map(({ sequence }) => sequence)).toEqual(log.map((_, i) => i));
    count += plans.length;
  }
  // The walk meets every end that a plan can have.
  for (const status of ['completed', 'rolledBack', 'failed', 'cancelled'])
    expect(ends.get(status), status).toBeGreaterThan(5);
  expect(ends.has('executing') || ends.has('pending')).toBe(false);
}, 30_000);

const KINDS = Object.fromEntries(KvAction.options.map((option) => [option.entries.kind.literal, true]));
