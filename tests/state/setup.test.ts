import { expect, test } from 'vitest';
import { encodeCheckLink, encodeScenarioLink, packLink } from '../../src/core/scenario/link.ts';
import { presetQuality, presetScenario, presetServing } from '../../src/core/scenario/presets.ts';
import { planOf } from '../../src/state/lab-plan.ts';
import { Setup } from '../../src/state/setup.svelte.ts';
import { toyCheck } from '../charts/runs.ts';

const fields = (setup: Setup): string => JSON.stringify(setup.draft.scenario);

test('a link restores preset and changes exactly', async () => {
  const here = new Setup();
  here.choose('kv-format-length');
  here.draft.set('workload.concurrency', 3);
  const link = await here.link();
  const there = new Setup();
  await there.openLink(link ?? '');
  expect([fields(there), there.preset, there.linkProblem, there.linkTaken]).toEqual([
    fields(here),
    'kv-format-length',
    null,
    true,
  ]);
});

test('hostile links each give a sentence and change nothing', async () => {
  const good = (await new Setup().link()) ?? '';
  const hostile = [
    good.slice(0, 10),
    good.replace(/^s1/, 's99'),
    'hello',
    `s1.${'A'.repeat(70_000)}.1`,
    await packLink('s1', `{"set":${'['.repeat(2000)}${']'.repeat(2000)}}`),
    await packLink('s1', '{"set":{"__proto__":{"polluted":1}}}'),
    await packLink('s1', '{"set":{"workload":{"promptTokens":1000000000}}}'),
    await encodeCheckLink(toyCheck()),
  ];
  const sentences = new Set<string>();
  for (const link of hostile) {
    const setup = new Setup();
    setup.draft.set('workload.concurrency', 3);
    const before = fields(setup);
    await setup.openLink(link);
    expect(setup.linkProblem).toMatch(/^\S.*\.$/);
    expect([fields(setup), setup.linkTaken]).toEqual([before, false]);
    sentences.add(setup.linkProblem ?? '');
  }
  expect(sentences.size).toBeGreaterThan(5);
});

test('opening the same link twice does not undo what was changed since', async () => {
  const setup = new Setup();
  const link = (await setup.link()) ?? '';
  await setup.openLink(link);
  setup.draft.set('workload.concurrency', 3);
  await setup.openLink(link);
  expect(setup.draft.scenario?.workload.concurrency).toBe(3);
});

test('the plan counts points and repetitions and tells a software adapter’s reductions', () => {
  const scenario = presetScenario('concurrency-llama-3.2-1b');
  const plan = planOf(scenario, false);
  const { repeats, warmupRepeats } = scenario.measurement;
  expect([plan.points.length, plan.repetitions, plan.reductions]).toEqual([
    5,
    5 * (repeats + warmupRepeats),
    [],
  ]);
  expect(planOf(scenario, true).reductions[0]).toContain('smaller');
});

test('what other rooms open is told, and changes nothing here', async () => {
  const setup = new Setup();
  const before = fields(setup);
  expect(await setup.openLink(await encodeScenarioLink(presetServing('serve-rate'), null))).toBe('serve');
  expect(await setup.openLink(await encodeScenarioLink(presetQuality('quality-formats'), null))).toBe(
    'quality',
  );
  expect([fields(setup), setup.linkProblem]).toEqual([before, null]);
});
