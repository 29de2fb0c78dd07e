import { expect, test } from 'vitest';
import { kneeFit, linearFit, powerFit, robustSlope } from '../../../src/core/metrics/fits.ts';
import { createRandom } from '../../../src/core/random.ts';

const line = (xs: number[], y: (x: number) => number) => xs.map((x) => ({ x, y: y(x) }));

test('a straight line comes back exactly', () => {
  const fit = linearFit(line([1, 2, 4, 8], (x) => 3 * x - 2));
  expect(fit?.slope).toBeCloseTo(3, 12);
  expect(fit?.intercept).toBeCloseTo(-2, 12);
  expect(fit?.r2).toBeCloseTo(1, 12);
});

/** Anscombe's first set: every statistics book prints slope 0.5001, standard error 0.1179, R² 0.6665. */
test('agrees with a published regression', () => {
  const ys = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
  const fit = linearFit([10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5].map((x, i) => ({ x, y: ys[i] ?? NaN })));
  expect(fit?.slope).toBeCloseTo(0.5001, 4);
  expect(fit?.intercept).toBeCloseTo(3.0001, 4);
  expect(fit?.r2).toBeCloseTo(0.6665, 4);
  // t(0.975, 9) = 2.2622
  expect(fit?.slopeInterval?.high).toBeCloseTo(0.5001 + 2.2622 * 0.1179, 3);
});

test.each([0.5, 1, 2])('finds the exponent %d, and its interval holds it', (exponent) => {
  const random = createRandom(6);
  const xs = [128, 512, 1024, 2048, 4096].flatMap((x) => [x, x, x]);
  const fit = powerFit(line(xs, (x) => 0.3 * x ** exponent * (1 + 0.02 * random.normal())));
  expect(fit?.exponent).toBeCloseTo(exponent, 1);
  expect(fit?.factor).toBeCloseTo(0.3, 1);
  expect(fit?.exponentInterval?.low).toBeLessThan(exponent);
  expect(fit?.exponentInterval?.high).toBeGreaterThan(exponent);
});

test('there is no slope from one x, no power law from zeros, no interval from two', () => {
  expect(linearFit([])).toBeNull();
  expect(linearFit(line([5, 5, 5], (x) => x))).toBeNull();
  expect(powerFit(line([0, 1, 2], () => 0))).toBeNull();
  expect(linearFit(line([1, 2], (x) => x))?.slopeInterval).toBeNull();
});

const concurrency = [1, 2, 4, 8, 16].flatMap((x) => [x, x, x, x]);

test.each([
  { name: 'saturates at 6', y: (x: number) => 10 * Math.min(x, 6), knee: 6, place: 'inside' },
  { name: 'is flat from the start', y: () => 25, knee: 1, place: 'start' },
  { name: 'still grows', y: (x: number) => 5 * x, knee: 16, place: 'end' },
])('a throughput that $name', ({ y, knee, place }) => {
  const random = createRandom(8);
  const fit = kneeFit(
    line(concurrency, (x) => y(x) * (1 + 0.01 * random.normal())),
    random,
  );
  expect(fit?.place).toBe(place);
  expect((fit?.knee ?? 0) / knee).toBeCloseTo(1, 1);
  expect(fit?.kneeInterval.low).toBeLessThanOrEqual((fit?.knee ?? 0) * 1.001);
  expect(fit?.kneeInterval.high).toBeGreaterThanOrEqual((fit?.knee ?? 0) * 0.999);
  expect((fit?.plateau ?? 0) / y(16)).toBeCloseTo(1, 1);
});

test('there is no knee from two points', () => {
  expect(
    kneeFit(
      line([1, 2], (x) => x),
      createRandom(1),
    ),
  ).toBeNull();
});

test('the robust slope is not moved by an outlier', () => {
  const points = line([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], (x) => 2 * x);
  const fit = robustSlope([...points, { x: 10, y: 10_000 }]);
  expect(fit?.slope).toBeCloseTo(2, 12);
  expect(fit?.interval.low).toBeLessThanOrEqual(2);
  expect(robustSlope(points.slice(0, 3))).toBeNull();
});

test('Sen’s interval holds the slope about 95 times of 100', () => {
  const random = createRandom(14);
  let held = 0;
  for (let i = 0; i < 300; i++) {
    const fit = robustSlope(line([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], (x) => 0.5 * x + random.normal()));
    if (fit && fit.interval.low <= 0.5 && 0.5 <= fit.interval.high) held += 1;
  }
  expect(held / 300).toBeGreaterThan(0.92);
});

test('many observations are thinned', () => {
  const fit = robustSlope(
    line(
      Array.from({ length: 5000 }, (_, i) => i),
      (x) => 3 * x,
    ),
  );
  expect(fit?.slope).toBeCloseTo(3, 12);
});
