import { expect, test } from 'vitest';
import { comparePoints, QUANTITIES, type Quantity } from '../../../../src/core/metrics/serving/compare.ts';
import { overSeeds } from '../../../../src/core/metrics/serving/seeds.ts';
import { createRandom } from '../../../../src/core/random.ts';
import type { SimPoint, SimRepetition } from '../../../../src/core/run/simulation.ts';
import { toySimRun } from '../../../charts/sim-runs.ts';

function toyRepetition(slower: number): SimRepetition {
  const [repetition] = toySimRun({ slower }).points[0]?.repetitions ?? [];
  if (!repetition) throw new Error('A toy run has a repetition.');
  return repetition;
}

/** A point with one repetition a seed, as many times slower as `slower` says. */
function point(slower: readonly number[]): SimPoint {
  return {
    settings: {},
    status: 'done',
    reason: null,
    costModel: '',
    repetitions: slower.map((factor, seed) => ({ ...toyRepetition(factor), seed })),
  };
}

test('the mean over seeds and its interval', () => {
  expect(overSeeds([])).toBeNull();
  expect(overSeeds([4])).toEqual({ mean: 4, interval: null, seeds: 1 });
  const found = overSeeds([1, 2, 3, 4, 5]);
  // t(0.975, 4) = 2.776445, s = 1.581139
  expect(found?.mean).toBe(3);
  expect(found?.interval?.low).toBeCloseTo(3 - 1.963243, 5);
  expect(found?.interval?.high).toBeCloseTo(3 + 1.963243, 5);
});

test.each<{
  a: number[];
  b: number[];
  quantity: Quantity;
  says: RegExp;
  verdict: string;
  over: string | null;
}>([
  {
    a: [1, 1.2, 0.9, 1.1, 1],
    b: [0.69, 0.85, 0.6, 0.77, 0.68],
    quantity: 'ttftMs.p99',
    says: /^B’s p99 TTFT is 31 % lower, interval 2\d–3\d % \(5 seeds\)\.$/,
    verdict: 'better',
    over: 'seeds',
  },
  {
    a: [1, 1.2, 0.9, 1.1],
    b: [2, 2.4, 1.8, 2.2],
    quantity: 'goodput',
    says: /^B’s goodput is 50 % lower, interval 50–50 % \(4 seeds\)\.$/,
    verdict: 'worse',
    over: 'seeds',
  },
  {
    a: [1, 1.2, 0.9, 1.1],
    b: [1.1, 1.1, 0.8, 1.3],
    quantity: 'e2eMs.mean',
    says: /^No clear difference in B’s mean end-to-end latency: [\d.]+ % \w+, but anything from [\d.]+ % lower to [\d.]+ % higher fits \(4 seeds\)\.$/,
    verdict: 'no difference found',
    over: 'seeds',
  },
  {
    a: [1],
    b: [2],
    quantity: 'itlMs.p99',
    says: /^B’s p99 inter-token latency is 100 % higher; three seeds or more give an interval\.$/,
    verdict: 'unknown',
    over: null,
  },
  {
    a: [1],
    b: [1],
    quantity: 'preemptions',
    says: /^B’s preemptions is the same\.$/,
    verdict: 'unknown',
    over: null,
  },
])('$quantity of $b against $a', ({ a, b, quantity, says, verdict, over }) => {
  const found = comparePoints(point(a), point(b), quantity);
  expect(found.sentence).toMatch(says);
  expect(found).toMatchObject({ verdict, over });
});

test('arrivals that differ from seed to seed do not widen the interval of what they have in common', () => {
  const random = createRandom(3);
  const a = Array.from({ length: 8 }, () => 1 + 3 * random.uniform());
  const paired = comparePoints(point(a), point(a.map((slow) => slow * 0.8)), 'ttftMs.mean');
  expect(paired.change).toBeCloseTo(-0.2, 9);
  expect((paired.interval?.high ?? 1) - (paired.interval?.low ?? 0)).toBeLessThan(1e-9);
});

/** 1,000 requests, each with its own wait; B's are shorter by `factor`, with a noise of their own. */
function requests(seed: number, factor: number): SimRepetition {
  const waits = createRandom(seed);
  const noise = createRandom(seed).fork(`noise ${factor}`);
  const base = toyRepetition(1);
  const ttft = Array.from(
    { length: 1000 },
    () => 100 + 400 * waits.exponential() * factor * (0.9 + 0.2 * noise.uniform()),
  );
  const column = (of: (row: number) => number) => ttft.map((_, row) => of(row));
  const sorted = [...ttft].sort((x, y) => x - y);
  const at = (q: number) => sorted[Math.floor(q * 999)] ?? 0;
  const ttftMs = {
    ...(base.summary.ttftMs ?? { samples: 0, exact: true, min: 0, max: 0, p999: 0, quantiles: [] }),
    samples: 1000,
    mean: ttft.reduce((x, y) => x + y, 0) / 1000,
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
  };
  return {
    ...base,
    seed,
    summary: { ...base.summary, ttftMs },
    requests: {
      ...base.requests,
      total: 1000,
      arrivalMs: column((row) => row * 50),
      startMs: column((row) => row * 50),
      firstTokenMs: column((row) => row * 50 + (ttft[row] ?? 0)),
      endMs: column((row) => row * 50 + (ttft[row] ?? 0) + 1000),
      promptTokens: column(() => 100),
      outputTokens: column(() => 11),
      cachedTokens: column(() => 0),
      preemptions: column(() => 0),
      replica: column(() => 0),
    },
  };
}

test('one seed: the interval comes from its requests, holds the truth, and the sentence says what it is', () => {
  const one = (repetition: SimRepetition): SimPoint => ({ ...point([]), repetitions: [repetition] });
  let held = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const found = comparePoints(one(requests(seed, 1)), one(requests(seed, 0.7)), 'ttftMs.mean');
    expect(found.over).toBe('requests');
    expect(found.sentence).toMatch(
      /^B’s mean TTFT is 2\d % lower, interval [\d.]+–[\d.]+ % \(these arrivals\)\.$/,
    );
    // 500 on average against 380.
    const { low = 0, high = 0 } = found.interval ?? {};
    if (low <= -0.24 && high >= -0.24) held++;
  }
  expect(held).toBeGreaterThanOrEqual(16);
});

test('requests that the run does not keep give no interval', () => {
  const a = requests(1, 1);
  const cut = { ...a, requests: { ...a.requests, total: 5000 } };
  const found = comparePoints(
    { ...point([]), repetitions: [cut] },
    { ...point([]), repetitions: [cut] },
    'ttftMs.p50',
  );
  expect(found.interval).toBeNull();
});

test('every quantity has a name and a value', () => {
  for (const quantity of QUANTITIES) {
    const found = comparePoints(point([1, 1.1, 1.3]), point([2, 2.3, 2.1]), quantity);
    expect(found.name, quantity).not.toBe('');
    expect(found.a, quantity).not.toBeNull();
  }
});
