import { expect, test } from 'vitest';
import { createRandom, xoshiro128 } from '../../src/core/random.ts';

/** The sequence that rand_xoshiro's own tests give for state 1, 2, 3, 4. */
test('xoshiro128** gives its published sequence', () => {
  const next = xoshiro128([1, 2, 3, 4]);
  expect(Array.from({ length: 10 }, next)).toEqual([
    11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
  ]);
});

test('pins the first values of a seed and of a fork', () => {
  const random = createRandom(1);
  expect([random.nextU32(), random.nextU32(), random.nextU32()]).toEqual([
    1789933344, 2243112582, 3986649259,
  ]);
  expect([random.uniform(), random.normal(), random.exponential()]).toEqual([
    0.4116851750099437, 0.37342674567396, 2.922535090553819,
  ]);
  expect(createRandom(1).fork('arrivals').nextU32()).toBe(2161422941);
});

test('a fork does not depend on what was drawn before, and differs by name and by parent', () => {
  const parent = createRandom(7);
  const early = parent.fork('lengths').nextU32();
  parent.uniform();
  expect(parent.fork('lengths').nextU32()).toBe(early);
  const others = [
    parent.fork('arrivals'),
    createRandom(8).fork('lengths'),
    parent.fork('lengths').fork('lengths'),
  ];
  expect(new Set([early, ...others.map((r) => r.nextU32())]).size).toBe(4);
});

test.each([1, 2, 3])('uniform, normal and exponential have their moments (seed %i)', (seed) => {
  const random = createRandom(seed);
  const n = 40_000;
  const moments = (draw: () => number) => {
    const values = Array.from({ length: n }, draw);
    const mean = values.reduce((a, b) => a + b, 0) / n;
    return [mean, values.reduce((a, b) => a + (b - mean) ** 2, 0) / n] as const;
  };
  const expected = [
    [random.uniform, 0.5, 1 / 12],
    [random.normal, 0, 1],
    [random.exponential, 1, 1],
  ] as const;
  for (const [draw, mean, variance] of expected) {
    const [m, s] = moments(draw);
    expect(Math.abs(m - mean)).toBeLessThan(4 * Math.sqrt(variance / n));
    expect(Math.abs(s / variance - 1)).toBeLessThan(0.06);
  }
});

test('below is even over a bound that does not divide 2^32', () => {
  const random = createRandom(3);
  const counts = [0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < 70_000; i++) {
    const k = random.below(7);
    counts[k] = (counts[k] ?? 0) + 1;
  }
  const chiSquare = counts.reduce((sum, c) => sum + (c - 10_000) ** 2 / 10_000, 0);
  expect(chiSquare).toBeLessThan(22.5); // 99.9 % of chi-square with 6 degrees of freedom
});

test('shuffled keeps the items', () => {
  const items = Array.from({ length: 20 }, (_, i) => i);
  const shuffled = createRandom(5).shuffled(items);
  expect(shuffled).not.toEqual(items);
  expect([...shuffled].sort((a, b) => a - b)).toEqual(items);
});

test.each([-1, 0.5, 2 ** 53, NaN])('refuses the seed %d', (seed) => {
  expect(() => createRandom(seed)).toThrow('seed');
});

test.each([0, 1.5, 2 ** 33])('refuses the bound %d', (bound) => {
  expect(() => createRandom(1).below(bound)).toThrow('bound');
});
