/** Figures of simulations: known answers from runs whose every number follows from a formula. */
import { describe, expect, test } from 'vitest';
import type { FigureSpec } from '../../src/charts/figure.ts';
import { simFigures, simFiguresFor } from '../../src/charts/figures/simulation/index.ts';
import { overSeeds } from '../../src/charts/figures/simulation/seeds.ts';
import {
  fullest,
  MAX_TIMES,
  shareAboveZero,
  thinned,
  timeMean,
} from '../../src/charts/figures/simulation/time.ts';
import { withinObjective, withinWords } from '../../src/charts/figures/simulation/within.ts';
import { layoutFigure, refuseLog } from '../../src/charts/layout.ts';
import { renderSvg } from '../../src/charts/svg.ts';
import type { SimRun } from '../../src/core/run/simulation.ts';
import { evenDistribution, toySeries, toySimRun } from './sim-runs.ts';

const RATES = { path: 'workload.arrivals.rate', values: [2, 4, 8, 16] };
const POLICIES = { path: 'engine.cachePolicy', values: ['lru', 'sieve', 's3fifo'] };

function figure(run: SimRun, id: string): FigureSpec {
  const found = simFigures(run).find((spec) => spec.id === id);
  if (!found)
    throw new Error(
      `No ${id} among ${simFigures(run)
        .map((spec) => spec.id)
        .join(', ')}.`,
    );
  return found;
}

const plain = (text: string) => text.replaceAll('\u00a0', ' ');

test.each([
  {
    what: 'one point',
    run: toySimRun(),
    ids: [
      'kv_over_time',
      'running_waiting',
      'ttft_cdf',
      'tpot_cdf',
      'itl_cdf',
      'e2e_cdf',
      'goodput',
      'hit_rate',
      'tier_traffic',
    ],
  },
  {
    what: 'rates',
    run: toySimRun({ axis: RATES }),
    ids: [
      ...['kv_over_time', 'kv_over_time_2', 'kv_over_time_3', 'kv_over_time_4', 'running_waiting'],
      ...[
        'ttft_by_setting',
        'tpot_by_setting',
        'itl_by_setting',
        'e2e_by_setting',
        'ttft_cdf',
        'tpot_cdf',
        'itl_cdf',
        'e2e_cdf',
        'goodput',
      ],
      ...['hits_by_setting', 'hit_rate', 'tier_traffic'],
    ],
  },
])('what is offered for $what', ({ run, ids }) => {
  expect(simFigures(run).map(({ id }) => id)).toEqual(ids.map((id) => `sim_${id}`));
});

describe.each([
  ['one point', toySimRun()],
  ['rates', toySimRun({ axis: RATES })],
  [
    'policies over five seeds, one failed',
    toySimRun({ axis: POLICIES, repeats: 5, failLast: 'It did not fit.' }),
  ],
] as const)('every figure of %s', (_, run) => {
  const figures = simFigures(run);

  test('carries title, definition, finding, origin and source', () => {
    for (const spec of figures) {
      expect(spec.subtitle).toMatch(/H100/);
      expect(spec.definition.length).toBeGreaterThan(40);
      expect(spec.finding).toMatch(/\.$/);
      expect(spec.finding).not.toMatch(/NaN|undefined|null|Infinity/);
      expect(spec.origin).toBe('simulated');
      expect(spec.source.runId).toBe('toy-sim');
      expect(spec.notes?.join(' ')).toContain('Step times: roofline');
    }
  });

  test('has distinct series, finite points and few enough of them, and draws as a file', () => {
    for (const spec of figures) {
      expect(new Set(spec.series.map(({ id }) => id)).size).toBe(spec.series.length);
      for (const { points } of spec.series) {
        expect(points.length).toBeLessThanOrEqual(MAX_TIMES);
        for (const { y } of points) expect(y === null || Number.isFinite(y)).toBe(true);
      }
      expect(renderSvg(spec)).not.toMatch(/NaN|Infinity|undefined/);
    }
  });
});

test('KV over time: peak, waste and preemptions are read off the run, and the parts add up to the pool', () => {
  const spec = figure(toySimRun(), 'sim_kv_over_time');
  expect(plain(spec.finding)).toBe(
    'At most 600 of 1,000 blocks (60 %) were in use, around 30 s; 8 % of the slots given out held no token, and 5 preemptions had 4,000 tokens computed again.',
  );
  expect(spec.events?.at).toEqual([10_000, 20_000, 30_000, 40_000, 50_000]);
  const totals = spec.series[0]?.points.map((_, i) =>
    spec.series.reduce((sum, s) => sum + (s.points[i]?.y ?? 0), 0),
  );
  expect(new Set(totals)).toEqual(new Set([1000]));
});

test('a stack draws each part on the parts below it, and offers no log axis', () => {
  const spec = figure(toySimRun(), 'sim_kv_over_time');
  const layout = layoutFigure(spec, { width: 600, yScale: 'log' });
  expect(layout.scales.y).toBe('linear');
  expect(refuseLog(spec, 'y')).toContain('drawn from zero');
  const tops = [0, 1, 2, 3].map((series) =>
    layout.hits.find(({ seriesIndex, pointIndex }) => seriesIndex === series && pointIndex === 120),
  );
  const heights = tops.map((hit) => hit?.y ?? 0);
  expect(heights).toEqual(heights.toSorted((a, b) => b - a));
  expect(layout.marks.filter(({ role }) => role === 'area')).toHaveLength(4);
  expect(layout.marks.filter(({ role }) => role === 'event')).toHaveLength(2);
});

test('a CDF says how many stay within the objective and draws it', () => {
  const spec = figure(toySimRun(), 'sim_ttft_cdf');
  expect(spec.uprights).toEqual([{ x: 2000, label: 'objective' }]);
  expect(plain(spec.finding)).toBe(
    'TTFT is 600 ms at the median, 600 ms on average and 1,090 ms at p99; all 500 finished requests stay within 2,000 ms.',
  );
  expect(layoutFigure(spec, { width: 600 }).marks.filter(({ role }) => role === 'reference')).toHaveLength(2);
});

test.each([340, 420, 600, 900])(
  'a CDF over two decades and a half has labels all along, at %i px',
  (width) => {
    const spec = figure(toySimRun(), 'sim_ttft_cdf');
    const values = Array.from({ length: 101 }, (_, i) => 15 * (5600 / 15) ** (i / 100));
    const wide = spec.series.map((series) => ({ ...series, points: [], samples: [{ x: null, values }] }));
    const { marks, plot } = layoutFigure({ ...spec, series: wide }, { width });
    const labels = marks.flatMap((mark) => (mark.kind === 'text' && mark.role === 'x-tick' ? [mark.x] : []));
    expect(labels.length).toBeGreaterThanOrEqual(3);
    expect(Math.min(...labels)).toBeLessThan(plot.left + (plot.right - plot.left) / 3);
  },
);

test('of many points a sentence names the two ends, and how many there are besides', () => {
  const { finding } = figure(toySimRun({ axis: RATES }), 'sim_ttft_cdf');
  expect(plain(finding)).toMatch(/^rate 2: TTFT is .* rate 16: TTFT is .* 2 more stand in the table\.$/);
});

test('over the rate, the finding names the last one that keeps the objective', () => {
  const spec = figure(toySimRun({ axis: RATES }), 'sim_ttft_by_setting');
  expect([spec.mark, spec.x.label, spec.series.map(({ id }) => id)]).toEqual([
    'line',
    'Offered rate',
    ['p50', 'p95', 'p99'],
  ]);
  expect(plain(spec.finding)).toBe(
    'p99 TTFT grows from 1,090 ms at 2 req/s to 4,360 ms at 16 req/s; 2 req/s is the highest rate here that keeps it within 2,000 ms.',
  );
});

test('names are compared as bars, a failed one is a gap with its reason', () => {
  const spec = figure(
    toySimRun({ axis: POLICIES, repeats: 5, failLast: 'It did not fit.' }),
    'sim_e2e_by_setting',
  );
  expect(spec.mark).toBe('bar');
  const [p50] = spec.series;
  expect(p50?.points.map(({ x, y }) => [x, y === null])).toEqual([
    ['lru', false],
    ['sieve', false],
    ['s3fifo', true],
  ]);
  expect(p50?.points[2]?.reason).toBe('It did not fit.');
  expect(p50?.points[0]).toMatchObject({ n: 5 });
  expect(plain(spec.finding)).toMatch(
    /^p99 E2E is shortest with lru, .* and longest with sieve, .* as long\.$/,
  );
});

test('two runs stand in one figure, stacks one below the other', () => {
  const figures = simFiguresFor(
    toySimRun({ title: 'Before' }),
    toySimRun({ title: 'After', slower: 2, id: 'b' }),
  );
  expect(figures.filter(({ mark }) => mark === 'stack').map(({ title }) => title)).toEqual([
    'KV blocks over time, Before',
    'KV blocks over time, After',
  ]);
  const ttft = figures.find(({ id }) => id === 'sim_ttft_cdf');
  expect(ttft?.series.map(({ label }) => label)).toEqual(['Before', 'After']);
  expect(plain(ttft?.finding ?? '')).toContain('After over Before: 2 ×');
});

describe('requests within one objective', () => {
  const [base] = toySimRun().points[0]?.repetitions ?? [];
  if (!base) throw new Error('The toy has a repetition.');
  const repetition = (summary: Partial<typeof base.summary>, requests = base.requests) => ({
    ...base,
    requests,
    summary: { ...base.summary, attainment: 0, ...summary },
  });
  const says = (of: Parameters<typeof withinObjective>[1], limit: number, ...all: (typeof base)[]) => {
    const found = withinObjective(all, of, limit);
    return found === null ? null : plain(withinWords(found));
  };

  test('are counted by the run, over its finished requests, all seeds together', () => {
    const counted = (ttftMs: number) =>
      repetition({ finished: 600, withinObjective: { ttftMs, tpotMs: null, e2eMs: null } });
    expect(says('ttftMs', 500, counted(48))).toBe('48 of 600 finished requests (8 %)');
    expect(says('ttftMs', 500, counted(48), counted(0))).toBe('48 of 1,200 finished requests (4 %)');
    expect(says('ttftMs', 500, repetition({ finished: 0 }))).toBeNull();
  });

  test('are counted from the requests where an older run keeps them all', () => {
    const endMs = base.requests.endMs.map((end, row) => (row < 10 ? null : end));
    const firstTokenMs = base.requests.arrivalMs.map((at, row) => (at ?? 0) + (row < 15 ? 400 : 600));
    const requests = { ...base.requests, total: 40, endMs, firstTokenMs };
    expect(says('ttftMs', 500, repetition({ finished: 30 }, requests))).toBe(
      '5 of 30 finished requests (16.7 %)',
    );
    expect(says('e2eMs', 500, repetition({ finished: 30 }, requests))).toBe(
      '0 of 30 finished requests (0 %)',
    );
  });

  test('are said with "about" from quantiles alone, and never fewer than meet every objective', () => {
    const ttftMs = evenDistribution(0, 100);
    expect(says('ttftMs', 25.5, repetition({ ttftMs }))).toBe('about 25 % of 500 finished requests');
    expect(says('ttftMs', 25.5, repetition({ ttftMs, attainment: 0.4 }))).toBe(
      'about 40 % of 500 finished requests',
    );
    expect(says('ttftMs', 100, repetition({ ttftMs }))).toBe('all 500 finished requests');
    expect(says('ttftMs', -1, repetition({ ttftMs }))).toBe('0 of 500 finished requests (0 %)');
  });
});

test('an interval over seeds is Student’s, and needs three', () => {
  expect(overSeeds([])).toBeNull();
  expect(overSeeds([1, 2])).toEqual({ value: 1.5, n: 2 });
  // t(0.975, 2) = 4.302653: 2 ± 4.302653 / √3
  const three = overSeeds([1, 2, 3]);
  expect(three?.low).toBeCloseTo(2 - 2.484138, 5);
  expect(three?.high).toBeCloseTo(2 + 2.484138, 5);
});

test('long series are thinned without losing a peak or a sum', () => {
  const series = {
    ...toySeries(1000),
    activeBlocks: Array.from({ length: 1000 }, (_, i) => (i === 777 ? 9 : 1)),
  };
  expect(fullest(series, ['activeBlocks'])).toContain(777);
  expect(Math.max(...thinned(series.activeBlocks, 'max').map((y) => y ?? 0))).toBe(9);
  expect(thinned(series.lookedUpTokens, 'sum').reduce<number>((sum, y) => sum + (y ?? 0), 0)).toBe(100_000);
  expect(timeMean({ ...series, timeMs: [0, 10, 40] }, [4, 1, 99])).toBe((40 + 30) / 40);
  expect(shareAboveZero({ ...series, timeMs: [0, 10, 40] }, [0, 2, 0])).toBe(0.75);
});
