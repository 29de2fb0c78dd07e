import { expect, test } from 'vitest';
import { paretoFront } from '../../src/core/metrics/quality/pareto.ts';
import { planComparison } from '../../src/charts/figures/plan/comparison.ts';
import { fleetFigure } from '../../src/charts/figures/plan/fleet.ts';
import { utilizationByHour } from '../../src/charts/figures/plan/hours.ts';
import { figuresFor } from '../../src/charts/figures/index.ts';
import { planFigures } from '../../src/charts/figures/plan/index.ts';
import { memoryWaterfall } from '../../src/charts/figures/plan/memory.ts';
import { planPareto } from '../../src/charts/figures/plan/pareto.ts';
import { roofline } from '../../src/charts/figures/plan/roofline.ts';
import { validationFigure } from '../../src/charts/figures/plan/validation.ts';
import type { PlanValidation } from '../../src/core/run/validation.ts';
import type { FigureSpec } from '../../src/charts/figure.ts';
import { layoutFigure } from '../../src/charts/layout.ts';
import { renderSvg } from '../../src/charts/svg.ts';
import { toyDeployment, toyPlanRun } from './plan-runs.ts';

const run = toyPlanRun();

function must(spec: FigureSpec | null): FigureSpec {
  if (spec === null) throw new Error('The plan offers no such figure.');
  return spec;
}

/** Top and foot in px of each bar, in the order they stand. */
function bars(spec: FigureSpec): { left: number; ends: [number, number] }[] {
  return layoutFigure(spec, { width: 700 })
    .marks.flatMap((mark) => {
      const [, left, from, to] =
        (mark.kind === 'path' && mark.role === 'bar' && /^M([\d.]+),([\d.]+)V([\d.]+)/.exec(mark.d)) || [];
      return left === undefined
        ? []
        : [{ left: Number(left), ends: [Number(from), Number(to)] as [number, number] }];
    })
    .sort((a, b) => a.left - b.left);
}

test('each step of the waterfall begins where the one before it ends', () => {
  const spec = must(memoryWaterfall(run));
  const drawn = bars(spec);
  expect(drawn).toHaveLength(6);
  const [memory, reserved, weights, , runtime, left] = drawn;
  const zero = memory?.ends[0];
  expect(reserved?.ends[0]).toBe(memory?.ends[1]);
  expect(weights?.ends[0]).toBe(reserved?.ends[1]);
  expect(left?.ends[0]).toBe(zero);
  expect(left?.ends[1]).toBeCloseTo(runtime?.ends[1] ?? NaN, 1);
  expect(spec.x.categories).toEqual([
    'Memory',
    'Not the engine’s',
    'Weights',
    'Activations',
    'Runtime',
    'KV cache',
  ]);
  expect(spec.finding).toBe('It fits with 400,000 KV tokens.');
});

test('steps that end with a taking get their sum as the last bar, below zero where memory is missing', () => {
  const deployment = toyDeployment();
  const steps = deployment.memory.steps
    .slice(0, 5)
    .map((step) => (step.id === 'weights' ? { ...step, bytes: -90e9 } : step));
  const spec = must(
    memoryWaterfall(toyPlanRun({ deployment: { ...deployment, memory: { ...deployment.memory, steps } } })),
  );
  const last = spec.series.at(-1);
  expect(last?.label).toBe('Missing');
  expect(last?.points).toMatchObject([{ x: 'Missing', y: -24e9 }]);
});

test('a plan that does not fit shows what is missing in place of its KV', () => {
  const deployment = toyDeployment();
  const steps = deployment.memory.steps.map((step) =>
    step.id === 'weights' ? { ...step, bytes: -90e9 } : step.id === 'kv' ? { ...step, bytes: 0 } : step,
  );
  const spec = must(
    memoryWaterfall(toyPlanRun({ deployment: { ...deployment, memory: { ...deployment.memory, steps } } })),
  );
  expect(spec.x.categories?.at(-1)).toBe('Missing');
  expect(spec.series.at(-1)?.points[0]?.y).toBe(-24e9);
});

test('operations stand under the roofs, and what has no arithmetic is said, not drawn', () => {
  const spec = must(roofline(run));
  const [prefill, decode, roof] = spec.series;
  expect(prefill?.points).toHaveLength(2);
  expect(decode?.points[0]).toMatchObject({ x: 62.5, y: 156.25, label: 'linear layers' });
  expect(roof?.points.map(({ x, y }) => [x, y])).toEqual([
    [10, 30],
    [300, 900],
    [2000, 900],
  ]);
  for (const { x, y } of [...(prefill?.points ?? []), ...(decode?.points ?? [])]) {
    expect(y).toBeLessThanOrEqual(Math.min(900, Number(x) * 3));
  }
  expect(spec.notes?.[0]).toBe('Roofs: 900 TFLOP/s and 3,000 GB/s.');
  expect(spec.notes?.[1]).toContain('all-reduce in decode');
  expect(spec.finding).toContain('Decode is bound by memory at 100 FLOP/B');
});

test('the front of two quantities leaves out what another beats', () => {
  const spec = must(planPareto(run, { x: 'costPerMillionOutputTokens', y: 'tpotMs' }));
  const labels = Object.fromEntries(
    spec.series.map(({ id, points }) => [id, points.map(({ label }) => label)]),
  );
  expect(labels).toMatchObject({
    chosen: ['H100 SXM'],
    front: ['A100 SXM 80 GB'],
    others: ['2 × L40S, TP 2'],
  });
  expect(spec.finding).toMatch(/^2 settings are not beaten .* from A100 SXM 80 GB .* to H100 SXM/);
});

test('the front is that of comparing every pair', () => {
  const points = Array.from({ length: 300 }, (_, i) => ({ cost: (i * 7919) % 61, worth: (i * 104729) % 53 }));
  const slow = points.flatMap((mine, index) =>
    points.some(
      (other) =>
        other.cost <= mine.cost &&
        other.worth >= mine.worth &&
        (other.cost < mine.cost || other.worth > mine.worth),
    )
      ? []
      : [index],
  );
  expect(paretoFront(points).toSorted((a, b) => a - b)).toEqual(slow);
});

test('the fleet stands by rising cost, with a cross and its reason where nothing works', () => {
  const spec = must(fleetFigure(run));
  expect(spec.x.categories).toEqual(['A100 SXM 80 GB', 'L40S', 'H100 SXM', 'RTX 3060']);
  expect(spec.series.flatMap(({ points }) => points).find(({ x }) => x === 'RTX 3060')).toMatchObject({
    y: null,
    reason: 'The weights alone need 16 GB; it has 12.',
  });
  expect(spec.finding).toContain(
    'A100 SXM 80 GB carries the load for least, $1.8/h; next is L40S, 11.1 % more',
  );
});

test('utilization follows the hours of the load', () => {
  const hours = Array.from({ length: 24 }, (_, hour) => (hour === 9 ? 1 : 0.5));
  const { scenario } = run;
  const spec = must(
    utilizationByHour({ ...run, scenario: { ...scenario, load: { ...scenario.load, hours } } }),
  );
  expect(spec.series[0]?.points[9]).toEqual({ x: 9, y: 0.8 });
  expect(spec.finding).toContain('80\u00a0% at most, at 9 o’clock');
  expect(utilizationByHour(run)).toBeNull();
});

test('every figure of a plan is drawn as a file that says where it comes from', () => {
  const figures = planFigures(run);
  expect(figures.map(({ id }) => id)).toEqual([
    'plan_memory',
    'plan_roofline',
    'plan_tpotms_vs_costpermillionoutputtokens',
    'plan_outputtokenspersecondpergpu_vs_tokenspersecondperuser',
    'plan_qualitylosspercent_vs_costpermillionoutputtokens',
    'plan_fleet',
  ]);
  for (const figure of figures) expect(renderSvg(figure)).toContain('Assumed 2026-01-02, run toy-plan');
});

test('two plans stand as ratios, with the better one by what is wanted of each number', () => {
  const other = toyDeployment({ gpuName: 'A100 SXM 80 GB' });
  const { speed, cost } = other;
  if (speed === null || cost === null) throw new Error('The toy has both.');
  const b = toyPlanRun({
    deployment: {
      ...other,
      speed: { ...speed, tpotMs: 25, outputTokensPerSecond: 3000 },
      cost: { ...cost, perHour: 1.2 },
    },
  });
  const spec = must(planComparison(run, b));
  const points = Object.fromEntries(
    spec.series.map(({ id, points }) => [id, points.map(({ x, y }) => [x, y])]),
  );
  expect(points).toMatchObject({
    b: [['Cost of an hour', 0.5]],
    a: [
      ['TPOT', 2.5],
      ['Output', 0.5],
    ],
  });
  expect(spec.finding).toBe(
    'B is better in 1 and A in 2 of 7; they differ most in TPOT, where B has 2.5 times as much.',
  );
  expect(spec.notes?.[1]).toContain('A100 SXM 80 GB');
  expect(must(planComparison(b, run)).finding).toContain('in TPOT, where A has 2.5 times as much');
  expect(renderSvg(spec)).toContain('Plan B over plan A');
  expect(must(planComparison(run, run)).finding).toBe('Both plans come to the same numbers.');
  expect(planComparison(run, toyPlanRun({ deployment: null, feasible: false }))).toBeNull();
});

test('a validation stands as errors by quantity between the lines of the tolerance', () => {
  const term = { inBand: null, predicted: 9, measured: 10, errorPercent: -10, within: true };
  const validation: PlanValidation = {
    tolerancePercent: 20,
    points: [
      {
        label: '64 in flight',
        tool: 'vllm',
        load: { requestsPerSecond: null, concurrency: 64, promptTokens: 512, outputTokens: 128 },
        predictedAt: 'measured',
        terms: [
          { ...term, metric: 'tpotMs' },
          { ...term, metric: 'ttftMs', predicted: 130, measured: 100, errorPercent: 30, within: false },
        ],
        notes: [],
      },
    ],
    meanAbsoluteErrorPercent: 20,
    accuracyPercent: 80,
    bias: 'balanced',
    biasPercent: -10,
    within: false,
    assumptions: [],
    notes: [],
  };
  const spec = must(validationFigure(run, validation));
  expect(spec.x.categories).toEqual(['TTFT', 'TPOT']);
  expect(spec.series.map(({ id, points }) => [id, points[0]?.x, points[0]?.y])).toEqual([
    ['within', 'TPOT', -10],
    ['beyond', 'TTFT', 30],
  ]);
  expect(spec.references?.map(({ y }) => y)).toEqual([20, -20]);
  expect(spec.finding).toBe(
    '20 % mean error over 2 numbers of 1 load; its errors are on both sides, or small.',
  );
  expect(renderSvg(spec)).toContain('20 % over');
  expect(validationFigure(run, { ...validation, points: [] })).toBeNull();
});

test('a plan offers its figures as any run does; beside another one, how they compare stands first', () => {
  const ids = planFigures(run).map(({ id }) => id);
  expect(figuresFor(run).map(({ id }) => id)).toEqual(ids);
  const deployment = toyDeployment();
  const cost = deployment.cost && { ...deployment.cost, perHour: 9.6 };
  const other = toyPlanRun({ id: 'other', deployment: { ...deployment, cost } });
  expect(figuresFor(run, other).map(({ id }) => id)).toEqual(['plan_comparison', ...ids]);
  expect(figuresFor(run, toyPlanRun({ deployment: null, feasible: false })).map(({ id }) => id)).toEqual(ids);
});
