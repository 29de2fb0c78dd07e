/** `--set` and sweeps on simulations: names, parts of another kind, parts that are not there. */
import { describe, expect, test } from 'vitest';
import { valueAt } from '../../../../src/core/scenario/layer.ts';
import { parseSimulation } from '../../../../src/core/scenario/parse.ts';
import { applyAssignments } from '../../../../src/core/scenario/set.ts';
import { DEFAULT_SIMULATION } from '../../../../src/core/scenario/simulate/defaults.ts';
import { expandSweep } from '../../../../src/core/scenario/sweep.ts';

const HOST = { kind: 'host', capacityGB: 64, bandwidthGBps: 50, latencyUs: 10, shared: false };

const assignments: { set: string[]; path: string; value: unknown }[] = [
  { set: ['model=Mistral-7B-v0.1'], path: 'model', value: 'Mistral-7B-v0.1' },
  { set: ['engine.tokenBudget=512'], path: 'engine.tokenBudget', value: 512 },
  { set: ['hardware.kvBlocks=9000'], path: 'hardware.kvBlocks', value: 9000 },
  { set: ['hardware.kvBlocks=9000', 'hardware.kvBlocks=null'], path: 'hardware.kvBlocks', value: null },
  { set: ['engine.reserveFullPrompt=true'], path: 'engine.reserveFullPrompt', value: true },
  { set: ['workload.arrivals.rate=2.5'], path: 'workload.arrivals.rate', value: 2.5 },
  {
    set: ['workload.arrivals={"kind":"closed","users":4,"thinkSeconds":0}'],
    path: 'workload.arrivals.users',
    value: 4,
  },
  {
    set: [`cluster.tiers=[${JSON.stringify(HOST)}]`, 'cluster.tiers.0.bandwidthGBps=20'],
    path: 'cluster.tiers.0',
    value: { ...HOST, bandwidthGBps: 20 },
  },
];

test.each(assignments)('--set $set', ({ set, path, value }) => {
  const result = applyAssignments(DEFAULT_SIMULATION, set);
  expect(result.ok && valueAt(result.scenario, path)).toEqual(value);
});

test.each([
  {
    set: 'engine.tokenBudgets=1',
    says: 'engine.tokenBudgets is not a setting of a scenario; check its spelling.',
  },
  {
    set: 'engine.speculation.draftTokens=4',
    says: 'engine.speculation is null, so engine.speculation.draftTokens is no setting; set all of engine.speculation={…}.',
  },
  {
    set: 'workload.arrivals.cv=2',
    says: 'workload.arrivals.cv is not a setting of workload.arrivals of kind poisson (kind, rate); set all of workload.arrivals={"kind":…} for another kind.',
  },
  { set: 'workload.arrivals.kind=gamma', says: 'workload.arrivals.cv is missing; add it.' },
  {
    set: 'workload.arrivals.rate=0',
    says: 'workload.arrivals.rate is 0; it must be more than 0: the least is 0.000001.',
  },
  { set: 'kind=lab', says: 'kind is "lab"; it must be "simulate".' },
  { set: 'model=gpt-9', says: /^model is “gpt-9”, which is not known; the nearest is / },
])('--set $set is refused', ({ set, says }) => {
  const result = applyAssignments(DEFAULT_SIMULATION, [set]);
  expect(result.ok ? '' : result.sentence).toEqual(
    typeof says === 'string' ? says : expect.stringMatching(says),
  );
});

describe('a sweep', () => {
  const points = (axis: object) => {
    const parsed = parseSimulation({ version: 1, sweep: [axis] });
    if (!parsed.ok) throw new Error(parsed.sentence);
    return expandSweep(parsed.scenario);
  };

  test.each([
    { axis: { path: 'cluster.tiers', values: [[], [HOST]] }, names: ['none', 'host'] },
    {
      axis: {
        path: 'workload.sharing',
        values: [{ kind: 'none' }, { kind: 'agents', systemTokens: 0, branching: 2, depth: 2 }],
      },
      names: ['none', 'agents'],
    },
    { axis: { path: 'hardware.kvBlocks', values: [null, 2000] }, names: ['none', 2000] },
    { axis: { path: 'engine.reserveFullPrompt', values: [true, false] }, names: ['true', 'false'] },
    { axis: { path: 'model', values: ['Llama-3.1-8B', 'Qwen3-8B'] }, names: ['Llama-3.1-8B', 'Qwen3-8B'] },
  ])('of $axis.path names its values', ({ axis, names }) => {
    expect(points(axis).map(({ settings }) => settings[axis.path])).toEqual(names);
  });

  test('sets whole parts, and leaves the rest alone', () => {
    const [alone, host] = points({
      path: 'cluster.tiers',
      values: [[], [HOST]],
      labels: ['alone', 'with host'],
    });
    expect(alone?.scenario).toEqual({ ...DEFAULT_SIMULATION, sweep: [] });
    expect(host?.scenario.cluster).toEqual({ ...DEFAULT_SIMULATION.cluster, tiers: [HOST] });
    expect(host?.label).toBe('tiers with host');
  });
});
