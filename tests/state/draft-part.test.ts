/** A part of a scenario edited by itself: both stay one. */
import { expect, test } from 'vitest';
import type { Json } from '../../src/core/json.ts';
import { withValueAt } from '../../src/core/scenario/layer.ts';
import { parseSimulation, validateSimulation } from '../../src/core/scenario/parse.ts';
import { AutopilotSetup } from '../../src/state/autopilot-setup.ts';
import { DraftPart } from '../../src/state/draft-part.svelte.ts';
import { formFields } from '../../src/state/sim-form.ts';

const DOOR = { validate: validateSimulation, parse: parseSimulation, set: withValueAt };

function opened() {
  const { draft: whole } = new AutopilotSetup();
  const start = whole.readable?.simulation;
  if (start === undefined) throw new Error('the first autopilot does not read');
  const part = new DraftPart(whole, 'simulation', start, DOOR);
  return { whole, part };
}

test('what is changed in the part is changed in the whole, once', () => {
  const { whole, part } = opened();
  part.draft.set('seed', 77);
  part.sync();
  expect(whole.scenario?.simulation.seed).toBe(77);
  const before: Json = whole.document;
  part.sync();
  expect(whole.document).toBe(before);
});

test('what is changed in the whole is changed in the part', () => {
  const { whole, part } = opened();
  whole.set('simulation.seed', 5);
  part.sync();
  expect(part.draft.scenario?.seed).toBe(5);
  part.sync();
  expect(whole.at('simulation.seed')).toBe(5);
  part.draft.set('seed', 6);
  part.sync();
  expect(whole.at('simulation.seed')).toBe(6);
});

test('what does not read in the part stands in the way of the whole until it does', () => {
  const { whole, part } = opened();
  const field = formFields(part.draft.document).find(({ path }) => path === 'seed');
  if (field === undefined || field.kind === 'record') throw new Error('there is no seed');
  part.draft.type(field, 'many');
  part.sync();
  expect(whole.scenario).toBeNull();
  expect(whole.problems).toEqual(['Seed is “many”; a number is needed.']);
  part.draft.type(field, '3');
  part.sync();
  expect(whole.scenario?.simulation.seed).toBe(3);
});

test('a part that contradicts itself is written, and the whole says why it can’t run', () => {
  const { whole, part } = opened();
  part.draft.set('hardware.gpu', 'a slide rule');
  part.sync();
  expect(whole.at('simulation.hardware.gpu')).toBe('a slide rule');
  expect(whole.scenario).toBeNull();
  part.draft.set('hardware.gpu', 'H100-SXM');
  part.sync();
  part.sync();
  expect(whole.scenario?.simulation.hardware.gpu).toBe('H100-SXM');
});
