import { expect, test } from 'vitest';
import { parseRun } from '../../src/core/run/parse.ts';
import { DEFAULT_SIMULATION } from '../../src/core/scenario/simulate/defaults.ts';
import type { SimScenario } from '../../src/core/scenario/simulate/schema.ts';
import { findSaturation } from '../../src/sim/saturation.ts';

/** Prompts of one token and one step of 10 ms each, one after another: 100 requests a second and not one more. */
function oneByOne(changes: Partial<SimScenario> = {}): SimScenario {
  return {
    ...DEFAULT_SIMULATION,
    hardware: { ...DEFAULT_SIMULATION.hardware, kvBlocks: 1000 },
    engine: { ...DEFAULT_SIMULATION.engine, maxSequences: 1 },
    workload: {
      ...DEFAULT_SIMULATION.workload,
      requests: 2000,
      arrivals: { kind: 'poisson', rate: 20 },
      promptTokens: { kind: 'fixed', tokens: 1 },
      outputTokens: { kind: 'fixed', tokens: 1 },
    },
    cost: {
      kind: 'linear',
      baseMs: 10,
      perTokenMs: 0,
      perPrefillPairMs: 0,
      perContextTokenMs: 0,
      perSequenceMs: 0,
    },
    objectives: { ttftMs: null, tpotMs: null, e2eMs: null },
    ...changes,
  };
}

test('without objectives the limit is where the queue grows', () => {
  const found = findSaturation(oneByOne());
  expect(found.complete).toBe(true);
  // The estimate of a rate from 2,000 arrivals is off by some percent.
  expect(found.load).toBeGreaterThan(88);
  expect(found.load).toBeLessThan(108);
  expect(found.sentence).toMatch(/^Up to [\d.]+ req\/s holds; at [\d.]+ the queue grows\.$/);
  const loads = found.curve.map(({ load }) => load);
  expect([...loads].sort((a, b) => a - b)).toEqual(loads);
  expect(loads.length).toBeGreaterThan(8);
});

test('the curve is a run: one point a load, latency rising with it', () => {
  const { run, curve } = findSaturation(oneByOne(), {
    stamp: { id: 's', createdAt: '2026-01-01T00:00:00Z' },
  });
  expect(parseRun(JSON.stringify(run))).toEqual({ ok: true, run });
  expect(run.scenario.sweep).toEqual([
    { path: 'workload.arrivals.rate', values: curve.map(({ load }) => load) },
  ]);
  const waits = run.points.map(({ repetitions }) => repetitions[0]?.summary.queueMs?.mean ?? NaN);
  expect(waits[0]).toBeLessThan(5);
  expect(waits.at(-1)).toBeGreaterThan(10 * (waits[0] ?? 0));
});

test('an M/D/1 queue meets an objective up to the rate that theory says', () => {
  // 10 % wait longer than 40 ms where ρ·exp(−2(1 − ρ)·40/10) = 0.1, the heavy-traffic tail: at ρ = 0.75.
  const found = findSaturation(oneByOne({ objectives: { ttftMs: 50, tpotMs: null, e2eMs: null } }));
  expect(found.load).toBeGreaterThan(65);
  expect(found.load).toBeLessThan(90);
  expect(found.sentence).toMatch(/% of the requests meet the objectives\.$/);
});

test('an objective that no load meets is said', () => {
  const { load, sentence } = findSaturation(
    oneByOne({ objectives: { ttftMs: 5, tpotMs: null, e2eMs: null } }),
  );
  expect(load).toBeNull();
  expect(sentence).toMatch(/^No load was found that holds: at [\d.e-]+ req\/s 0 % of the requests meet/);
});

test('users of a closed loop come whole, and a loop always holds without objectives', () => {
  const { workload } = oneByOne();
  const closed = oneByOne({
    workload: { ...workload, requests: 300, arrivals: { kind: 'closed', users: 3, thinkSeconds: 0 } },
    objectives: { ttftMs: 45, tpotMs: null, e2eMs: null },
  });
  const found = findSaturation(closed);
  // Four users wait 40 ms each, five 50 ms.
  expect(found.load).toBe(4);
  expect(found.curve.every(({ load }) => Number.isInteger(load))).toBe(true);
});

test.each([
  // 10 and 30 requests a second, each for a tenth of a second: 20 in the mean.
  { kind: 'mmpp', rates: [10, 30], leave: [10, 10] } as const,
  {
    kind: 'series',
    points: [
      [0, 10],
      [50, 30],
      [100, 20],
    ] as [number, number][],
  } as const,
])('a rate that changes with time is searched by its mean: $kind', (arrivals) => {
  const { workload } = oneByOne();
  const found = findSaturation(
    oneByOne({ workload: { ...workload, arrivals: arrivals as SimScenario['workload']['arrivals'] } }),
  );
  expect(found.unit).toBe('req/s');
  // 100 a second are the most; a series of peaks and lulls holds less than an even stream.
  expect(found.load).toBeGreaterThan(arrivals.kind === 'mmpp' ? 85 : 50);
  expect(found.load).toBeLessThan(110);
  const parsed = parseRun(JSON.parse(JSON.stringify(found.run)));
  expect(parsed.ok ? null : parsed.sentence).toBeNull();
  expect(found.run.scenario.sweep[0]).toMatchObject({ path: 'workload.arrivals' });
});

test('no arrivals at all are refused, and a stopped search says so', () => {
  const { workload } = oneByOne();
  const mmpp = oneByOne({
    workload: { ...workload, arrivals: { kind: 'mmpp', rates: [0, 0], leave: [1, 1] } },
  });
  expect(() => findSaturation(mmpp)).toThrow(/No requests come at the rates/);
  expect(findSaturation(oneByOne(), { shouldStop: () => true })).toMatchObject({
    complete: false,
    load: null,
    sentence: 'The search was stopped before it was done.',
  });
});
