/** Bounds in sentences: what they are for, not only what they are. */
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { issueSentence, keepsZeroOut } from '../../src/core/sentences.ts';

const RATE = v.strictObject({ rate: v.pipe(v.number(), v.minValue(1e-6), v.maxValue(1e6)) });
const COUNT = v.strictObject({ count: v.pipe(v.number(), v.minValue(1)) });

function sentence(schema: v.GenericSchema, input: unknown): string {
  const parsed = v.safeParse(schema, input);
  if (parsed.success) throw new Error('The input is one the schema takes.');
  return issueSentence(parsed.issues, 'The document');
}

test('a bound next to zero says that zero is what it keeps out', () => {
  expect(sentence(RATE, { rate: 0 })).toBe('rate is 0; it must be more than 0: the least is 0.000001.');
  expect(sentence(RATE, { rate: -3 })).toBe('rate is -3; it must be more than 0: the least is 0.000001.');
  expect(sentence(RATE, { rate: 1e-8 })).toBe('rate is 1e-8; the least is 0.000001.');
  expect(sentence(COUNT, { count: 0 })).toBe('count is 0; the least is 1.');
  expect([0, 1e-6, 1e-3, 0.01, 1].map(keepsZeroOut)).toEqual([false, true, true, false, false]);
});

test('a huge number does not fill the page', () => {
  expect(sentence(RATE, { rate: 1e308 })).toBe('rate is 1e+308; the most is 1000000.');
});
