import { describe, expect, test } from 'vitest';
import { parseRule, parseRules } from '../../../../src/core/metrics/regression/index.ts';

const check = { kind: 'check', direction: 'above', confidence: 0.95 } as const;
const p99 = { kind: 'latency', latency: 'ttft', statistic: 99 } as const;

describe('what a rule says', () => {
  test.each([
    ['p99 ttft > 5% @ 95%', { ...check, quantity: p99, against: 'relative', limit: 0.05 }],
    ['p99 ttft > +5% @ 99%', { ...check, quantity: p99, against: 'relative', limit: 0.05, confidence: 0.99 }],
    [
      'p99 TTFT is worse than the baseline by more than 5 % with 95 % confidence',
      { ...check, quantity: p99, against: 'relative', limit: 0.05 },
    ],
    [
      'median tpot > 12.5 ms',
      {
        ...check,
        quantity: { kind: 'latency', latency: 'tpot', statistic: 50 },
        against: 'level',
        limit: 12.5,
      },
    ],
    [
      'mean itl > +200 µs',
      {
        ...check,
        quantity: { kind: 'latency', latency: 'itl', statistic: 'mean' },
        against: 'difference',
        limit: 0.2,
      },
    ],
    [
      'p95 e2e > 4 s',
      {
        ...check,
        quantity: { kind: 'latency', latency: 'e2e', statistic: 95 },
        against: 'level',
        limit: 4000,
      },
    ],
    [
      'p99.9 end-to-end latency worse 10%',
      {
        ...check,
        quantity: { kind: 'latency', latency: 'e2e', statistic: 99.9 },
        against: 'relative',
        limit: 0.1,
      },
    ],
    [
      'throughput < -3%',
      {
        ...check,
        direction: 'below',
        quantity: { kind: 'scalar', scalar: 'throughput' },
        against: 'relative',
        limit: -0.03,
      },
    ],
    [
      'throughput worse > 3%',
      {
        ...check,
        direction: 'below',
        quantity: { kind: 'scalar', scalar: 'throughput' },
        against: 'relative',
        limit: -0.03,
      },
    ],
    [
      'attainment < 90%',
      {
        ...check,
        direction: 'below',
        quantity: { kind: 'scalar', scalar: 'attainment' },
        against: 'level',
        limit: 0.9,
      },
    ],
    [
      'hit ratio < −5 points',
      {
        ...check,
        direction: 'below',
        quantity: { kind: 'scalar', scalar: 'hit ratio' },
        against: 'difference',
        limit: -0.05,
      },
    ],
    [
      'error rate > 1%',
      { ...check, quantity: { kind: 'scalar', scalar: 'error rate' }, against: 'level', limit: 0.01 },
    ],
    [
      'preemptions > +10',
      { ...check, quantity: { kind: 'scalar', scalar: 'preemptions' }, against: 'difference', limit: 10 },
    ],
  ])('%s', (text, expected) => {
    const read = parseRule(text);
    expect(read.ok ? read.value : read.sentence).toMatchObject(expected);
  });

  test('no-go is a rule of its own, and rules stand behind semicolons', () => {
    const read = parseRules('no-go; p50 ttft > 1%\np95 tpot > 20 ms');
    expect(read.ok && read.value.map(({ kind }) => kind)).toEqual(['no-go', 'check', 'check']);
  });
});

describe('what is no rule, in a sentence', () => {
  test.each([
    ['', /no rule in it/],
    ['ttft > 5%', /Which ttft\? Name a statistic/],
    ['p99 tttft > 5%', /nearest is ttft/],
    ['p99 throughput > 5%', /one number of a run/],
    ['p100 ttft > 5%', /not between 0 and 100/],
    ['p99 ttft > 5', /give it in ms, s or %/],
    ['p99 ttft > 5 bananas', /“bananas” is no amount/],
    ['attainment < 5 ms', /is a share/],
    ['p99 ttft > 5% @ 30%', /confidence of 30 % can't be had/],
    ['p99 ttft worse > -5%', /without a minus/],
    ['slower than before', /is no rule that can be read/],
    [Array.from({ length: 21 }, () => 'p50 ttft > 1%').join(';'), /21 rules; at most 20/],
    [`p99 ${'x'.repeat(10_000)}`, /no rule that can be read/],
  ])('%s', (text, sentence) => {
    const read = parseRules(text);
    expect(read.ok ? 'read' : read.sentence).toMatch(sentence);
  });
});
