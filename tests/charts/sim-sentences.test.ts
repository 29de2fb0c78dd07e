/** What figures of simulations say beside what they draw: comparisons, ties, what is left out, and units. */
import { describe, expect, test } from 'vitest';
import type { FigureSpec } from '../../src/charts/figure.ts';
import { simFigures, simFiguresFor } from '../../src/charts/figures/simulation/index.ts';
import { isTie } from '../../src/charts/figures/simulation/seeds.ts';
import { layoutFigure } from '../../src/charts/layout.ts';
import type { SimRun, SimSummary } from '../../src/core/run/simulation.ts';
import { evenDistribution, toySimRun } from './sim-runs.ts';

const RATES = { path: 'workload.arrivals.rate', values: [2, 4, 8, 16, 32, 64] };
const POLICIES = { path: 'engine.cachePolicy', values: ['lru', 'sieve', 's3fifo'] };

function pick(figures: readonly FigureSpec[], id: string): FigureSpec {
  const found = figures.find((spec) => spec.id === id);
  if (!found) throw new Error(`No ${id} among ${figures.map((spec) => spec.id).join(', ')}.`);
  return found;
}

const plain = (text: string | undefined) => (text ?? '').replaceAll('\u00a0', ' ');
const notes = (spec: FigureSpec) => plain(spec.notes?.join('\n'));

/** The run with the summaries of each point changed. */
function changed(run: SimRun, change: (point: number) => Partial<SimSummary>): SimRun {
  const points = run.points.map((point, i) => ({
    ...point,
    repetitions: point.repetitions.map((one) => ({ ...one, summary: { ...one.summary, ...change(i) } })),
  }));
  return { ...run, points };
}

describe('two runs', () => {
  const a = toySimRun({ title: 'Before', repeats: 3 });
  const b = changed(toySimRun({ title: 'After', id: 'b', repeats: 3 }), () => ({
    requestsPerSecond: 16,
    goodput: 2,
    attainment: 0.1,
  }));

  test('are compared quantity by quantity, without a median over different ones', () => {
    const said = plain(pick(simFiguresFor(a, b), 'sim_goodput').finding);
    expect(said).toMatch(
      /^Requests a second of After over Before: Finished 2 ×; Within the objectives 0\.25\d ×\.$/,
    );
  });

  test('of the same arrivals are not judged by intervals of each side, and a note says so', () => {
    const spec = pick(simFiguresFor(a, b), 'sim_goodput');
    expect(spec.finding).not.toContain('apart');
    expect(notes(spec)).toContain('pair by pair');
  });

  test('of which one offers a figure are shown as such, whichever it is', () => {
    const none = changed(b, () => ({ goodput: null, attainment: null }));
    expect(notes(pick(simFiguresFor(a, none), 'sim_goodput'))).toContain(
      'Only Before is drawn: After has no such figure.',
    );
    expect(notes(pick(simFiguresFor(none, a), 'sim_goodput'))).toContain(
      'Only Before is drawn: After has no such figure.',
    );
  });

  test('on different axes stand one below the other', () => {
    const swept = toySimRun({ title: 'After', id: 'b', axis: RATES });
    const titles = simFiguresFor(a, swept).map(({ title }) => title);
    expect(titles).toContain('Goodput, Before');
    expect(titles).toContain('Goodput, After');
  });
});

describe('a tie names no winner', () => {
  test.each([
    [{ value: 100, n: 1 }, { value: 100.9, n: 1 }, true],
    [{ value: 100, n: 1 }, { value: 102, n: 1 }, false],
    [{ value: 100, low: 90, high: 110, n: 3 }, { value: 115, low: 105, high: 125, n: 3 }, true],
    [{ value: 100, low: 95, high: 105, n: 3 }, { value: 115, low: 110, high: 120, n: 3 }, false],
    [{ value: 0, n: 1 }, { value: 0, n: 1 }, true],
  ])('%j and %j: %j', (one, other, tie) => {
    expect(isTie(one, other)).toBe(tie);
  });

  test('in goodput, latency and hits', () => {
    const level = changed(toySimRun({ axis: POLICIES }), () => ({
      goodput: 2.13,
      requestsPerSecond: 2.2,
      ttftMs: evenDistribution(10, 20),
    }));
    const figures = simFigures(level);
    expect(plain(pick(figures, 'sim_goodput').finding)).toMatch(/^Goodput is equal at all 3 points/);
    expect(plain(pick(figures, 'sim_ttft_by_setting').finding)).toMatch(/^p99 TTFT is equal at all 3 points/);
    expect(plain(pick(figures, 'sim_hits_by_setting').finding)).toMatch(/^The 3 points find as many/);
  });

  test('between some is said of those', () => {
    const some = changed(toySimRun({ axis: POLICIES }), (i) => ({ goodput: i === 0 ? 1 : 2 }));
    expect(plain(pick(simFigures(some), 'sim_goodput').finding)).toMatch(
      /equal .* with sieve; s3fifo: 2 req/,
    );
  });
});

describe('what is not drawn', () => {
  const figures = simFigures(toySimRun({ axis: RATES, repeats: 2 }));

  test('is named, with the reason', () => {
    expect(notes(pick(figures, 'sim_running_waiting'))).toContain(
      'Not drawn: rate 32; rate 64. Lines of more',
    );
    expect(notes(pick(figures, 'sim_kv_over_time'))).toContain(
      'Not drawn: rate 4; rate 8; rate 16; rate 32. Of',
    );
  });

  test('of several seeds is the rest', () => {
    for (const id of ['sim_running_waiting', 'sim_kv_over_time', 'sim_kv_over_time_2', 'sim_hit_rate'])
      expect(notes(pick(figures, id))).toContain('Drawn is seed 1, the first of 2.');
    expect(notes(pick(simFigures(toySimRun()), 'sim_kv_over_time'))).not.toContain('seed');
  });

  test('is a cache that is off: no 0 %, and no comparison of one value with itself', () => {
    const axis = { path: 'engine.prefixCache', values: ['off', 'hash'] };
    const off = changed(toySimRun({ axis }), (i) => ({ prefixHitRatio: i === 0 ? null : 0.856 }));
    const offered = simFigures(off);
    const over = pick(offered, 'sim_hit_rate');
    expect(over.series).toHaveLength(1);
    expect(notes(over)).toContain('Not drawn: prefixCache off. No prefix cache was asked there.');
    const by = pick(offered, 'sim_hits_by_setting');
    expect(by.series[0]?.points[0]).toMatchObject({ y: null, reason: 'The prefix cache is off.' });
    expect(plain(by.finding)).toBe('With hash 85.6 % are found; no other point has a prefix cache.');
  });
});

test.each([
  [1, 0, 'and there was 1 preemption.'],
  [3, 0, 'and there were 3 preemptions.'],
  [1, 1, 'and 1 preemption had 1 token computed again.'],
  [2, 50, 'and 2 preemptions had 50 tokens computed again.'],
])('%i preemptions and %i tokens', (preemptions, recomputedTokens, words) => {
  const run = changed(toySimRun(), () => ({ preemptions, recomputedTokens }));
  const points = run.points.map((point) => ({
    ...point,
    repetitions: point.repetitions.map((one) => ({
      ...one,
      series: { ...one.series, preemptions: one.series.preemptions.map(() => 0) },
    })),
  }));
  expect(plain(pick(simFigures({ ...run, points }), 'sim_kv_over_time').finding)).toContain(words);
});

test('a sentence has one unit, that of its axis', () => {
  const slow = changed(toySimRun({ axis: POLICIES }), (i) => ({
    e2eMs: evenDistribution(100, 4000 + 20_000 * i),
  }));
  for (const id of ['sim_e2e_by_setting', 'sim_e2e_cdf'])
    expect(plain(pick(simFigures(slow), id).finding)).not.toMatch(/\d ms/);
});

test('no line strikes through the label of a bar', () => {
  const limits = { ttftMs: 1125, tpotMs: null, e2eMs: null };
  const run = toySimRun({ axis: POLICIES, scenario: { objectives: limits } });
  const { marks } = layoutFigure(pick(simFigures(run), 'sim_ttft_by_setting'), { width: 900 });
  const line = marks.find((mark) => mark.kind === 'path' && mark.role === 'reference');
  const at = line?.kind === 'path' ? Number(/,([\d.]+)/.exec(line.d)?.[1]) : NaN;
  const values = marks.flatMap((mark) => (mark.kind === 'text' && mark.role === 'value' ? [mark.y] : []));
  expect(values.length).toBeGreaterThan(5);
  for (const foot of values) expect(at > foot - 8 && at < foot).toBe(false);
});
