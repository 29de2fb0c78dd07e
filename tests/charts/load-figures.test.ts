import { expect, test } from 'vitest';
import { courseFigures } from '../../src/charts/figures/load/course.ts';
import { figuresFor } from '../../src/charts/figures/index.ts';
import { renderSvg } from '../../src/charts/svg.ts';
import { courseOf, NO_COURSE, pieceRates } from '../../src/core/metrics/load/course.ts';
import { areComparable } from '../../src/core/run/comparable.ts';
import { parseRun } from '../../src/core/run/parse.ts';
import { loadPointsToCsv, loadRequestsToCsv, watchToCsv } from '../../src/exchange/load/csv.ts';
import { runToJson } from '../../src/exchange/run-files.ts';
import { loadRecord, loadRun, telemetryAt, watchRun } from './load-runs.ts';
import { servingRun, servingScenario } from './serve-runs.ts';

const ramp = loadRun([1, 2, 4, 8]);
const one = loadRun([4]);
const ids = (figures: ReturnType<typeof figuresFor>) => figures.map(({ id }) => id);

test('a ramp is drawn by its setting, in distributions and over time; one point without the first', () => {
  const DISTRIBUTIONS = ['load_ttft_cdf', 'load_tpot_cdf', 'load_itl_cdf', 'load_e2e_cdf'];
  const COURSE = ['load_output_rate', 'load_in_flight', 'load_latencies', 'load_kv_use'];
  const SETTINGS = ['load_throughput', 'load_ttft_p99', 'load_tpot', 'load_e2e_p99', 'load_goodput'];
  expect(ids(figuresFor(ramp))).toEqual([...SETTINGS, ...DISTRIBUTIONS, ...COURSE]);
  expect(ids(figuresFor(one))).toEqual([...DISTRIBUTIONS, ...COURSE]);
});

test('each figure is drawn, is measured, says where times count from or who counts, and has series of its own names', () => {
  for (const spec of [
    ...figuresFor(ramp),
    ...figuresFor(one),
    ...figuresFor(ramp, loadRun([2, 4, 8], 'Another')),
  ]) {
    expect(renderSvg(spec)).toContain('<svg');
    expect(spec.origin).toBe('measured');
    expect(spec.finding).not.toBe('');
    expect(new Set(spec.series.map(({ id }) => id)).size).toBe(spec.series.length);
  }
});

test('the ramp’s figure holds what was measured, point by point, and says where it saturates', () => {
  const spec = figuresFor(ramp).find(({ id }) => id === 'load_ttft_p99');
  const measured = spec?.series.find(({ id }) => id === 'measured');
  expect(measured?.points.map(({ x }) => x)).toEqual([1, 2, 4, 8]);
  const [first, last] = [measured?.points[0]?.y ?? 0, measured?.points.at(-1)?.y ?? 0];
  expect(first).toBeCloseTo(10 + 4 + 1, 6);
  expect(last).toBeGreaterThan(first);
  expect(spec?.finding).toBe('Saturated at users 8: no more.');
  expect(spec?.series.find(({ id }) => id === 'predicted')?.dashed).toBe(true);
});

test('the course of a record: what was in flight, what came, what failed', () => {
  const course = courseOf(loadRecord(1, 4, true));
  expect(course.requests).toHaveLength(12);
  expect(course.requests.filter(({ fault }) => fault !== null)).toMatchObject([
    { row: 11, fault: 'stream cut', e2eMs: null },
  ]);
  const { pieces, inFlight } = course.ticks.at(-1) ?? {};
  expect([pieces, inFlight]).toEqual([11 * 6 + 2, 0]);
  expect(Math.max(...course.ticks.map((tick) => tick.inFlight))).toBe(4);
  const events = courseFigures(course, {
    subtitle: '',
    origin: 'measured',
    source: { runId: '', command: null },
  });
  expect(events.find(({ id }) => id === 'load_latencies')?.events).toEqual({ label: 'failed', at: [500] });
});

test('rates over windows add up to what came, and nothing is drawn of nothing', () => {
  const ticks = Array.from({ length: 11 }, (_, i) => ({ atMs: 100 * i, inFlight: 1, pieces: 5 * i }));
  expect(pieceRates(ticks, 0).map(({ rate }) => rate)).toEqual(new Array(10).fill(50));
  expect(pieceRates(ticks, 300).every(({ rate }) => rate === 50)).toBe(true);
  expect(
    courseFigures(NO_COURSE, { subtitle: '', origin: 'measured', source: { runId: '', command: null } }),
  ).toEqual([]);
});

test('a watch: gauges as they are, counters as rates, one that began anew as a gap', () => {
  const samples = [0, 1000, 2000, 3000].map((ms) =>
    telemetryAt(ms, { outputTokens: ms === 2000 ? 0 : ms, kvUsage: null }),
  );
  const figures = figuresFor(watchRun(samples));
  expect(ids(figures)).toEqual(['watch_requests', 'watch_rates']);
  const output = figures[1]?.series.find(({ id }) => id === 'output');
  expect(output?.points).toEqual([
    { x: 1000, y: 1000 },
    { x: 3000, y: 3000 },
  ]);
});

test('the own GPU and a server stand in one figure, either way round', async () => {
  const own = await servingRun(
    servingScenario({ title: 'Own', sweep: [{ path: 'workload.arrivals.users', values: [1, 2] }] }),
  );
  const across = ['across_throughput_ttft', 'across_ttft_cdf', 'across_tpot_cdf', 'across_e2e_cdf'];
  for (const figures of [figuresFor(ramp, own), figuresFor(own, ramp)]) {
    expect(ids(figures).slice(0, 4)).toEqual(across);
    for (const spec of figures.slice(0, 4)) expect(renderSvg(spec)).toContain('<svg');
  }
  const [first] = figuresFor(ramp, own);
  expect(first?.series.map(({ label, points }) => [label, points.length])).toEqual([
    ['A load (server)', 4],
    ['Own (own GPU)', 2],
  ]);
  expect([
    areComparable('load', 'serve'),
    areComparable('load', 'watch'),
    areComparable('plan', 'plan'),
  ]).toEqual([true, false, true]);
});

test('load and watch go through a file and come back; their tables have a row for each', async () => {
  for (const run of [ramp, watchRun([telemetryAt(0)])]) {
    expect(await Promise.resolve(parseRun(runToJson(run)))).toEqual({ ok: true, run });
  }
  expect(loadRequestsToCsv(ramp).trim().split('\n')).toHaveLength(1 + 4 * 12);
  expect(loadPointsToCsv(ramp).trim().split('\n')).toHaveLength(1 + 4);
  expect(
    watchToCsv(watchRun([telemetryAt(0), telemetryAt(5)]))
      .trim()
      .split('\n'),
  ).toHaveLength(3);
});
