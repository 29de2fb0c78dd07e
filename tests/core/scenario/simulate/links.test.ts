/** Links of simulations: both directions over every story, beside links of experiments, and hostile ones. */
import { describe, expect, test } from 'vitest';
import { canonicalJson, crc32 } from '../../../../src/core/json.ts';
import { decodeLink, encodeScenarioLink, packLink } from '../../../../src/core/scenario/link.ts';
import { presetScenario, presetSimulation, SIM_PRESETS } from '../../../../src/core/scenario/presets.ts';
import { applyAssignments } from '../../../../src/core/scenario/set.ts';
import { DEFAULT_SIMULATION } from '../../../../src/core/scenario/simulate/defaults.ts';

const EDITS = [
  [],
  ['seed=7', 'engine.tokenBudget=2048', 'title=Ümläut “quotes” 漢字'],
  ['workload.arrivals={"kind":"gamma","rate":3,"cv":2}', 'cluster.replicas=2'],
  ['workload.sharing={"kind":"sessions","systemTokens":5,"turns":1,"thinkSeconds":5}', 'workload.trace=null'],
  ['sweep=[{"path":"workload.sharing","values":[{"kind":"none"}],"labels":["alone"]}]'],
];

const cases = [null, ...SIM_PRESETS.map(({ name }) => name)].flatMap((preset) =>
  EDITS.map((set) => ({ preset, set, name: `${preset ?? 'the defaults'} with ${set.length} changes` })),
);

test.each(cases)('a link gives back $name exactly', async ({ preset, set }) => {
  const base = preset === null ? DEFAULT_SIMULATION : presetSimulation(preset);
  const changed = applyAssignments(base, set);
  if (!changed.ok) throw new Error(changed.sentence);
  const link = await encodeScenarioLink(changed.scenario, preset);
  expect(link).toMatch(/^s1\.[\w-]+\.[0-9a-z]+$/);
  expect(await decodeLink(link)).toEqual({
    ok: true,
    kind: 'simulation',
    preset,
    scenario: changed.scenario,
  });
});

test('a scenario that comes from a preset of another kind stands on the defaults of its own', async () => {
  const experiment = presetScenario('block-size');
  const link = await encodeScenarioLink(experiment, 'ten-blocks');
  expect(await decodeLink(link)).toEqual({ ok: true, kind: 'scenario', preset: null, scenario: experiment });
});

describe('hostile links', () => {
  const of = (name: string) =>
    crc32(canonicalJson(SIM_PRESETS.find((preset) => preset.name === name)?.layer ?? null));
  const DAMAGED = 'This link is cut off or damaged; ask for it again and copy all of it.';
  test.each([
    { body: { kind: 'party', set: {} }, says: DAMAGED },
    { body: { kind: 7, set: {} }, says: DAMAGED },
    { body: { kind: '__proto__', set: {} }, says: DAMAGED },
    { body: { kind: 'simulate' }, says: DAMAGED },
    // A link of an experiment on a simulation's preset, and the other way round.
    { body: { preset: 'ten-blocks', of: of('ten-blocks'), set: {} }, says: DAMAGED },
    { body: { kind: 'simulate', preset: 'block-size', of: 1, set: {} }, says: DAMAGED },
    {
      body: { kind: 'simulate', preset: 'ten-blocks', of: 1, set: {} },
      says: 'The experiment “ten-blocks” has changed since this link was made; ask for a new link.',
    },
    { body: { kind: 'simulate', set: { kind: 'lab' } }, says: 'kind is "lab"; it must be "simulate".' },
    {
      body: { kind: 'simulate', set: { workload: { requests: 1e8 } } },
      says: 'workload.requests is 100000000; the most is 20000000.',
    },
    {
      body: { kind: 'simulate', set: { workload: { arrivals: { rate: 0 } } } },
      says: 'workload.arrivals.rate is 0; it must be more than 0: the least is 0.000001.',
    },
    {
      body: {
        kind: 'simulate',
        set: { sweep: [{ path: 'workload.arrivals', values: [{ kind: 'never' }] }] },
      },
      says: 'Sweep point “arrivals never”: workload.arrivals.kind is "never"; choose one of constant, poisson, gamma, on-off, mmpp, closed, series.',
    },
    {
      body: { kind: 'simulate', set: { sweep: [{ path: '__proto__.x', values: [1] }] } },
      says: 'sweep.0.path is "__proto__.x", which is not a path such as engine.tokenBudget.',
    },
  ])('$body gets one sentence', async ({ body, says }) => {
    const before = canonicalJson(DEFAULT_SIMULATION);
    expect(await decodeLink(await packLink('s1', JSON.stringify(body)))).toEqual({
      ok: false,
      sentence: says,
    });
    expect(canonicalJson(DEFAULT_SIMULATION)).toBe(before);
  });
});
