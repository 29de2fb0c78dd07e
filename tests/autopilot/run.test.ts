/** Whole runs on the simulated engine: held where the other preempts, taken back where it harms, replayed to the byte, faults. */
import { describe, expect, it, test } from 'vitest';
import { runAutopilot, type FaultPoint } from '../../src/autopilot/controller/index.ts';
import { replayLog } from '../../src/autopilot/log/index.ts';
import { ActionError } from '../../src/autopilot/plant.ts';
import { runAutopilotScenario } from '../../src/autopilot/run.ts';
import { createSimulatedPlant } from '../../src/autopilot/simulated/plant.ts';
import { createRandom } from '../../src/core/random.ts';
import { parseRun } from '../../src/core/run/parse.ts';
import type { AutopilotRun } from '../../src/core/run/autopilot.ts';
import { DEFAULT_AUTOPILOT } from '../../src/core/scenario/autopilot/defaults.ts';
import type { AutopilotPolicy } from '../../src/core/scenario/autopilot/policy.ts';
import type { AutopilotScenario } from '../../src/core/scenario/autopilot/schema.ts';
import { AUTOPILOT_LAYERS } from '../../src/core/scenario/autopilot/stories.ts';
import { parseAutopilot } from '../../src/core/scenario/parse.ts';
import '../../src/core/all-records.ts';

function story(name: string, change: Partial<AutopilotScenario> = {}): AutopilotScenario {
  const parsed = parseAutopilot(AUTOPILOT_LAYERS[name] ?? { kind: 'lab' });
  if (!parsed.ok) throw new Error(parsed.sentence);
  return { ...parsed.scenario, ...change };
}

const peak = (values: readonly (number | null)[]): number => Math.max(...values.map((value) => value ?? 0));

/** A pool of 400 blocks under a load that it does not hold. */
function small(
  policy: Partial<AutopilotPolicy> = {},
  change: Partial<AutopilotScenario> = {},
): AutopilotScenario {
  const { simulation } = DEFAULT_AUTOPILOT;
  return {
    ...DEFAULT_AUTOPILOT,
    controlMs: 100,
    policy: {
      ...DEFAULT_AUTOPILOT.policy,
      latencyP95Ms: null,
      keepRecentTokens: 32,
      watchMs: 100,
      cooldownMs: 0,
      actionPriority: ['quantize', 'offload', 'evict', 'concurrency', 'fetch'],
      ...policy,
    },
    simulatedLoss: { int8: 0.001, int4: 0.01, int2: 0.4, evict: 0.03 },
    ...change,
    simulation: {
      ...simulation,
      hardware: { ...simulation.hardware, kvBlocks: 400 },
      engine: { ...simulation.engine, prefixCache: 'off' },
      workload: {
        ...simulation.workload,
        requests: 40,
        arrivals: { kind: 'poisson', rate: 6 },
        promptTokens: { kind: 'uniform', min: 100, max: 600 },
        outputTokens: { kind: 'uniform', min: 100, max: 400 },
      },
    },
  };
}

describe('under a rising load', () => {
  let run: AutopilotRun | null = null;
  const rising = async (): Promise<AutopilotRun> =>
    (run ??= await runAutopilotScenario(story('autopilot-rising-load')));

  it('the KV use is held at the target where the run without preempts and misses its objectives', async () => {
    const { with: held, without, plans, complete } = await rising();
    expect(complete).toBe(true);
    expect(held.summary).toMatchObject({ finished: 420, preemptions: 0, recomputedTokens: 0 });
    expect(peak(held.series.kvUse)).toBeLessThan(0.9);
    expect(held.summary?.attainment).toBeGreaterThan(0.99);
    expect(without?.summary?.preemptions).toBeGreaterThan(150);
    expect(peak(without?.series.kvUse ?? [])).toBe(1);
    expect(without?.summary?.attainment).toBeLessThan(0.7);
    expect(plans.filter(({ status }) => status === 'completed').length).toBeGreaterThan(20);
  }, 60_000);

  it('the run is a document that is read again', async () => {
    const parsed = await parseRun(JSON.stringify(await rising()));
    expect(parsed.ok ? parsed.run : parsed.sentence).toEqual(await rising());
  });
});

describe('a harmful action', () => {
  it('int2 is rolled back within the shadow, and every request ends as in the run that never acted', async () => {
    const { with: tried, without, plans } = await runAutopilotScenario(story('autopilot-harmful-int2'));
    expect(plans.length).toBeGreaterThan(0);
    for (const plan of plans) {
      expect(plan).toMatchObject({ status: 'rolledBack', actionsCompleted: 0 });
      expect(plan.qualityDelta).toBeGreaterThan(0.05);
    }
    expect(tried.counters.tokensQuantized).toBe(0);
    expect(tried.summary).toEqual(without?.summary);
  }, 60_000);
});

describe('the run', () => {
  it('is the same to the byte, and its log replays to the same states', async () => {
    const scenario = small();
    const [a, b] = [await runAutopilotScenario(scenario), await runAutopilotScenario(scenario)];
    expect(JSON.stringify(b)).toBe(JSON.stringify(a));
    expect(a.with.counters.applies).toBeGreaterThan(10);
    const replayed = await replayLog(a.log, createSimulatedPlant(scenario));
    expect(replayed.difference).toBeNull();
    expect(replayed.compared).toBeGreaterThan(10);
    expect(replayed.equal).toBe(replayed.compared);
  });

  it('touches nothing in a dry run', async () => {
    const run = await runAutopilotScenario(small({}, { dryRun: true }));
    expect(run.plans.length).toBeGreaterThan(0);
    expect(run.plans.every(({ status }) => status === 'pending')).toBe(true);
    expect(run.with.summary).toEqual(run.without?.summary);
    expect(run.with.counters.applies).toBe(0);
  });

  it('tells both sides’ news, and ends at once when it is cancelled', async () => {
    const sides = new Map<string, number>();
    const cancel = new AbortController();
    const run = await runAutopilotScenario(small(), {
      signal: cancel.signal,
      onNews: ({ kind }, side) => {
        sides.set(side, (sides.get(side) ?? 0) + 1);
        if (side === 'without' && kind === 'look') cancel.abort();
      },
    });
    expect(run.complete).toBe(false);
    expect(sides.get('with')).toBeGreaterThan(50);
    expect(sides.get('without')).toBeLessThan(5);
  });

  it('the stop button takes the plan back and lets the cache serve on', async () => {
    const stop = new AbortController();
    const run = await runAutopilotScenario(small(), {
      stop: stop.signal,
      faults: ({ before, index }) => {
        if (before === 'apply' && index > 0) stop.abort();
      },
    });
    expect(run.plans.at(-1)?.status).toBe('cancelled');
    expect(run.with.summary?.finished).toBe(40);
    expect(run.complete).toBe(true);
  });

  it.each([
    [{ engine: { scheduler: 'sarathi' } }, /scheduler is sarathi; an autopilot steers the vllm scheduler/],
    [{ engine: { preemption: 'swap' } }, /preemption is swap; under an autopilot it is recompute/],
    [{ model: 'Gemma-3-27B' }, /keep different tokens/],
  ])('what cannot be steered is refused in a sentence: %j', async (simulation, sentence) => {
    const parsed = parseAutopilot({ version: 1, kind: 'autopilot', simulation });
    if (!parsed.ok) throw new Error(parsed.sentence);
    await expect(runAutopilotScenario(parsed.scenario)).rejects.toThrow(sentence);
  });
});

/** A fault as it happens between two steps: an error, an action that can't be done, or time that goes on. */
function planted(seed: number, plant: ReturnType<typeof createSimulatedPlant>) {
  const random = createRandom(seed).fork('faults');
  return async ({ before }: FaultPoint): Promise<void> => {
    plant.check();
    const draw = random.below(30);
    if (draw === 0) throw new Error('planted');
    if (draw === 1) throw new ActionError('planted');
    // Sequences grow, end and are preempted in the middle of a plan.
    if (draw < 8 && before !== 'undo') await plant.advance(plant.nowMs + random.below(400));
  };
}

test('1,000 random plans on the engine with faults between any two steps leave a state that adds up', async () => {
  const ends = new Map<string, number>();
  let plans = 0;
  for (let seed = 1; plans < 1000; seed++) {
    const random = createRandom(seed).fork('policies');
    const scenario = small(
      {
        kvUseTarget: 0.3 + 0.5 * random.uniform(),
        rollback: random.below(5) > 0,
        watchMs: 100 * random.below(3),
        keepRecentTokens: random.below(64),
        minSequenceTokens: random.below(100),
        canarySteps: random.below(2) === 0 ? [1] : [0.3, 1],
        quantizationScales: [[0.5] as const, [0.25, 0.125] as const, [0.5, 0.25] as const].map((scales) => [
          ...scales,
        ])[random.below(3)] ?? [0.5],
        riskWeights: { evict: random.uniform(), offload: random.uniform(), quantize: random.uniform() },
        actionPriority: ['evict', 'offload', 'quantize', 'admission', 'concurrency', 'fetch'],
      },
      { seed },
    );
    const plant = createSimulatedPlant(scenario);
    const outcome = await runAutopilot(plant, scenario.policy, {
      controlMs: 100,
      seed,
      faults: planted(seed, plant),
    });
    plant.check();
    expect(plant.telemetry()).toMatchObject({ finished: 40, kvBytes: 0 });
    for (const { status } of outcome.plans) ends.set(status, (ends.get(status) ?? 0) + 1);
    plans += outcome.plans.length;
  }
  for (const status of ['completed', 'rolledBack', 'failed']) expect(ends.get(status)).toBeGreaterThan(20);
}, 60_000);
