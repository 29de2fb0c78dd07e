import { expect, test } from 'vitest';
import { digits, PINNED } from './digits.ts';

test('Node computes the pinned digits', () => {
  expect(digits()).toEqual(PINNED);
});
