/** The serving lab's form: stories, fields, backends, links, and what does not read. */
import { expect, test } from 'vitest';
import type { Json } from '../../src/core/json.ts';
import { withValueAt } from '../../src/core/scenario/layer.ts';
import { encodeScenarioLink } from '../../src/core/scenario/link.ts';
import { validateServing } from '../../src/core/scenario/parse.ts';
import { presetServing, presetSimulation, SERVE_PRESETS } from '../../src/core/scenario/presets.ts';
import { GpuState } from '../../src/state/gpu.svelte.ts';
import { SERVE_GROUPS, servingParts, servingStart, sweepFields } from '../../src/state/serving-form.ts';
import { ServingLab } from '../../src/state/serving.svelte.ts';
import { chosenPart } from '../../src/state/sim-form.ts';
import { FakeWorker, fakeHost } from './doubles.ts';

const newLab = () =>
  new ServingLab(new GpuState(fakeHost(new FakeWorker())), { keep: () => Promise.resolve(null) });

const partsOf = (document: Json) =>
  SERVE_GROUPS.flatMap(({ paths }) => paths.flatMap((path) => servingParts(document, path)));

test('it begins with a story, and the plan counts what a run does', () => {
  const lab = newLab();
  expect(lab.draft.scenario).toEqual(presetServing('serve-concurrency'));
  expect(lab.plan).toMatchObject({ repetitions: 13, requests: 1248 });
  expect(lab.plan?.points).toHaveLength(4);
});

test.each(SERVE_PRESETS)('every part of $name has words, whatever kind is chosen', ({ name }) => {
  const document = presetServing(name);
  const variations = partsOf(document).flatMap((part): Json[] => {
    const kinds = part.kind === 'variant' ? part.options : part.kind === 'optional' ? [null] : [];
    return kinds.map(
      (kind) => withValueAt(document, part.path, chosenPart(document, part.path, kind, servingStart)) ?? null,
    );
  });
  for (const varied of [document, ...variations]) {
    for (const { label, help } of partsOf(varied)) {
      expect(label).toMatch(/^\S/);
      expect(help).toMatch(/\.$/);
    }
  }
});

test('a kind that is chosen in the first story can be run', () => {
  const document = { ...presetServing('serve-rate'), sweep: [] };
  for (const part of partsOf(document)) {
    const kinds = part.kind === 'variant' ? part.options : part.kind === 'optional' ? [null] : [];
    for (const kind of kinds) {
      const varied = withValueAt(document, part.path, chosenPart(document, part.path, kind, servingStart));
      expect([part.path, kind, validateServing(varied)]).toMatchObject([part.path, kind, { ok: true }]);
    }
  }
});

test('users, rate, lengths and the engine’s settings can be swept', () => {
  const swept = (name: string) => sweepFields(presetServing(name)).map(({ path }) => path);
  expect(swept('serve-concurrency')).toEqual(
    expect.arrayContaining(['workload.arrivals.users', 'workload.promptTokens.min', 'engine.kvFormat']),
  );
  expect(swept('serve-rate')).toContain('workload.arrivals.rate');
});

test('backends go in and out in one order, and none is refused', () => {
  const lab = newLab();
  lab.toggle('contiguous');
  expect(lab.backends).toEqual(['paged', 'contiguous']);
  lab.toggle('paged');
  lab.toggle('contiguous');
  expect(lab.draft.scenario).toBeNull();
  expect(lab.draft.problems.join(' ')).toContain('backends');
  expect(lab.plan).toBeNull();
});

test('JSON that does not read is one sentence, and changes nothing', () => {
  const lab = newLab();
  lab.draft.typeJson('{');
  expect(lab.draft.scenario).toBeNull();
  expect(lab.draft.problems).toHaveLength(1);
  lab.draft.dropJson();
  expect(lab.draft.scenario).toEqual(presetServing('serve-concurrency'));
  lab.draft.typeJson('{"version":1,"kind":"serve","workload":{"requests":5}}');
  expect(lab.draft.scenario?.workload.requests).toBe(5);
});

test('a link brings its scenario and story; one of another kind says so and changes nothing', async () => {
  const [here, there] = [newLab(), newLab()];
  here.choose('serve-rate');
  here.draft.set('seed', 7);
  const link = (await here.link()) ?? '';
  await there.follow(link);
  expect([there.draft.scenario, there.story]).toEqual([here.draft.scenario, 'serve-rate']);
  there.draft.set('seed', 8);
  await there.follow(link);
  expect(there.draft.scenario?.seed).toBe(8);
  await there.follow(await encodeScenarioLink(presetSimulation('cache-thrash'), null));
  expect(there.linkProblem).toBe('This link holds no serving run.');
  await there.follow('s1.broken');
  expect(there.linkProblem).toMatch(/^\S.*\.$/);
  expect(there.draft.scenario?.seed).toBe(8);
});
