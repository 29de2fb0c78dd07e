import { expect, test } from 'vitest';
import { decodeLink, encodeScenarioLink } from '../../../../src/core/scenario/link.ts';
import { parseAnyScenario, parsePlan, parseSimulation } from '../../../../src/core/scenario/parse.ts';
import { PLAN_PRESETS, presetPlan, presetSimulation } from '../../../../src/core/scenario/presets.ts';
import { applyAssignments } from '../../../../src/core/scenario/set.ts';

function refusal(layer: object): string {
  const parsed = parsePlan({ version: 1, kind: 'plan', ...layer });
  return parsed.ok ? 'taken' : parsed.sentence;
}

test('an empty document is the plan of the defaults', () => {
  const parsed = parseAnyScenario({ version: 1, kind: 'plan' });
  expect(parsed.ok && parsed.scenario.kind).toBe('plan');
});

test.each([
  { layer: { load: { rate: 1, concurrency: 2 } }, words: 'set one of them to null' },
  { layer: { load: { promptTokens: { kind: 'uniform', min: 9, max: 3 } } }, words: 'load.promptTokens' },
  { layer: { load: { sharedPrefix: { tokens: 2048, prompts: 1 } } }, words: '2047 or fewer' },
  { layer: { engine: { maxModelTokens: 100 } }, words: 'set 2560 or more' },
  { layer: { hardware: { count: 3, tensorParallel: 2 } }, words: 'the nearest that works is 2' },
  { layer: { hardware: { count: 1 }, engine: { disaggregated: true } }, words: 'need 2 at the least' },
  { layer: { hardware: { count: 8 }, constraints: { maxGpus: 4 } }, words: 'constraints.maxGpus' },
  { layer: { hardware: { tensorParallel: 8 }, constraints: { maxGpus: 4 } }, words: 'constraints.maxGpus 8' },
  { layer: { constraints: { gpus: ['l4'] } }, words: 'does not list' },
  { layer: { engine: { weights: 'int4' }, constraints: { qualityLossPercent: 0 } }, words: 'always loses' },
  { layer: { engine: { kvFormat: 'int2' }, goal: { kind: 'quality' } }, words: 'The goal is quality' },
  {
    layer: { goal: { weights: { cost: 0, latency: 0, throughput: 0, quality: 0, energy: 0 } } },
    words: 'goal.weights are all 0',
  },
  { layer: { constraints: { ttftMs: 500, e2eMs: 100 } }, words: 'set it to 100 or less' },
  { layer: { constraints: { tpotMs: 600, e2eMs: 500 } }, words: 'constraints.tpotMs' },
  { layer: { prices: { contract: 'spot', spotShare: 0.5 } }, words: 'prices.spotShare' },
  {
    layer: { prices: { perGpuHour: 1, owned: { perGpu: 1, years: 1, perKwh: 1, otherPerHour: 0 } } },
    words: 'two prices',
  },
  { layer: { load: { rate: 1e6, promptTokens: { kind: 'fixed', tokens: 1e6 } } }, words: 'or fewer' },
  { layer: { load: { rate: -1 } }, words: 'load.rate' },
])('$words', ({ layer, words }) => {
  expect(refusal(layer)).toContain(words);
});

test('a plan is named as one where another kind is needed', () => {
  const parsed = parseSimulation({ version: 1, kind: 'plan' });
  expect(parsed.ok || parsed.sentence).toContain('a plan');
  expect(() => presetPlan('ten-blocks')).toThrow('a plan is needed here');
  expect(() => presetSimulation('plan-chat-8b')).toThrow('is needed here');
});

test.each(PLAN_PRESETS)('$name parses, and its link opens again', async ({ name }) => {
  const scenario = presetPlan(name);
  expect(parseAnyScenario(JSON.stringify(scenario))).toEqual({ ok: true, scenario });
  const changed = applyAssignments(scenario, ['goal.kind=latency']);
  if (!changed.ok) throw new Error(changed.sentence);
  const link = await encodeScenarioLink(changed.scenario, name);
  expect(await decodeLink(link)).toEqual({
    ok: true,
    kind: 'plan',
    preset: name,
    scenario: changed.scenario,
  });
});
