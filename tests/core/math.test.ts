import { expect, test } from 'vitest';
import * as ours from '../../src/core/math.ts';
import { createRandom } from '../../src/core/random.ts';

/** Distance in units of the last place. */
function ulps(a: number, b: number): number {
  if (Object.is(a, b)) return 0;
  if (!Number.isFinite(a) || !Number.isFinite(b)) return Number.isNaN(a) && Number.isNaN(b) ? 0 : Infinity;
  const spacing = Math.max(2 ** -1074, 2 ** (Math.floor(Math.log2(Math.max(Math.abs(a), 2 ** -1022))) - 52));
  return Math.abs(a - b) / spacing;
}

const random = createRandom(20);
const between = (low: number, high: number) => low + (high - low) * random.uniform();

const oneArgument: {
  name: string;
  ours: (x: number) => number;
  engine: (x: number) => number;
  draw: () => number;
}[] = [
  { name: 'exp', ours: ours.exp, engine: Math.exp, draw: () => between(-745, 709) },
  { name: 'exp near 0', ours: ours.exp, engine: Math.exp, draw: () => between(-1e-3, 1e-3) },
  { name: 'log', ours: ours.log, engine: Math.log, draw: () => 2 ** between(-1070, 1023) },
  { name: 'log near 1', ours: ours.log, engine: Math.log, draw: () => between(0.9, 1.1) },
  { name: 'log2', ours: ours.log2, engine: Math.log2, draw: () => 2 ** between(-1070, 1023) },
  { name: 'log10', ours: ours.log10, engine: Math.log10, draw: () => 2 ** between(-1070, 1023) },
  { name: 'sin', ours: ours.sin, engine: Math.sin, draw: () => between(-1.6e6, 1.6e6) },
  { name: 'cos', ours: ours.cos, engine: Math.cos, draw: () => between(-1.6e6, 1.6e6) },
  { name: 'sin of small angles', ours: ours.sin, engine: Math.sin, draw: () => between(-7, 7) },
  { name: 'cos of small angles', ours: ours.cos, engine: Math.cos, draw: () => between(-7, 7) },
];

test.each(oneArgument)('$name is within 2 ulp of the engine', ({ ours: mine, engine, draw }) => {
  for (let i = 0; i < 20_000; i++) {
    const x = draw();
    expect(ulps(mine(x), engine(x)), `at ${x}`).toBeLessThanOrEqual(2);
  }
});

test('pow is within 2 ulp of the engine, also where x^y is huge or tiny', () => {
  for (let i = 0; i < 40_000; i++) {
    const x = 2 ** between(-40, 40);
    const y = between(-26, 26);
    expect(ulps(ours.pow(x, y), Math.pow(x, y)), `${x} ^ ${y}`).toBeLessThanOrEqual(2);
  }
});

const special = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  2,
  -2,
  3,
  -3,
  2.5,
  -2.5,
  1e300,
  -1e300,
  5e-324,
  Infinity,
  -Infinity,
  NaN,
];

test('pow agrees with the engine on every pair of special values', () => {
  for (const x of special) {
    for (const y of special) {
      const [mine, engine] = [ours.pow(x, y), Math.pow(x, y)];
      expect(ulps(mine, engine), `${x} ^ ${y} is ${mine}, not ${engine}`).toBeLessThanOrEqual(1);
    }
  }
});

test.each([
  ['exp', ours.exp, Math.exp],
  ['log', ours.log, Math.log],
  ['log2', ours.log2, Math.log2],
  ['log10', ours.log10, Math.log10],
] as const)('%s agrees with the engine on special values', (_, mine, engine) => {
  for (const x of special) expect(ulps(mine(x), engine(x)), `at ${x}`).toBeLessThanOrEqual(1);
});

test('powers of two and ten come out exact', () => {
  for (let k = -1074; k <= 1023; k++) expect(ours.log2(ours.scaleByPowerOfTwo(1, k))).toBe(k);
  for (let k = 0; k <= 22; k++) {
    expect(ours.pow(10, k)).toBe(Number(`1e${k}`));
    expect(ours.log10(Number(`1e${k}`))).toBe(k);
  }
});

test.each([
  { x: 1.7, n: 0, out: 1.7 },
  { x: 3, n: 1024 - 2, out: 3 * 2 ** 1022 },
  { x: 3, n: 5000, out: Infinity },
  { x: 3, n: -5000, out: 0 },
  { x: 2 ** -1074, n: 2097, out: 2 ** 1023 },
  { x: 1 + 2 ** -52, n: -1073, out: 2 ** -1073 },
  { x: 1.5, n: -1074, out: 2 ** -1073 },
])('scales $x by 2^$n', ({ x, n, out }) => {
  expect(ours.scaleByPowerOfTwo(x, n)).toBe(out);
});

/** Digits that must not change: a simulated run depends on each of them. Written by this file's own functions. */
test('pins the last digits', () => {
  expect([ours.exp(1), ours.exp(-0.1), ours.log(10), ours.pow(1.1, 7.3), ours.sin(1), ours.cos(1)]).toEqual([
    2.7182818284590455, 0.9048374180359595, 2.302585092994046, 2.0052411193823754, 0.8414709848078965,
    0.5403023058681398,
  ]);
});

test('refuses angles it cannot reduce exactly', () => {
  expect(() => ours.sin(1e9)).toThrow('1000000000');
});
