import { expect, test } from 'vitest';
import { DEFAULT_SCENARIO } from '../../../src/core/scenario/defaults.ts';
import { diffLayer, mergeLayer, valueAt, withValueAt } from '../../../src/core/scenario/layer.ts';
import { parseScenario } from '../../../src/core/scenario/parse.ts';
import { reduceForSoftware } from '../../../src/core/scenario/reduce.ts';
import { longestContext, sequencesOf } from '../../../src/core/scenario/rules.ts';
import type { Scenario } from '../../../src/core/scenario/schema.ts';
import { applyAssignments } from '../../../src/core/scenario/set.ts';
import { expandSweep } from '../../../src/core/scenario/sweep.ts';

function scenario(layer: object): Scenario {
  const parsed = parseScenario({ version: 1, ...layer });
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.scenario;
}

const short = { name: 'short', count: 2, promptTokens: 128, outputTokens: 64 };
const long = { name: 'long', count: 1, promptTokens: 4096, outputTokens: 32 };

test('crosses the axes, the last one fastest', () => {
  const swept = scenario({
    sweep: [
      { path: 'engine.kvFormat', values: ['f16', 'int8'] },
      { path: 'workload.concurrency', values: [1, 4] },
    ],
  });
  const points = expandSweep(swept);
  expect(points.map(({ label }) => label)).toEqual([
    'kvFormat f16, concurrency 1',
    'kvFormat f16, concurrency 4',
    'kvFormat int8, concurrency 1',
    'kvFormat int8, concurrency 4',
  ]);
  expect(points[3]?.settings).toEqual({ 'engine.kvFormat': 'int8', 'workload.concurrency': 4 });
  expect(points[3]?.index).toBe(3);
  expect(points[3]?.scenario).toEqual({
    ...swept,
    sweep: [],
    engine: { ...swept.engine, kvFormat: 'int8' },
    workload: { ...swept.workload, concurrency: 4 },
  });
});

test('without a sweep there is one point', () => {
  expect(expandSweep(DEFAULT_SCENARIO)).toEqual([
    { index: 0, settings: {}, label: 'single point', scenario: DEFAULT_SCENARIO },
  ]);
});

test('groups are named by label, or by count and length', () => {
  const values = [[short], [short, long]];
  const plain = scenario({ sweep: [{ path: 'workload.groups', values }] });
  const labelled = scenario({ sweep: [{ path: 'workload.groups', values, labels: ['alone', 'together'] }] });
  expect(expandSweep(plain).map(({ settings }) => settings['workload.groups'])).toEqual([
    '2×128',
    '2×128 + 1×4096',
  ]);
  expect(expandSweep(labelled).map(({ settings }) => settings['workload.groups'])).toEqual([
    'alone',
    'together',
  ]);
  const workload = expandSweep(labelled)[1]?.scenario.workload;
  expect(workload && sequencesOf(workload).map(({ group }) => group)).toEqual(['short', 'short', 'long']);
  expect(workload && longestContext(workload)).toBe(4128);
});

const assignments: { set: string[]; path: string; value: unknown }[] = [
  { set: ['workload.concurrency=8'], path: 'workload.concurrency', value: 8 },
  { set: ['engine.kvFormat=int4'], path: 'engine.kvFormat', value: 'int4' },
  { set: ['engine.kvFormat="int4"'], path: 'engine.kvFormat', value: 'int4' },
  { set: ['title=1=2'], path: 'title', value: '1=2' },
  { set: ['title=7'], path: 'title', value: '7' },
  { set: ['objectives.ttftMs=200'], path: 'objectives.ttftMs', value: 200 },
  { set: ['objectives.ttftMs=200', 'objectives.ttftMs=null'], path: 'objectives.ttftMs', value: null },
  { set: ['model=opt-1.3b'], path: 'model.kvHeads', value: 32 },
  { set: ['model.queryHeads=12', 'model.kvHeads=4'], path: 'model.kvHeads', value: 4 },
  {
    set: ['sweep=[{"path":"workload.concurrency","values":[1,2]}]', 'sweep.0.values=[3]'],
    path: 'sweep.0.values',
    value: [3],
  },
];

test.each(assignments)('--set $set', ({ set, path, value }) => {
  const result = applyAssignments(DEFAULT_SCENARIO, set);
  expect(result.ok && valueAt(result.scenario, path)).toEqual(value);
});

test.each([
  {
    set: 'workload.concurrency',
    says: '“workload.concurrency” is not path=value, such as workload.concurrency=8.',
  },
  { set: 'workload.speed=1', says: 'workload.speed is not a setting of a scenario; check its spelling.' },
  {
    set: '__proto__.polluted=1',
    says: '__proto__.polluted is not a setting of a scenario; check its spelling.',
  },
  { set: 'constructor=1', says: 'constructor is not a setting of a scenario; check its spelling.' },
  { set: 'workload.concurrency=lots', says: 'workload.concurrency is "lots"; a number is needed.' },
  { set: 'workload.concurrency=1e9', says: 'workload.concurrency is 1000000000; the most is 1024.' },
  { set: 'sweep=[1', says: 'This scenario is not valid JSON; check for a missing bracket or quote.' },
  { set: 'version=2', says: 'version is 2; it must be 1.' },
])('--set $set is refused', ({ set, says }) => {
  expect(applyAssignments(DEFAULT_SCENARIO, [set])).toEqual({ ok: false, sentence: says });
});

test('an unknown model is refused with the known ones', () => {
  const result = applyAssignments(DEFAULT_SCENARIO, ['model=gpt-9']);
  expect(!result.ok && result.sentence).toContain('model “gpt-9” is not known; choose one of SmolLM2-135M');
});

test('a software adapter gets the smaller values, says so, and a second time changes nothing', () => {
  const full = scenario({
    sweep: [{ path: 'workload.promptTokens', values: [512, 4096] }],
    softwareAdapter: { 'model.layers': 2, 'sweep.0.values': [64, 128], 'workload.groups': [short] },
  });
  const reduced = reduceForSoftware(full);
  if (!reduced.ok) throw new Error(reduced.sentence);
  expect(reduced.scenario.model.layers).toBe(2);
  expect(reduced.scenario.sweep[0]?.values).toEqual([64, 128]);
  expect(reduced.notes).toEqual([
    'Made smaller because the adapter is software: model.layers 2 (full size: 16); sweep.0.values 64, 128 (full size: 512, 4096); workload.groups 2×128 (full size: none).',
  ]);
  expect(reduceForSoftware(reduced.scenario)).toEqual({ ok: true, scenario: reduced.scenario, notes: [] });
});

test.each([
  {
    softwareAdapter: { 'model.lairs': 2 },
    says: 'softwareAdapter names model.lairs, which is not a setting.',
  },
  {
    softwareAdapter: { 'model.layers': 0 },
    says: 'On a software adapter: model.layers is 0; the least is 1.',
  },
])('a reduction that does not fit is refused: $says', ({ softwareAdapter, says }) => {
  expect(reduceForSoftware(scenario({ softwareAdapter }))).toEqual({ ok: false, sentence: says });
});

test('a difference laid over its base gives the value back', () => {
  const value = scenario({
    engine: { kvFormat: 'int2', eviction: { budgetTokens: 99 } },
    workload: { groups: [short, long] },
    softwareAdapter: { 'model.layers': 1 },
  });
  const base = scenario({
    softwareAdapter: { 'model.layers': 4, 'model.kvHeads': 2 },
    workload: { groups: [long] },
  });
  expect(diffLayer(base, value)).toEqual({
    engine: { kvFormat: 'int2', eviction: { budgetTokens: 99 } },
    workload: { groups: [short, long] },
    softwareAdapter: { 'model.layers': 1 },
  });
  expect(mergeLayer(base, diffLayer(base, value))).toEqual(value);
});

test('a path that leads nowhere changes nothing', () => {
  expect(withValueAt({ a: [1, 2] }, 'a.2', 3)).toBeNull();
  expect(withValueAt({ a: [1, 2] }, 'a.1', 3)).toEqual({ a: [1, 3] });
  expect(withValueAt({ a: 1 }, 'a.b.c', 3)).toBeNull();
  expect(withValueAt({ a: { b: 1 } }, 'a.b', null)).toEqual({ a: { b: null } });
  expect(valueAt({ a: 1 }, 'toString')).toBeUndefined();
});

const reductions = {
  'model.layers': 2,
  'model.queryHeads': 8,
  'model.kvHeads': 2,
  'workload.promptTokens': 128,
  'sweep.0.values': [64],
  'sweep.0.labels': ['small'],
};

test.each([
  { set: 'workload.promptTokens=300', dropped: ['workload.promptTokens'] },
  { set: 'workload.outputTokens=300', dropped: [] },
  { set: 'model.queryHeads=16', dropped: ['model.queryHeads', 'model.kvHeads'] },
  { set: 'model=OPT-1.3B', dropped: ['model.queryHeads', 'model.kvHeads'] },
  { set: 'sweep.0.values=[100]', dropped: ['sweep.0.values', 'sweep.0.labels'] },
  { set: 'sweep=[]', dropped: ['sweep.0.values', 'sweep.0.labels'] },
  { set: 'softwareAdapter={}', dropped: Object.keys(reductions) },
])('a value set by hand is not made smaller behind one’s back: $set', ({ set, dropped }) => {
  const base = scenario({
    sweep: [{ path: 'engine.residualTokens', values: [512], labels: ['full'] }],
    softwareAdapter: reductions,
  });
  const result = applyAssignments(base, [set]);
  if (!result.ok) throw new Error(result.sentence);
  const kept = Object.keys(result.scenario.softwareAdapter);
  expect(Object.keys(reductions).filter((path) => !kept.includes(path))).toEqual(dropped);
});
