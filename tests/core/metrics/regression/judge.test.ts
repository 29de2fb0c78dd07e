/**
 * Rules held against runs whose truth is known: requests drawn from one distribution, or from one that is slower by a known
 * factor, with neighbours that resemble each other as they do in a queue.
 */
import { describe, expect, test } from 'vitest';
import { exp } from '../../../../src/core/math.ts';
import {
  judge,
  judgeObjectives,
  parseRules,
  samplesForBound,
} from '../../../../src/core/metrics/regression/index.ts';
import type { SampledRepetition, SampledRun } from '../../../../src/core/metrics/regression/sampled.ts';
import { createRandom } from '../../../../src/core/random.ts';

interface Drawn {
  readonly requests: number;
  readonly slower?: number;
  /** Of neighbours, 0…1. */
  readonly correlation?: number;
  readonly repetitions?: number;
  /** Others than those of the seed. */
  readonly arrivals?: number;
}

function repetition(
  seed: number,
  { requests, slower = 1, correlation = 0, arrivals = seed }: Drawn,
): SampledRepetition {
  const random = createRandom(seed);
  const at = createRandom(arrivals).fork('arrivals');
  let state = random.normal();
  const values = Float64Array.from({ length: requests }, () => {
    state = correlation * state + Math.sqrt(1 - correlation ** 2) * random.normal();
    return 100 * slower * exp(0.5 * state);
  });
  const zeros = new Float64Array(requests);
  return {
    seed,
    rows: {
      arrivalMs: Float64Array.from({ length: requests }, () => at.uniform()),
      promptTokens: zeros,
      latencies: { ttft: values, tpot: values, e2e: values, queue: zeros },
      gaps: null,
      kept: values.map((value) => (value <= 200 ? 1 : 0)),
      failed: zeros,
    },
    summed: { ttft: null, tpot: null, itl: null, e2e: null, queue: null },
    scalars: {
      throughput: 1000 / slower + random.normal(),
      'requests per second': null,
      goodput: null,
      attainment: null,
      'hit ratio': null,
      'error rate': 0,
      preemptions: 0,
    },
    requests,
    finished: requests,
  };
}

function run(seed: number, drawn: Drawn): SampledRun {
  return {
    title: 'A run',
    origin: 'measured',
    objectives: { ttftMs: 200, tpotMs: null, e2eMs: null },
    points: [
      {
        settings: {},
        reason: null,
        repetitions: Array.from({ length: drawn.repetitions ?? 1 }, (_, i) =>
          repetition(seed + 7919 * i, drawn),
        ),
      },
    ],
  };
}

function rules(text: string) {
  const read = parseRules(text);
  if (!read.ok) throw new Error(read.sentence);
  return read.value;
}

/** How often of `pairs` runs a rule is broken. */
function broken(rule: string, pairs: number, before: Drawn, after: Drawn): number {
  let count = 0;
  for (let pair = 0; pair < pairs; pair++) {
    const sides = [run(2 * pair + 1, before), run(2 * pair + 2, after)] as const;
    if (judge(sides[1], sides[0], rules(rule), pair).outcome === 'no-go') count++;
  }
  return count;
}

describe('with 95 % confidence', () => {
  test('equal runs break a rule of 0 % seldom: at most 5 times of 100 and what chance adds', () => {
    expect(broken('p90 ttft > 0%', 30, { requests: 200 }, { requests: 200 })).toBeLessThanOrEqual(4);
    const alike = { requests: 300, correlation: 0.5 };
    expect(broken('mean ttft > 0%', 30, alike, alike)).toBeLessThanOrEqual(4);
  });

  test('a run that is a third slower breaks a rule of 5 % nearly always', () => {
    expect(
      broken('p90 ttft > 5%', 10, { requests: 400 }, { requests: 400, slower: 1.35 }),
    ).toBeGreaterThanOrEqual(9);
  });

  test('one that is slower by exactly the limit is stopped seldom', () => {
    expect(
      broken('p50 ttft > 10%', 20, { requests: 200 }, { requests: 200, slower: 1.1 }),
    ).toBeLessThanOrEqual(3);
  });

  test('by repetitions: five of each side, with a spread of their own', () => {
    const [before, after] = [
      run(1, { requests: 100, repetitions: 6 }),
      run(2, { requests: 100, repetitions: 6, slower: 1.2 }),
    ];
    const { rules: results } = judge(after, before, rules('throughput < -10%; throughput < -30%'));
    expect(results.map(({ verdict }) => verdict)).toEqual(['broken', 'kept']);
    expect(results[0]?.sentence).toMatch(
      /^Broken: throughput is 16\.\d % lower than the baseline’s .* \(6 repetitions\)\.$/,
    );
  });

  test('the same arrivals are drawn together, so that a small change is seen', () => {
    const before = run(5, { requests: 400, correlation: 0.8 });
    const after = {
      ...before,
      points: before.points.map((point) => ({
        ...point,
        repetitions: point.repetitions.map((one) => slowed(one, 1.04)),
      })),
    };
    const {
      outcome,
      rules: [result],
    } = judge(after, before, rules('p90 ttft > 2%'));
    expect(outcome).toBe('no-go');
    expect(result?.sentence).toContain('on the same arrivals');
    expect(result?.change).toBeCloseTo(0.04, 10);
  });
});

function slowed(one: SampledRepetition, factor: number): SampledRepetition {
  const { rows } = one;
  if (rows === null) return one;
  const ttft = rows.latencies.ttft.map((value) => value * factor);
  return { ...one, rows: { ...rows, latencies: { ...rows.latencies, ttft } } };
}

describe('verdicts', () => {
  const before = run(11, { requests: 600 });
  const one = (rule: string, after: SampledRun, base: SampledRun | null = before) =>
    judge(after, base, rules(rule)).rules[0];

  test('not shown where the interval lies on both sides of the limit, and that stops nobody', () => {
    const after = run(12, { requests: 600, slower: 1.06 });
    const result = one('p90 ttft > 5%', after);
    expect(result?.verdict).toBe('not shown');
    expect(judge(after, before, rules('p90 ttft > 5%')).outcome).toBe('go');
    expect(result?.sentence).toMatch(/^Not shown: .*more requests tell more\.$/);
  });

  test('a level needs no baseline; a change does', () => {
    expect(one('p50 ttft > 10 ms', before, null)?.verdict).toBe('broken');
    expect(one('p50 ttft > 1 s', before, null)?.verdict).toBe('kept');
    expect(one('p50 ttft > 5%', before, null)?.sentence).toMatch(/needs a baseline/);
  });

  test('too few samples are refused with how many there should be', () => {
    const few = run(13, { requests: 120 });
    const result = one('p99 ttft > 5%', few);
    expect(result?.verdict).toBe('refused');
    expect(result?.sentence).toMatch(
      /The run has 120 samples, .*: 299 are needed; send more requests, or ask for p95\./,
    );
    expect(judge(few, before, rules('p99 ttft > 5%')).outcome).toBe('refused');
    expect(one('throughput < -5%', few)?.sentence).toMatch(/1 repetition shows no spread; 3 repetitions/);
    expect(one('itl > 5%'.replace('itl', 'p50 itl'), few)?.sentence).toMatch(/has no sample/);
    expect(one('p50 queue > 5%', run(14, { requests: 600 }))?.sentence).toMatch(
      /is 0, of which there is no percentage/,
    );
  });

  test('one-sided samples: all lie below the percentile with the chance that is left', () => {
    expect(samplesForBound(99, 0.95)).toBe(299);
    expect(samplesForBound(95, 0.95)).toBe(59);
    expect(samplesForBound(50, 0.95)).toBe(5);
    expect(samplesForBound(1, 0.95)).toBe(299);
  });

  test('points are matched by their settings, and the chance of an error is shared among them', () => {
    const points = (seed: number, slower: number): SampledRun => ({
      ...run(seed, { requests: 300 }),
      points: [4, 8].map((users) => ({
        settings: { 'workload.arrivals.users': users },
        reason: null,
        repetitions: [repetition(seed + users, { requests: 300, slower: users === 8 ? slower : 1 })],
      })),
    });
    const { rules: results } = judge(points(31, 1.6), points(61, 1), rules('p90 ttft > 5%'));
    expect(results.map(({ point, verdict }) => [point, verdict])).toEqual([
      ['users 4', expect.not.stringMatching('broken')],
      ['users 8', 'broken'],
    ]);
    expect(results[0]?.confidence).toBeCloseTo(0.975, 10);
    const other: SampledRun = {
      ...points(1, 1),
      points: [
        { ...points(1, 1).points[0], settings: { a: 1 } },
        { settings: { a: 2 }, reason: null, repetitions: [] },
      ].flatMap((point) => ('repetitions' in point ? [{ reason: null, repetitions: [], ...point }] : [])),
    };
    expect(judge(points(1, 1), other, rules('p90 ttft > 5%')).rules[0]?.sentence).toMatch(
      /No point of the run has the settings/,
    );
  });

  test('the same runs give the same digits', () => {
    const after = run(15, { requests: 400 });
    expect(judge(after, before, rules('p95 ttft > 1%'))).toEqual(
      judge(after, before, rules('p95 ttft > 1%')),
    );
  });
});

describe('go or no-go', () => {
  const verdict = (drawn: Drawn) => judgeObjectives(run(21, drawn))[0];

  test('by the share of requests within the objectives, with its interval', () => {
    expect(verdict({ requests: 400, slower: 0.6 })?.verdict).toBe('go');
    expect(verdict({ requests: 400, slower: 1.5 })?.verdict).toBe('no-go');
    const close = verdict({ requests: 60, slower: 1 });
    expect(close?.verdict).toBe('undecided');
    expect(close?.sentence).toMatch(
      /^Undecided: .* of 60 requests kept the objectives \(95 % interval .*p90 TTFT .* (below|above) the limit of 200 ms\.$/,
    );
  });

  test('all of a few requests are no proof', () => {
    const few = verdict({ requests: 10, slower: 0.2 });
    expect(few?.attainment).toBe(1);
    expect(few?.verdict).toBe('undecided');
    expect(few?.interval?.low).toBeCloseTo(0.6915, 3);
  });

  test('without an objective there is neither', () => {
    const none = judgeObjectives({
      ...run(21, { requests: 50 }),
      objectives: { ttftMs: null, tpotMs: null, e2eMs: null },
    });
    expect(none).toHaveLength(1);
    expect(none[0]?.verdict).toBe('none');
  });

  test('no-go as a rule', () => {
    expect(judge(run(21, { requests: 400, slower: 1.5 }), null, rules('no-go')).outcome).toBe('no-go');
    expect(judge(run(21, { requests: 400, slower: 0.6 }), null, rules('no-go')).outcome).toBe('go');
  });
});
