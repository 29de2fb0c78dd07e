import { expect, test } from 'vitest';
import { compareRuns, runDifferences } from '../../../src/core/metrics/compare.ts';
import { detectDrift } from '../../../src/core/metrics/drift.ts';
import {
  fewRepetitions,
  medianEstimate,
  percentileEstimates,
  summarizePoint,
  summarizeRun,
} from '../../../src/core/metrics/summarize.ts';
import { createRandom } from '../../../src/core/random.ts';
import type { LabRun } from '../../../src/core/run/schema.ts';
import { DEFAULT_SCENARIO } from '../../../src/core/scenario/defaults.ts';
import { labRun, point, repetition, request, step } from '../../support/runs.ts';

const objectives = { ttftMs: 25, tpotMs: null };
const values = (summary: ReturnType<typeof summarizePoint>) =>
  Object.fromEntries(Object.entries(summary.scalars).map(([id, { value }]) => [id, value]));

test('the metrics of one small repetition, by hand', () => {
  const summary = summarizePoint(point(), objectives, createRandom(1));
  expect(values(summary)).toEqual({
    prefillMs: 15,
    decodeStepMs: 10,
    evictMs: null,
    // 11 tokens from 0 to 120 ms
    throughput: 11 / 0.12,
    prefillThroughput: 100 / 0.015,
    decodeThroughput: 2 / 0.02,
    goodput: 1 / 0.12,
    attainment: 100,
    // 2 MB in 2 × 5 ms of the GPU's clock
    kvReadGBps: 0.2,
    kvUsed: 1000,
    kvReserved: 1600,
    kvWasted: 600,
    kvAllocated: 4096,
  });
  expect(summary.distributions.ttft).toMatchObject({ samples: 1, mean: 20, min: 20, max: 20 });
  expect(summary.scalars.throughput.reason).toBe('No interval: at least 3 repetitions are needed.');
  expect(summary.scalars.evictMs.reason).toBe('Nothing was measured.');
  expect(summary.finishedRequests).toBe(1);
});

test('the host’s clock stands in where the GPU told no time', () => {
  const steps = [step({ gpuMs: null, wallMs: 10 })];
  const summary = summarizePoint(
    point({ repetitions: [repetition({ steps })] }),
    objectives,
    createRandom(1),
  );
  expect(summary.scalars.kvReadGBps.value).toBe(0.1);
});

test('a failed point has a reason and no number', () => {
  const failed = point({ status: 'failed', reason: 'Out of memory at 16 sequences.', repetitions: [] });
  const summary = summarizePoint(failed, objectives, createRandom(1));
  for (const estimate of Object.values(summary.scalars)) {
    expect(estimate).toEqual({
      value: null,
      interval: null,
      samples: 0,
      reason: 'Out of memory at 16 sequences.',
    });
  }
  expect(summary.distributions.e2e.percentiles[50].value).toBeNull();
});

test('failed and cut-off requests count as such and give no times', () => {
  const requests = [request(), request({ error: 'lost' }), request({ endMs: null })];
  const summary = summarizePoint(
    point({ repetitions: [repetition({ requests })] }),
    objectives,
    createRandom(1),
  );
  expect([summary.finishedRequests, summary.failedRequests]).toEqual([1, 2]);
  expect(summary.distributions.e2e.samples).toBe(1);
  expect(summary.scalars.attainment.value).toBeCloseTo(100 / 3, 10);
});

test('a single token has no time per output token', () => {
  const requests = [request({ outputTokens: 1, endMs: 20 })];
  const summary = summarizePoint(
    point({ repetitions: [repetition({ requests })] }),
    objectives,
    createRandom(1),
  );
  expect(summary.distributions.tpot.samples).toBe(0);
  expect(summary.distributions.ttft.samples).toBe(1);
});

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

test.each([
  { n: 5, given: [] },
  { n: 6, given: ['50'] },
  { n: 36, given: ['50', '90'] },
  { n: 72, given: ['50', '90', '95'] },
  { n: 400, given: ['50', '90', '95', '99'] },
  { n: 3688, given: ['50', '90', '95', '99', '99.9'] },
])('$n samples carry the percentiles $given', ({ n, given }) => {
  const estimates = percentileEstimates([upTo(n)], createRandom(1));
  expect(
    Object.entries(estimates)
      .flatMap(([p, { value }]) => (value === null ? [] : [p]))
      .sort(),
  ).toEqual(given);
});

test('says how many samples are missing, and when a percentile is rough', () => {
  const estimates = percentileEstimates([upTo(50)], createRandom(1));
  expect(estimates[99].reason).toBe('50 samples can’t bound p99; at least 368 are needed.');
  expect(estimates[90]).toEqual({
    value: 45.1,
    interval: { low: 41, high: 50 },
    samples: 50,
    reason: 'Rough: 50 samples; 100 leave ten beyond p90.',
  });
  expect(estimates[50].reason).toBeNull();
});

test('three repetitions and more are drawn as wholes', () => {
  const clusters = [upTo(20), upTo(20).map((x) => x + 100), upTo(20).map((x) => x + 200)];
  const { interval } = percentileEstimates(clusters, createRandom(1))[50];
  expect(interval?.low).toBeLessThan(20);
  expect(interval?.high).toBeGreaterThan(200);
});

test('the same run gives the same summary, digit for digit', () => {
  const run = labRun([point({ repetitions: [repetition(), repetition(), repetition({ startedMs: 50 })] })]);
  expect(summarizeRun(run)).toEqual(summarizeRun(structuredClone(run)));
});

/** Twelve repetitions of two points, interleaved; step times as a function of time. */
function drifting(wallMs: (ms: number, noise: number) => number): LabRun {
  const random = createRandom(5);
  const repetitions = (offset: number, scale: number) =>
    upTo(12).map((r) => {
      const startedMs = r * 1000 + offset;
      const steps = upTo(9).map(() => step({ wallMs: scale * wallMs(startedMs, 0.02 * random.normal()) }));
      return repetition({ startedMs, steps });
    });
  return labRun([point({ repetitions: repetitions(0, 1) }), point({ repetitions: repetitions(500, 7) })]);
}

test.each([
  {
    name: 'slower',
    change: 0.3,
    says: /^Steps became 3\d % slower over the run \(95 % interval \d+ to \d+ %\)/,
  },
  { name: 'faster', change: -0.3, says: /^Steps became [23]\d % faster/ },
])('drift to $name is found', ({ change, says }) => {
  const drift = detectDrift(
    drifting((ms, noise) => 10 * (1 - change / 2 + (change * (ms - 1000)) / 11_000 + noise)).points,
  );
  expect(drift?.found).toBe(true);
  expect(drift?.change).toBeGreaterThan(change - 0.1);
  expect(drift?.change).toBeLessThan(change + 0.1);
  expect(drift?.sentence).toMatch(says);
});

test('noise alone and a tiny drift are not drift', () => {
  expect(detectDrift(drifting((_, noise) => 10 * (1 + noise)).points)?.found).toBe(false);
  const tiny = detectDrift(drifting((ms) => 10 * (1 + (0.02 * ms) / 12_000)).points);
  expect(tiny?.found).toBe(false);
  expect(tiny?.sentence).toMatch(/^No drift was found/);
});

test('two repetitions can’t tell drift', () => {
  expect(detectDrift([point({ repetitions: [repetition(), repetition({ startedMs: 9 })] })])).toBeNull();
});

function withSteps(msPerRepetition: number[], concurrency: number) {
  const repetitions = msPerRepetition.map((wallMs) =>
    repetition({ steps: [step({ wallMs, gpuMs: wallMs })] }),
  );
  return point({ settings: { 'workload.concurrency': concurrency, 'engine.kvFormat': 'f16' }, repetitions });
}

test('two runs are compared at the points that both have', () => {
  const a = labRun([withSteps([10, 11, 9, 10], 1), withSteps([20, 21, 20, 22], 2), withSteps([30], 4)]);
  const b = labRun([
    {
      ...withSteps([20.1, 20, 21, 22], 2),
      settings: { 'engine.kvFormat': 'f16', 'workload.concurrency': 2 },
    },
    withSteps([5, 5.5, 4.5, 5], 1),
    withSteps([60], 8),
  ]);
  const { points, unmatched } = compareRuns(a, b, 'decodeStepMs');
  expect(unmatched).toBe(2);
  expect(points[0]).toMatchObject({ a: 10, b: 5, ratio: 0.5, verdict: 'better' });
  expect(points[0]?.reason).toMatch(
    /^Rough: the interval of 4 repetitions holds the median at most 87 times of 100/,
  );
  expect(points[0]?.interval?.high).toBeLessThan(0.7);
  expect(points[1]?.verdict).toBe('no difference found');
  const faster = compareRuns(a, b, 'kvReadGBps').points[0];
  expect(faster).toMatchObject({ ratio: 2, verdict: 'better' });
});

test.each([
  { a: [10], b: [20], ratio: 2, reason: 'No interval: at least 3 repetitions of both are needed.' },
  { a: [], b: [20], ratio: null, reason: 'Nothing was measured in the first run.' },
  { a: [20], b: [], ratio: null, reason: 'Nothing was measured in the second run.' },
])('comparing $a with $b says what is missing', ({ a, b, ratio, reason }) => {
  const compared = compareRuns(labRun([withSteps(a, 1)]), labRun([withSteps(b, 1)]), 'decodeStepMs')
    .points[0];
  expect(compared).toMatchObject({ ratio, reason, verdict: 'unknown', interval: null });
});

test('comparing distributions uses each repetition’s median; a zero has no ratio', () => {
  const run = labRun([point()]);
  expect(compareRuns(run, run, 'ttft').points[0]).toMatchObject({ a: 20, b: 20, ratio: 1 });
  const waste = labRun([
    point({
      repetitions: [repetition({ peakMemory: { usedBytes: 5, reservedBytes: 5, allocatedBytes: 9 } })],
    }),
  ]);
  expect(compareRuns(waste, run, 'kvWasted').points[0]).toMatchObject({
    ratio: null,
    reason: 'The first run has 0 here.',
  });
});

test('the gaps of a long run are counted and bounded', () => {
  const requests = upTo(16).map((id) => request({ id, firstTokenMs: 20, endMs: 660, outputTokens: 65 }));
  const steps = upTo(64).map((i) => step({ startMs: 20 + 10 * (i - 1), wallMs: 10 }));
  const repetitions = upTo(10).map((r) => repetition({ requests, steps, startedMs: r }));
  const summary = summarizePoint(point({ repetitions }), DEFAULT_SCENARIO.objectives, createRandom(1));
  expect(summary.distributions.itl.samples).toBe(16 * 64 * 10);
  expect(summary.distributions.itl.percentiles[99.9].value).toBeCloseTo(10, 9);
});

test.each([
  { n: 2, says: 'No interval: at least 3 repetitions are needed.' },
  { n: 3, says: 'Rough: the interval of 3 repetitions holds the median at most 75 times of 100.' },
  { n: 5, says: 'Rough: the interval of 5 repetitions holds the median at most 93 times of 100.' },
  { n: 6, says: null },
  { n: 100, says: null },
])('an interval of $n repetitions says what it is worth', ({ n, says }) => {
  expect(fewRepetitions(n)).toBe(says);
  expect(medianEstimate(upTo(n), createRandom(1)).reason).toBe(says);
});

test('intervals of seven repetitions hold the median about as often as they say', () => {
  const random = createRandom(21);
  let held = 0;
  for (let i = 0; i < 500; i++) {
    const { interval } = medianEstimate(
      upTo(7).map(() => random.normal()),
      random,
    );
    if (interval && interval.low <= 0 && 0 <= interval.high) held += 1;
  }
  expect(held / 500).toBeGreaterThan(0.94);
});

test('says what differs between two runs besides their numbers', () => {
  const a = labRun([]);
  const scenario = {
    ...a.scenario,
    title: 'Other',
    engine: { ...a.scenario.engine, kvFormat: 'int8' as const },
  };
  const environment = { ...a.environment, runtime: 'Dawn in Node 22' };
  expect(runDifferences(a, a)).toEqual([]);
  expect(runDifferences(a, labRun([], { environment }, scenario))).toEqual([
    'engine.kvFormat is f16 in the first and int8 in the second.',
    'The browser is Chromium 140 in the first and Dawn in Node 22 in the second.',
  ]);
  const swept = { ...a.scenario, sweep: [{ path: 'workload.concurrency', values: [1] }] };
  expect(runDifferences(a, labRun([], {}, swept))).toEqual(['sweep differs.']);
});
