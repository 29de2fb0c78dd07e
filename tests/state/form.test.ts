import { expect, test } from 'vitest';
import { DEFAULT_SCENARIO } from '../../src/core/scenario/defaults.ts';
import { valueAt } from '../../src/core/scenario/layer.ts';
import {
  boundsText,
  fieldGroups,
  plainNumber,
  readField,
  SCENARIO_FIELDS,
  type Field,
} from '../../src/state/form.ts';

/** Every leaf of a scenario but those with an editor of their own, or that say what the document is. */
function leaves(value: unknown, path = ''): string[] {
  if (['version', 'kind', 'sweep', 'softwareAdapter', 'workload.groups'].includes(path)) return [];
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, child]) => leaves(child, path ? `${path}.${key}` : key));
}

function field(path: string): Field {
  const found = SCENARIO_FIELDS.find((f) => f.path === path);
  if (!found) throw new Error(`no field ${path}`);
  return found;
}

test('the form has a field for every setting of a scenario, once, in a group', () => {
  expect(SCENARIO_FIELDS.map(({ path }) => path).sort()).toEqual(leaves(DEFAULT_SCENARIO).sort());
  const grouped = fieldGroups().flatMap(({ fields }) => fields.map(({ path }) => path));
  expect(grouped.sort()).toEqual(SCENARIO_FIELDS.map(({ path }) => path).sort());
});

test('every field has words of its own', () => {
  expect(SCENARIO_FIELDS.filter(({ label, path, help }) => label === path || help === '')).toEqual([]);
});

test('the defaults read back as themselves', () => {
  for (const f of SCENARIO_FIELDS) {
    const value = valueAt(DEFAULT_SCENARIO, f.path);
    expect(readField(f, value === null ? '' : String(value))).toEqual({ ok: true, value });
  }
});

test.each([
  { path: 'workload.concurrency', text: '0', sentence: 'Concurrency is 0; the least is 1.' },
  {
    path: 'workload.concurrency',
    text: '1000000000',
    sentence: 'Concurrency is 1,000,000,000; the most is 1,024.',
  },
  { path: 'workload.concurrency', text: '1.5', sentence: 'Concurrency is 1.5; a whole number is needed.' },
  { path: 'workload.concurrency', text: '', sentence: 'Concurrency is “”; a number is needed.' },
  { path: 'workload.concurrency', text: '<b>', sentence: 'Concurrency is “<b>”; a number is needed.' },
  { path: 'engine.blockSize', text: '12', sentence: 'Block size is “12”; choose one of 8, 16, 32, 64, 128.' },
  { path: 'title', text: 'x'.repeat(121), sentence: 'Title has 121 characters; at most 120 fit.' },
])('$path refuses “$text” in one sentence', ({ path, text, sentence }) => {
  expect(readField(field(path), text)).toEqual({ ok: false, sentence });
});

test.each([
  { path: 'objectives.ttftMs', text: '', value: null },
  { path: 'objectives.ttftMs', text: ' 12.5 ', value: 12.5 },
  { path: 'engine.blockSize', text: '32', value: 32 },
  { path: 'engine.kvFormat', text: 'int4', value: 'int4' },
])('$path takes “$text”', ({ path, text, value }) => {
  expect(readField(field(path), text)).toEqual({ ok: true, value });
});

test.each([
  { value: 0, text: '0' },
  { value: 1_000_000, text: '1,000,000' },
  { value: 0.000001, text: '0.000001' },
  { value: -2.5, text: '-2.5' },
  { value: 1e308, text: '1e+308' },
  { value: 1e-300, text: '1e-300' },
])('$value is written $text', ({ value, text }) => {
  expect(plainNumber(value)).toBe(text);
});

test('a bound that keeps zero out says so, in the sentence and in the explanation', () => {
  const rate: Field = {
    kind: 'number',
    path: 'rate',
    label: 'Rate',
    help: '',
    min: 1e-6,
    max: 1e6,
    integer: false,
    nullable: false,
  };
  const sentenceOf = (text: string) => readField(rate, text);
  expect(sentenceOf('0')).toEqual({
    ok: false,
    sentence: 'Rate is 0; it must be more than 0: the least is 0.000001.',
  });
  expect(sentenceOf('1e308')).toEqual({ ok: false, sentence: 'Rate is 1e+308; the most is 1,000,000.' });
  expect(boundsText(rate)).toBe('more than 0, at most 1,000,000');
  expect(boundsText({ ...rate, min: 1, nullable: true })).toBe('1 to 1,000,000, or empty');
});
