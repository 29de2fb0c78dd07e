import { expect, test } from 'vitest';
import { combinations } from './full.ts';

const AXES = { tier: ['a', 'b', 'c'], format: [1, 2, 3, 4, 5], head: [64, 80], window: [true, false] };

test('the covering set lets every tier meet every value of every other axis', () => {
  const rows = combinations(AXES, false);
  for (const tier of AXES.tier) {
    const of = rows.filter((row) => row.tier === tier);
    expect(new Set(of.map((row) => row.format))).toEqual(new Set(AXES.format));
    expect(new Set(of.map((row) => row.head))).toEqual(new Set(AXES.head));
    expect(new Set(of.map((row) => row.window))).toEqual(new Set(AXES.window));
  }
  expect(rows).toHaveLength(15);
});

test('the full product has every combination once', () => {
  const rows = combinations(AXES, true);
  expect(rows).toHaveLength(3 * 5 * 2 * 2);
  expect(new Set(rows.map((row) => JSON.stringify(row))).size).toBe(rows.length);
});
