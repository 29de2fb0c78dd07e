/** The figures of a tuning: what stands in them, and that each can be drawn. */
import { beforeAll, expect, test } from 'vitest';
import { figuresFor } from '../../src/charts/figures/index.ts';
import { renderSvg } from '../../src/charts/svg.ts';
import type { TuneRun } from '../../src/core/run/tune.ts';
import { tune } from '../../src/tune/index.ts';
import { fakeExecutor, wideTuning } from '../tune/support.ts';

let run: TuneRun;
beforeAll(async () => {
  run = await tune(wideTuning({ title: 'A tuning' }), fakeExecutor());
});

const figure = (id: string) => {
  const found = figuresFor(run).find((spec) => spec.id === id);
  if (found === undefined) throw new Error(`there is no ${id}`);
  return found;
};

test('six figures, each drawn, each with its origin and a finding', () => {
  const figures = figuresFor(run);
  expect(figures.map(({ id }) => id)).toEqual([
    'tune_scores',
    'tune_baseline_vs_best',
    'tune_ttftms',
    'tune_outputtokenspersecond',
    'tune_memorybytes',
    'tune_scatter',
  ]);
  for (const spec of figures) {
    expect(renderSvg(spec)).toContain('</svg>');
    expect(spec.origin).toBe('simulated');
    expect(spec.finding).not.toBe('');
  }
});

test('scores: the best first, the baseline among them without an interval of its own', () => {
  const { series, references } = figure('tune_scores');
  const points = series[0]?.points ?? [];
  expect(points[0]?.y).toBe(run.rows[run.ranking[0] ?? -1]?.score?.value);
  const baseline = points.find(({ x }) => x === 'baseline');
  expect(baseline).toMatchObject({ y: 100 });
  expect(baseline?.low).toBeUndefined();
  expect(references).toEqual([{ y: 100, label: 'baseline' }]);
});

test('bars compare settings that were measured in the same cells, the scatter shows all', () => {
  const most = Math.max(...run.rows.map(({ cells }) => cells));
  const bars = figure('tune_ttftms').series[0]?.points ?? [];
  const labels = new Set(run.rows.filter(({ cells }) => cells === most).map(({ label }) => label));
  expect(bars.every(({ detail }) => labels.has(detail ?? ''))).toBe(true);
  const drawn = figure('tune_scatter').series.reduce((sum, { points }) => sum + points.length, 0);
  expect(drawn).toBe(run.rows.filter(({ score }) => score !== null).length);
});

test('before two settings were measured there is nothing to draw', () => {
  expect(figuresFor({ ...run, ranking: run.ranking.slice(0, 1) })).toEqual([]);
});
