import { expect, test } from 'vitest';
import { DEFAULT_SCENARIO } from '../../src/core/scenario/defaults.ts';
import { labDraft } from '../../src/state/lab-draft.ts';
import { SCENARIO_FIELDS, type Field } from '../../src/state/form.ts';

function field(path: string): Field {
  const found = SCENARIO_FIELDS.find((f) => f.path === path);
  if (!found) throw new Error(`no field ${path}`);
  return found;
}

test('typing changes the scenario', () => {
  const draft = labDraft(DEFAULT_SCENARIO);
  draft.type(field('workload.concurrency'), '8');
  expect(draft.scenario).toEqual({
    ...DEFAULT_SCENARIO,
    workload: { ...DEFAULT_SCENARIO.workload, concurrency: 8 },
  });
});

test('a wrong text stays in its field with its sentence and leaves the document alone', () => {
  const draft = labDraft(DEFAULT_SCENARIO);
  draft.type(field('workload.concurrency'), 'many');
  expect(draft.textOf(field('workload.concurrency'))).toBe('many');
  expect(draft.problems).toEqual(['Concurrency is “many”; a number is needed.']);
  expect(draft.scenario).toBeNull();
  draft.type(field('workload.concurrency'), '4');
  expect(draft.scenario).toEqual(DEFAULT_SCENARIO);
});

test('settings that contradict each other stop the run with one sentence', () => {
  const draft = labDraft(DEFAULT_SCENARIO);
  draft.type(field('model.kvHeads'), '7');
  expect(draft.scenario).toBeNull();
  expect(draft.problems).toHaveLength(1);
  expect(draft.problems[0]).toContain('kvHeads');
});

test('the JSON editor takes a whole document or nothing', () => {
  const draft = labDraft(DEFAULT_SCENARIO);
  draft.typeJson('{"version": 1, "workload": {"concurrency": 2}}');
  expect(draft.scenario?.workload.concurrency).toBe(2);
  draft.typeJson('{"version": 99}');
  expect(draft.scenario).toBeNull();
  expect(draft.json).toBe('{"version": 99}');
  expect(draft.jsonProblem).toContain('99');
  draft.dropJson();
  expect(draft.scenario?.workload.concurrency).toBe(2);
  draft.typeJson('{"version": 1, "__proto__": {"polluted": true}}');
  expect(draft.jsonProblem).toContain('__proto__');
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
});

test('a swept setting is marked', () => {
  const draft = labDraft({ ...DEFAULT_SCENARIO, sweep: [{ path: 'workload.concurrency', values: [1, 2] }] });
  expect([draft.isSwept('workload.concurrency'), draft.isSwept('workload.promptTokens')]).toEqual([
    true,
    false,
  ]);
});
