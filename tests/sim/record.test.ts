/** A scenario recorded: replicas, tiers and limits, beside the run of the same scenario. */
import { expect, test } from 'vitest';
import { presetSimulation, SIM_PRESETS } from '../../src/core/scenario/presets.ts';
import { expandSweep } from '../../src/core/scenario/sweep.ts';
import { runSimulation } from '../../src/sim/index.ts';
import { recordBlocks } from '../../src/sim/record.ts';
import { HistoryReader } from '../../src/sim/recorder-reader.ts';

/** Sessions whose history outgrows a small pool and comes back from host memory. */
function offloading(replicas: number) {
  const base = presetSimulation('ten-blocks');
  return {
    ...base,
    // Tokens that cost something to compute are worth loading.
    cost: {
      kind: 'linear',
      baseMs: 5,
      perTokenMs: 0.1,
      perPrefillPairMs: 0,
      perContextTokenMs: 0,
      perSequenceMs: 0,
    } as const,
    hardware: { ...base.hardware, kvBlocks: 150 },
    engine: { ...base.engine, blockSize: 16, tokenBudget: 512, maxModelTokens: 0 },
    workload: {
      ...base.workload,
      requests: 60,
      arrivals: { kind: 'poisson', rate: 30 } as const,
      promptTokens: { kind: 'uniform', min: 200, max: 400 } as const,
      outputTokens: { kind: 'fixed', tokens: 40 } as const,
      sharing: { kind: 'sessions', systemTokens: 64, turns: 4, thinkSeconds: 2 } as const,
    },
    cluster: {
      ...base.cluster,
      replicas,
      tiers: [{ kind: 'host', capacityGB: 50, bandwidthGBps: 50, latencyUs: 10, shared: false } as const],
    },
  };
}

test('recording changes nothing: steps and preemptions are those of the run', () => {
  const scenario = presetSimulation('ten-blocks');
  const { history } = recordBlocks(scenario);
  const summary = runSimulation(scenario).points[0]?.repetitions[0]?.summary;
  expect(history.steps.endMs).toHaveLength(summary?.steps ?? -1);
  expect(history.phases.kind.filter((kind) => kind === 4)).toHaveLength(summary?.preemptions ?? -1);
  expect(Math.max(...history.steps.active)).toBeLessThanOrEqual(10);
});

test('each replica has a recording of its own, and a replica that is not there is refused by number', () => {
  const scenario = offloading(2);
  const [first, second] = [0, 1].map((replica) => recordBlocks(scenario, { replica }).history);
  expect([first?.replica, second?.replica]).toEqual([0, 1]);
  const requests = (history: typeof first) => new Set(history?.phases.request);
  expect([...requests(first)].some((request) => requests(second).has(request))).toBe(false);
  expect(() => recordBlocks(scenario, { replica: 2 })).toThrow('There is no replica 2');
});

test('blocks whose contents came from a tier below say so', () => {
  const { history } = recordBlocks(offloading(1));
  expect(history.tiers).toEqual(['host']);
  const reader = new HistoryReader(history);
  const loads = Array.from({ length: reader.numEvents }, (_, i) => reader.eventAt(i)).filter(
    ({ kind }) => kind === 'load',
  );
  expect(loads.length).toBeGreaterThan(0);
  const [load] = loads;
  const { tier, owner } = reader.stateAt((load?.event ?? 0) + 1);
  expect(tier[load?.block ?? 0]).toBe(1);
  expect(owner[load?.block ?? 0]).toBe(load?.request);
});

test('a recording ends at its limit and says so', () => {
  const { history } = recordBlocks(offloading(1), { limits: { maxSteps: 20 } });
  expect(history.steps.endMs).toHaveLength(20);
  expect(history.stopped?.reason).toContain('20 steps');
});

const STORIES = SIM_PRESETS.map(({ name }) => ({ name, scenario: presetSimulation(name) })).filter(
  ({ scenario }) => scenario.workload.trace === null,
);

test.each(STORIES)('the story $name can be looked at, every replica of its last point', ({ scenario }) => {
  const point = expandSweep(scenario).at(-1)?.scenario ?? scenario;
  const { replicas, disaggregation } = point.cluster;
  const count = disaggregation ? disaggregation.prefillReplicas + disaggregation.decodeReplicas : replicas;
  for (let replica = 0; replica < count; replica++) {
    const { history } = recordBlocks(point, { replica, limits: { maxSteps: 400 } });
    const reader = new HistoryReader(history);
    expect(reader.numSteps).toBeGreaterThan(0);
    history.steps.active.forEach((active, step) => {
      expect(active + (history.steps.cached[step] ?? 0)).toBeLessThanOrEqual(history.numBlocks);
    });
    // Blocks of no user and blocks of a user, counted from the state itself, are what the steps say.
    const last = reader.numSteps - 1;
    const { references, contents } = reader.stateAt(reader.momentOf(last));
    expect(references.filter((users) => users > 0)).toHaveLength(history.steps.active[last] ?? -1);
    const idle = contents.filter((text, block) => text >= 0 && references[block] === 0);
    expect(idle).toHaveLength(history.steps.cached[last] ?? -1);
  }
});
