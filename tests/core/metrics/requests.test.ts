import { expect, test } from 'vitest';
import { describeMetric, METRIC_IDS, METRICS } from '../../../src/core/metrics/definitions.ts';
import {
  e2eMs,
  goodput,
  interTokenGapsMs,
  isFinished,
  littleLaw,
  meets,
  queueMs,
  spanMs,
  timePerOutputToken,
  tpotMs,
  ttftMs,
} from '../../../src/core/metrics/requests.ts';
import { isWithin, vectors } from '../../golden/vectors.ts';
import { repetition, request, step } from '../../support/runs.ts';

test.each(vectors('bench/tpot'))('$id', ({ input, expected, tol }) => {
  const actual = timePerOutputToken(
    Number(input['latency_s']),
    Number(input['ttft_s']),
    Number(input['output_tokens']),
  );
  expect(isWithin(actual, expected, tol)).toBe(true);
});

test.each(vectors('bench/little'))('$id', ({ input, expected }) => {
  expect(littleLaw(Number(input['throughput_rps']), Number(input['mean_latency_s']))).toBe(expected);
});

/** The vector's requests as rows: 101 output tokens, so that TPOT is what it says. */
test.each(vectors('bench/goodput'))('$id', ({ input, expected }) => {
  const slo = input['slo'] as { ttft: number; tpot: number };
  const given = input['requests'] as { ttft: number; tpot: number; e2e: number }[];
  const duration = Number(input['duration_s']) * 1000;
  const rows = given.map(({ ttft, tpot }, id) =>
    request({ id, outputTokens: 101, firstTokenMs: ttft * 1000, endMs: ttft * 1000 + tpot * 100_000 }),
  );
  const objectives = { ttftMs: slo.ttft * 1000, tpotMs: slo.tpot * 1000 };
  const published = expected as { good: number; goodput: number; attainment: number };
  const good = rows.filter(isFinished).filter((row) => meets(objectives, ttftMs(row), tpotMs(row)));
  expect(good.length).toBe(published.good);
  expect((good.length / duration) * 1000).toBe(published.goodput);
  expect(goodput(rows, objectives)).toMatchObject({ good: published.good, attainment: published.attainment });
});

test('the times of one request, by hand', () => {
  const row = request({ queuedMs: 2, startMs: 5, firstTokenMs: 20, endMs: 120, outputTokens: 11 });
  if (!isFinished(row)) throw new Error('finished');
  expect([queueMs(row), ttftMs(row), tpotMs(row), e2eMs(row)]).toEqual([3, 18, 10, 118]);
});

test.each([{ endMs: null }, { firstTokenMs: null }, { startMs: null }, { error: 'The device was lost.' }])(
  'a request with %o is not finished',
  (changes) => {
    expect(isFinished(request(changes))).toBe(false);
  },
);

test('gaps come from the decode steps of a request, pauses between them included', () => {
  const steps = [
    step({ startMs: 20, wallMs: 10 }),
    step({ startMs: 50, wallMs: 10 }),
    step({ startMs: 60, wallMs: 5 }),
  ];
  const rows = [
    request({ firstTokenMs: 20, endMs: 65, outputTokens: 4 }),
    // Joined later: the first step is not its own.
    request({ firstTokenMs: 45, endMs: 65, outputTokens: 3 }),
    // Does not match its steps, so it says nothing.
    request({ firstTokenMs: 20, endMs: 65, outputTokens: 9 }),
  ];
  expect(interTokenGapsMs(repetition({ requests: rows, steps }))).toEqual([10, 30, 5, 15, 5]);
});

test('a span is from the first hand-in to the last end, and absent when nothing finished', () => {
  expect(spanMs([request({ queuedMs: 3, endMs: 50 }), request({ queuedMs: 9, endMs: 120 })])).toBe(117);
  expect(spanMs([request({ endMs: null })])).toBeNull();
});

test('without objectives there is no goodput; a failed request meets none', () => {
  expect(goodput([request()], { ttftMs: null, tpotMs: null })).toBeNull();
  const rows = [request(), request({ error: 'lost', endMs: null })];
  expect(goodput(rows, { ttftMs: 20, tpotMs: null })).toEqual({
    good: 1,
    attainment: 0.5,
    perSecond: 1000 / 120,
  });
});

test('every metric says what it is in words, with a unit', () => {
  expect(METRIC_IDS.length).toBeGreaterThan(15);
  for (const id of METRIC_IDS) {
    expect(METRICS[id].sentence).toMatch(/^[A-Z].*\.$/);
    expect(METRICS[id].unit).not.toBe('');
    expect(describeMetric(id)).toContain(METRICS[id].name);
  }
  expect(describeMetric('ttft')).toBe(
    'Time to first token (ms): From the moment a request was handed in until its first output token was done, queueing included. TTFT = f − q.',
  );
});
