/** The figures of an autopilot: what stands in them, what is left out, and that each can be drawn. */
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { figuresFor } from '../../src/charts/figures/index.ts';
import { renderSvg } from '../../src/charts/svg.ts';
import { AutopilotRun } from '../../src/core/run/autopilot.ts';
import { autopilotRun } from './autopilot-runs.ts';

const run = autopilotRun();
const figure = (id: string, of = run) => {
  const found = figuresFor(of).find((spec) => spec.id === id);
  if (found === undefined) throw new Error(`there is no ${id}`);
  return found;
};

test('the run that is drawn is a run', () => {
  expect(v.is(AutopilotRun, run)).toBe(true);
});

test('each figure is drawn, has the run’s origin, a definition and a finding', () => {
  const figures = figuresFor(run);
  expect(figures.map(({ id }) => id)).toEqual([
    'autopilot_kvuse',
    'autopilot_p95ms',
    'autopilot_ttftp95ms',
    'autopilot_preemptions',
    'autopilot_running',
    'autopilot_waiting',
    'autopilot_hostbytes',
    'autopilot_outputtokenspersecond',
    'autopilot_quality',
    'autopilot_plans',
  ]);
  for (const spec of figures) {
    expect(renderSvg(spec)).toContain('</svg>');
    expect(spec.origin).toBe('simulated');
    expect(spec.definition).not.toBe('');
    expect(spec.finding).toMatch(/\.$/);
  }
});

test('KV use: both ways beside the target, plans that acted at the head', () => {
  const { series, references, events, finding } = figure('autopilot_kvuse');
  expect(series.map(({ label }) => label)).toEqual(['with autopilot', 'without']);
  expect(series[1]?.dashed).toBe(true);
  expect(references).toEqual([{ y: 0.85, label: 'target' }]);
  expect(events).toEqual({ label: 'plans that acted', at: [8000, 12_000, 16_000] });
  expect(finding.replaceAll('\u00a0', ' ')).toBe(
    'With autopilot: at most 85 %, above 85 % in 0 % of the looks; without: at most 100 %, above 85 % in 52.5 % of the looks.',
  );
});

test('a latency without a target has no line, a look without a value is no point', () => {
  const policy = { ...run.scenario.policy, latencyP95Ms: null };
  const { references, series } = figure('autopilot_p95ms', { ...run, scenario: { ...run.scenario, policy } });
  expect(references).toBeUndefined();
  expect(series[0]?.points[0]).toEqual({ x: 2000, y: 940 });
});

test('without a second way there is one unnamed line; what stayed at zero is not drawn', () => {
  const alone = { ...run, without: null };
  expect(figure('autopilot_kvuse', alone).series.map(({ label }) => label)).toEqual(['']);
  expect(figuresFor(alone).map(({ id }) => id)).not.toContain('autopilot_preemptions');
});

test('a long run is thinned to the largest of each pixel', () => {
  const many = 5000;
  const column = Array.from({ length: many }, (_, i) => (i === 4321 ? 0.99 : 0.5));
  const timeMs = Array.from({ length: many }, (_, i) => i);
  const long = { ...run, with: { ...run.with, series: { ...run.with.series, timeMs, kvUse: column } } };
  const points = figure('autopilot_kvuse', long).series[0]?.points ?? [];
  expect(points.length).toBe(240);
  expect(Math.max(...points.map(({ y }) => y ?? 0))).toBe(0.99);
});

test('quality: each shadowed plan with its bound, against the most that the policy allows', () => {
  const { series, references, finding } = figure('autopilot_quality');
  expect(series[0]?.points[1]).toEqual({ x: '2', y: 0.4, low: 0.4, high: 0.6, detail: 'rolled back' });
  expect(references).toEqual([{ y: 0.05, label: 'most that the policy allows' }]);
  expect(finding).toBe('1 of 3 shadowed plans lost more than 0.05; 1 was kept.');
});

test('two runs: courses in one figure, plans each in its own', () => {
  const other = autopilotRun({ id: 'autopilot-2', title: 'Another' });
  const figures = figuresFor(run, other);
  expect(figures.find(({ id }) => id === 'autopilot_kvuse')?.series.length).toBe(4);
  expect(figures.filter(({ id }) => id.startsWith('autopilot_plans')).map(({ title }) => title)).toEqual([
    'KV use before and after each plan, A rising load',
    'KV use before and after each plan, Another',
  ]);
  for (const spec of figures) expect(renderSvg(spec)).toContain('</svg>');
});

test('a run of which nothing was seen offers no figure', () => {
  const empty = Object.fromEntries(Object.keys(run.with.series).map((name) => [name, []]));
  const series = { ...run.with.series, ...empty };
  expect(figuresFor({ ...run, with: { ...run.with, series }, without: null, plans: [] })).toEqual([]);
});
