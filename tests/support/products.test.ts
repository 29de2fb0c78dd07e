import { describe, expect, test } from 'vitest';
import { products } from './products.ts';

describe('several products', () => {
  const axes = { tier: ['a', 'b'], dim: [1, 2, 3], group: [4, 5], block: [6, 7, 8] };

  test('hold every combination of each set, and every value of the axes beside it', () => {
    const rows = products(
      axes,
      [
        ['dim', 'group'],
        ['dim', 'block'],
      ],
      true,
    );
    expect(rows).toHaveLength(6 + 9);
    expect(new Set(rows.slice(0, 6).map(({ dim, group }) => `${dim},${group}`)).size).toBe(6);
    expect(new Set(rows.slice(6).map(({ dim, block }) => `${dim},${block}`)).size).toBe(9);
    for (const part of [rows.slice(0, 6), rows.slice(6)]) {
      expect(new Set(part.map(({ tier }) => tier))).toEqual(new Set(['a', 'b']));
    }
  });

  test('are the covering set by default', () => {
    const rows = products(axes, [['dim', 'group']], false);
    expect(rows).toHaveLength(6);
    for (const tier of axes.tier) {
      const own = rows.filter((row) => row.tier === tier);
      expect(new Set(own.map(({ block }) => block)).size).toBe(3);
    }
  });
});
