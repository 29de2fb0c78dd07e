import { describe, expect, it } from 'vitest';
import type { FigureSpec } from '../../src/charts/figure.ts';
import { figuresFor } from '../../src/charts/figures/index.ts';
import type { LabRun, Point } from '../../src/core/run/schema.ts';
import {
  bytesPerToken,
  SCENARIOS,
  TOY,
  toyCheck,
  toyRun,
  type ScenarioName,
  type ToyOptions,
} from './runs.ts';

const REASON = 'Out of memory: 160 MiB were asked, 96 MiB were free.';
const EXACT: ToyOptions = { noise: 0 };

function figure(run: LabRun, id: string): FigureSpec {
  const found = figuresFor(run).find((spec) => spec.id.startsWith(id));
  if (!found)
    throw new Error(
      `No figure ${id} among ${figuresFor(run)
        .map((spec) => spec.id)
        .join(', ')}.`,
    );
  return found;
}

function plain(text: string): string {
  return text.replaceAll('\u00a0', ' ');
}

function values(spec: FigureSpec, seriesId: string): (number | null)[] {
  const series = spec.series.find(({ id }) => id === seriesId);
  if (!series) throw new Error(`No series ${seriesId} among ${spec.series.map(({ id }) => id).join(', ')}.`);
  return series.points.map(({ y }) => y);
}

const failAt =
  (path: string, value: number | string) =>
  (settings: Point['settings']): string | null =>
    settings[path] === value ? REASON : null;

describe('a figure is offered when its axis was swept', () => {
  it.each([
    ['concurrency', ['fig1', 'fig2', 'fig6']],
    ['sequenceLength', ['fig3', 'fig4', 'fig6']],
    ['mixedLengths', ['fig5', 'fig5b', 'fig6']],
    ['pagedContiguous', ['fig1', 'fig2', 'fig6', 'fig11']],
    ['formatLength', ['fig3', 'fig4', 'fig6', 'fig7']],
    ['blockSize', ['fig6', 'fig8', 'fig9']],
    ['sharedPrefix', ['fig1', 'fig2', 'fig6', 'fig10']],
    ['evictionBudget', ['fig6', 'fig12', 'fig13']],
  ] as const)('%s: %j', (name, ids) => {
    expect(figuresFor(toyRun(name)).map((spec) => spec.id.split('_')[0])).toEqual(ids);
  });

  it('covers every scenario of this test', () => {
    expect(Object.keys(SCENARIOS)).toHaveLength(8);
  });

  it('offers nothing for a run in which nothing finished', () => {
    const failed = toyRun('blockSize', { fail: () => REASON });
    for (const spec of figuresFor(failed)) {
      expect(
        spec.series.flatMap(({ points }) => points).every(({ y, reason }) => y === null && reason === REASON),
      ).toBe(true);
      expect(spec.finding).toBe('No point has enough samples for a finding.');
    }
  });
});

describe.each(Object.keys(SCENARIOS) as ScenarioName[])('every figure of %s', (name) => {
  const figures = figuresFor(toyRun(name));

  it('is titled with model, format and device, and carries definition, finding and origin', () => {
    for (const spec of figures) {
      expect(spec.subtitle).toMatch(/\(\d+ layers, \d+\/\d+ heads of \d+\) · .+ · Test GPU 9$/);
      expect(spec.definition.length).toBeGreaterThan(40);
      expect(spec.finding).toMatch(/\.$/);
      expect(spec.finding).not.toMatch(/NaN|undefined|null|Infinity/);
      expect(spec).toMatchObject({ origin: 'assumed', source: { runId: 'toy-7', command: `toy ${name}` } });
    }
  });

  it('has distinct series and finite points', () => {
    for (const { series } of figures) {
      expect(new Set(series.map(({ id }) => id)).size).toBe(series.length);
      for (const { y, low, high } of series.flatMap(({ points }) => points)) {
        expect(Number.isFinite(y)).toBe(true);
        if (low !== undefined && high !== undefined) expect(low).toBeLessThanOrEqual(high);
      }
    }
  });

  it('has a gap with its reason, not a zero, where a point failed', () => {
    const run = toyRun(name);
    const last = run.points.at(-1);
    const path = Object.keys(last?.settings ?? {})[0] ?? '';
    const gone = failAt(path, last?.settings[path] ?? '');
    for (const spec of figuresFor(toyRun(name, { fail: gone }))) {
      const points = spec.series.filter(({ role }) => role !== 'fit').flatMap((series) => series.points);
      const gaps = points.filter(({ y }) => y === null);
      expect(gaps.length).toBeGreaterThan(0);
      for (const { reason } of gaps) expect(reason).toBe(REASON);
      if (!/waste|mem/.test(spec.id)) for (const { y } of points) expect(y).not.toBe(0);
    }
  });
});

describe('known answers', () => {
  it('fig1: bytes as they are, and what each request adds', () => {
    const run = toyRun('concurrency', EXACT);
    const each = (512 + 64) * bytesPerToken(run.scenario);
    const spec = figure(run, 'fig1');
    expect(values(spec, 'used')).toEqual([1, 2, 4, 8, 16].map((n) => n * each));
    expect(values(spec, 'wasted')).toEqual([0, 0, 0, 0, 0]);
    expect(plain(spec.finding)).toBe(
      'Counted, not sampled: each further request uses 18 MiB of KV; at 16, 0 % of the reserved bytes hold nothing.',
    );
  });

  it('fig2: throughput of the toy engine, and a knee only inside the range', () => {
    const run = toyRun('concurrency', EXACT);
    const rates = values(figure(run, 'fig2'), 'throughput');
    const expected = run.points.map(({ repetitions }) => {
      const span = Math.max(...(repetitions[0]?.requests ?? []).map(({ endMs }) => endMs ?? 0));
      return ((repetitions[0]?.requests.length ?? 0) * TOY.outputTokens * 1000) / span;
    });
    for (const [i, rate] of rates.entries()) expect(rate).toBeCloseTo(expected[i] ?? 0, 6);
    expect(figure(run, 'fig2').finding).toMatch(
      /^Throughput grows in proportion to the requests up to about [\d.]+ /,
    );
    const few = toyRun('concurrency', {
      fail: (s) => (Number(s['workload.concurrency']) > 2 ? REASON : null),
    });
    expect(figure(few, 'fig2').finding).toBe('2 finished concurrencies are too few for a knee.');
  });

  it('fig3: the quadratic prefill has exponent 2', () => {
    const spec = figure(toyRun('sequenceLength', EXACT), 'fig3');
    expect(spec.finding).toMatch(
      /^Prefill time grows as length to the power 2 \[2 to 2\], decode time grows as/,
    );
    const noisy = figure(toyRun('sequenceLength'), 'fig3');
    const [, low, high] = /power [\d.]+ \[([\d.]+) to ([\d.]+)\]/.exec(noisy.finding) ?? [];
    expect(Number(low)).toBeLessThanOrEqual(2.01);
    expect(Number(high)).toBeGreaterThanOrEqual(1.99);
    expect(noisy.series.filter(({ role }) => role === 'fit')).toHaveLength(2);
  });

  it('fig3: too few lengths give no exponent', () => {
    const gone = (s: Point['settings']) => (Number(s['workload.promptTokens']) > 512 ? REASON : null);
    const spec = figure(toyRun('sequenceLength', { fail: gone }), 'fig3');
    expect(spec.finding).toContain('prefill has 2 finished lengths, 3 are needed for an exponent'.slice(1));
    expect(spec.series.filter(({ role }) => role === 'fit')).toHaveLength(0);
  });

  it('fig5: short requests pay for long ones, in a distribution of requests', () => {
    const run = toyRun('mixedLengths');
    const spec = figure(run, 'fig5_');
    expect(spec.mark).toBe('strip');
    const together = spec.series.find(({ id }) => id === '128 beside 4096');
    expect(together?.samples?.map(({ x, values: all }) => [x, all.length])).toEqual([
      ['short', 8 * TOY.repeats],
      ['long', 2 * TOY.repeats],
    ]);
    const [, ratio] = /short requests take ([\d.]+)/.exec(spec.finding) ?? [];
    const median = (id: string) => spec.series.find((s) => s.id === id)?.points[0]?.y ?? Number.NaN;
    expect(Number(ratio)).toBeCloseTo(median('128 beside 4096') / median('128 alone'), 0);
  });

  it('fig6: names the highest percentile that the steps support', () => {
    const spec = figure(toyRun('concurrency'), 'fig6');
    // 5 repetitions of 63 steps: ten lie beyond p95, three beyond p99.
    expect(plain(spec.finding)).toMatch(
      /^concurrency 16: the median is .* ms\] and p95 .* over 315 decode steps/,
    );
    const p99 = spec.series[0]?.points.find(({ label }) => label === 'p99');
    expect(p99?.detail ?? 'Rough').toContain('Rough');
    const one = figure(toyRun('concurrency', { repeats: 1 }), 'fig6');
    expect(one.finding).toBe('concurrency 16: 63 decode steps are too few for a tail, p90 wants 100.');
    expect(one.series[0]?.points.every(({ label }) => label !== 'p99.9')).toBe(true);
  });

  it('fig7: rates over length for each format, and time against f16', () => {
    const spec = figure(toyRun('formatLength', EXACT), 'fig7');
    expect(spec.series.map(({ label }) => label)).toEqual([
      'f32',
      'f16',
      'fp8-e4m3',
      'fp8-e5m2',
      'int8',
      'int4',
      'int2',
    ]);
    expect(spec.finding).toMatch(/^prompt 8192: a decode step takes, against f16, 1\.93/);
  });

  it('fig8: does not claim a difference that is not there', () => {
    const same = toyRun('blockSize', { noise: 0 });
    expect(figure(same, 'fig8').finding).toMatch(/^Block sizes cannot be told apart/);
  });

  it('fig9: the last blocks of 500 + 64 tokens', () => {
    const run = toyRun('blockSize', EXACT);
    const waste = [8, 16, 32, 64, 128].map((size) => Math.ceil(564 / size) * size - 564);
    const bytes = run.points.map((_, i) => (waste[i] ?? 0) * 8 * bytesPerToken(run.scenario));
    expect(values(figure(run, 'fig9'), 'wasted')).toEqual(bytes);
  });

  it('fig10: a shared prefix is stored once', () => {
    const spec = figure(toyRun('sharedPrefix', EXACT), 'fig10');
    const [alone, shared] = [values(spec, 'used:not shared'), values(spec, 'used:1024 shared')];
    // 1152 + 64 tokens each, of which 1024 are shared: 1024 + n·192 against n·1216.
    const n = [1, 2, 4, 8, 16, 32];
    for (const [i, count] of n.entries()) {
      expect((shared[i] ?? 0) / (alone[i] ?? 1)).toBeCloseTo((1024 + 192 * count) / (1216 * count), 9);
    }
  });

  it('fig11: reserved over used', () => {
    const spec = figure(toyRun('pagedContiguous', EXACT), 'fig11');
    expect(plain(spec.finding)).toContain('contiguous reserves 3.56 ×');
    for (const y of values(spec, 'contiguous')) expect(y).toBeCloseTo(2048 / 576, 9);
    for (const y of values(spec, 'paged')) expect(y).toBe(1);
  });

  it('fig12 and fig13: the least and the most against no eviction', () => {
    const run = toyRun('evictionBudget');
    expect(figure(run, 'fig12').finding).toMatch(
      /^budget 256: against no eviction, a decode step takes from 0\.48/,
    );
    expect(plain(figure(run, 'fig13').finding)).toMatch(/from 12\.1 % with \S+ to 100 % with quest\.$/);
    expect(figure(run, 'fig13').series.map(({ label }) => label)[0]).toBe('no eviction');
  });

  it('one repetition has values and no interval, and the finding says so', () => {
    const spec = figure(toyRun('sequenceLength', { repeats: 1 }), 'fig3');
    const data = spec.series.filter(({ role }) => role !== 'fit').flatMap(({ points }) => points);
    expect(data.every(({ y, low, high }) => y !== null && low === undefined && high === undefined)).toBe(
      true,
    );
    expect(data[0]?.detail).toContain('at least 3 repetitions');
  });

  it('a shrunk point keeps its value and says how it was shrunk', () => {
    const run = toyRun('concurrency');
    const points = run.points.map((p, i): Point =>
      i === 4 ? { ...p, status: 'shrunk', reason: 'Ran with 8 layers.' } : p,
    );
    const last = figure({ ...run, points }, 'fig1').series[0]?.points.at(-1);
    expect(last?.y).toBeGreaterThan(0);
    expect(last?.detail).toContain('Shrunk: Ran with 8 layers.');
  });

  it('labelled values of an axis lie at their number', () => {
    const run = toyRun('sequenceLength', EXACT);
    const [axis] = run.scenario.sweep;
    if (!axis) throw new Error('The scenario has no sweep.');
    const labels = axis.values.map((value) => `len ${String(value)}`);
    const labelled: LabRun = {
      ...run,
      scenario: { ...run.scenario, sweep: [{ ...axis, labels }] },
      points: run.points.map((point, i) => ({ ...point, settings: { [axis.path]: labels[i] ?? '' } })),
    };
    expect(figure(labelled, 'fig4').series[0]?.points.map(({ x }) => x)).toEqual([
      128, 512, 1024, 2048, 4096,
    ]);
  });
});

describe('notes', () => {
  const run = toyRun('concurrency');

  it('carry the run’s own, and that it was cut short', () => {
    const cut = { ...run, notes: ['Made smaller.'], complete: false };
    for (const spec of figuresFor(cut)) {
      expect(spec.notes).toEqual(['Made smaller.', 'The run was cut short; what was finished is shown.']);
    }
  });

  it('name the series that a figure leaves out, of a sweep over too many axes', () => {
    const points = Array.from({ length: 12 }, (_, i) => i).flatMap((extra) =>
      run.points.map((p): Point => ({ ...p, settings: { ...p.settings, 'model.layers': extra + 1 } })),
    );
    const spec = figure({ ...run, points }, 'fig2');
    expect(spec.series).toHaveLength(8);
    expect(spec.notes).toEqual(["4 further series are not drawn; the run's file holds them."]);
  });

  it('of two runs say whose they are', () => {
    const other = { ...toyRun('concurrency', { title: 'other', seed: 9 }), notes: ['Steps became slower.'] };
    expect(figuresFor(run, other)[0]?.notes).toEqual(['other: Steps became slower.']);
  });
});

it('a number beyond all bounds is a gap', () => {
  const run = toyRun('blockSize', EXACT);
  const points = run.points.map((p): Point => ({
    ...p,
    repetitions: p.repetitions.map((r) => ({ ...r, steps: r.steps.map((s) => ({ ...s, wallMs: 1.7e308 })) })),
  }));
  for (const spec of figuresFor({ ...run, points })) {
    for (const { y } of spec.series.flatMap((series) => series.points))
      expect(y === null || Number.isFinite(y)).toBe(true);
  }
});

describe('a hardware check', () => {
  it('shows each format as a share of the read peak, and why one is missing', () => {
    const [spec] = figuresFor(toyCheck());
    if (!spec) throw new Error('The check offers no figure.');
    expect(spec.series[0]?.points.map(({ x, y }) => [x, y])).toEqual([
      ['f32', 0.85],
      ['f16', 0.8],
      ['int8', 0.6],
      ['int4', null],
    ]);
    expect(spec.series[0]?.points[3]?.reason).toContain('could not be allocated');
    expect(plain(spec.finding)).toMatch(
      /^Of the read peak, f32 reaches 85 % \[82\.\d to 86\.\d %\] and int8 reaches 60 %/,
    );
  });

  it('takes only rates of decode attention, under either way to write their names', () => {
    const { measurements } = toyCheck();
    const [first] = measurements;
    if (!first) throw new Error('The check has no measurement.');
    const others = ['read-bandwidth', 'prefill.f16', 'decode.bf16x'].map((id) => ({ ...first, id }));
    const dashed = { ...first, id: 'decode-fp8-e4m3' };
    const [spec] = figuresFor({ ...toyCheck(), measurements: [...others, dashed] });
    expect(spec?.series[0]?.points.map(({ x }) => x)).toEqual(['fp8-e4m3']);
  });

  it('offers nothing without such measurements', () => {
    expect(figuresFor({ ...toyCheck(), measurements: [] })).toEqual([]);
  });
});

describe('two runs in one figure', () => {
  const before = toyRun('concurrency', { title: 'before', noise: 0 });
  const after = toyRun('concurrency', { title: 'after', noise: 0, slower: 0.5, seed: 9 });

  it('shows the series of both, the second hollow, and the ratio', () => {
    const spec = figuresFor(before, after).find(({ id }) => id.startsWith('fig2'));
    expect(spec?.series.map(({ label, dashed }) => [label, dashed ?? false])).toEqual([
      ['before', false],
      ['after', true],
    ]);
    expect(plain(spec?.finding ?? '')).toBe(
      'Output throughput of after over before: 2 × at the 5 points they share; 95 % intervals are apart at 5 of 5.',
    );
    expect(spec?.source.runId).toBe('toy-7 and toy-9');
  });

  it('compares latencies along x in a CDF', () => {
    const spec = figuresFor(before, after).find(({ id }) => id.startsWith('fig6'));
    expect(plain(spec?.finding ?? '')).toMatch(
      /^Inter-token latency of after over before: 0\.5 × at the \d+ points/,
    );
  });

  it('claims no difference between two runs of the same engine', () => {
    const spec = figuresFor(toyRun('concurrency', { seed: 1 }), toyRun('concurrency', { seed: 2 }))[1];
    const [, apart, of] = /intervals are apart at (\d) of (\d)/.exec(plain(spec?.finding ?? '')) ?? [];
    expect(Number(of)).toBe(5);
    expect(Number(apart)).toBeLessThanOrEqual(2);
  });

  it('calls runs of the same title A and B', () => {
    const [spec] = figuresFor(before, toyRun('concurrency', { title: 'before', seed: 9 }));
    expect(spec?.series.at(-1)?.label).toMatch(/· B$/);
  });

  it('compares only points that both finished', () => {
    const cut = toyRun('concurrency', {
      title: 'after',
      noise: 0,
      slower: 0.5,
      fail: failAt('workload.concurrency', 16),
    });
    const spec = figuresFor(before, cut).find(({ id }) => id.startsWith('fig2'));
    expect(spec?.finding).toContain('the 4 points they share');
  });

  it('leaves figures alone that the other run does not offer', () => {
    const [spec] = figuresFor(before, toyRun('blockSize'));
    expect(spec).toEqual(figuresFor(before)[0]);
  });
});
