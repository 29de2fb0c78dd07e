import * as v from 'valibot';
import { expect, test } from 'vitest';
import { PlanCalibration } from '../../src/core/run/calibration.ts';
import { NO_DISTRIBUTION, NO_MEMORY, type MeasuredResult } from '../../src/core/run/measured.ts';
import type { PlanRun } from '../../src/core/run/plan.ts';
import { DEFAULT_PLAN } from '../../src/core/scenario/plan/defaults.ts';
import { runPlan } from '../../src/plan/plan.ts';
import { pinnedScenario, predictAt } from '../../src/plan/validate/predict.ts';
import { recalibrate } from '../../src/plan/validate/recalibrate.ts';
import { validatePlan } from '../../src/plan/validate/validate.ts';

const PLAN: PlanRun = runPlan({
  ...DEFAULT_PLAN,
  load: { ...DEFAULT_PLAN.load, concurrency: 32 },
});

/** A measurement that is the plan's own prediction at a load, its times and rates multiplied. */
function measuredAs(
  run: PlanRun,
  factors: { ttft?: number; tpot?: number; throughput?: number; kv?: number; weights?: number } = {},
  load: Partial<MeasuredResult['load']> = {},
): MeasuredResult {
  const { deployment } = run;
  const speed = deployment?.speed;
  if (!deployment || !speed) throw new Error('The plan has no speed.');
  const times = (value: number, factor = 1) => ({ ...NO_DISTRIBUTION, mean: value * factor });
  const rates = factors.throughput ?? 1;
  const { memory } = deployment;
  return {
    tool: 'vllm',
    toolVersion: null,
    model: 'meta-llama/Llama-3.1-8B-Instruct',
    date: null,
    label: 'a test',
    load: { requestsPerSecond: null, concurrency: 32, promptTokens: 2048, outputTokens: 512, ...load },
    requests: { finished: 100, failed: 0 },
    durationSeconds: 60,
    ttftMs: times(speed.ttftMs, factors.ttft),
    tpotMs: times(speed.tpotMs, factors.tpot),
    itlMs: NO_DISTRIBUTION,
    e2eMs: NO_DISTRIBUTION,
    requestsPerSecond: null,
    outputTokensPerSecond: speed.outputTokensPerSecond * rates,
    memory: {
      ...NO_MEMORY,
      ...(factors.kv !== undefined && { kvTokens: memory.kvTokens * factors.kv }),
      ...(factors.weights !== undefined && { weightsBytes: memory.weightsBytes * factors.weights }),
    },
    definitions: [],
    translated: [],
  };
}

/** A plan at another load with the same deployment. */
function at(concurrency: number): PlanRun {
  const pinned = pinnedScenario(PLAN);
  return runPlan({ ...pinned, load: { ...pinned.load, concurrency } });
}

const what = (results: readonly MeasuredResult[]) =>
  validatePlan(PLAN, results)
    .assumptions.map((assumption) => assumption.what)
    .join('; ');

test('what was predicted holds, with nothing to blame', () => {
  const validation = validatePlan(PLAN, [measuredAs(PLAN)]);
  expect(validation).toMatchObject({
    meanAbsoluteErrorPercent: 0,
    accuracyPercent: 100,
    bias: 'balanced',
    within: true,
    assumptions: [],
  });
  expect(validation.points[0]?.terms.map(({ metric }) => metric)).toEqual([
    'ttftMs',
    'tpotMs',
    'outputTokensPerSecond',
  ]);
  expect(validation.points[0]?.terms.every(({ inBand }) => inBand === true)).toBe(true);
});

test('error is the share of the measured value; beyond the tolerance nothing is within', () => {
  const [term] = validatePlan(PLAN, [measuredAs(PLAN, { ttft: 0.5 })]).points[0]?.terms ?? [];
  expect(term?.errorPercent).toBeCloseTo(100, 9);
  expect(validatePlan(PLAN, [measuredAs(PLAN, { tpot: 1.3 })], 20).within).toBe(false);
  expect(validatePlan(PLAN, [measuredAs(PLAN, { tpot: 1.3 })], 25).within).toBe(true);
});

test.each([
  { factors: { ttft: 1.5, tpot: 1.4, throughput: 0.7 }, bias: 'over' },
  { factors: { ttft: 0.6, tpot: 0.8, throughput: 1.3 }, bias: 'under' },
  { factors: { ttft: 1.3, tpot: 0.7, throughput: 1 }, bias: 'balanced' },
])('a plan that promises too much, too little or neither: $bias', ({ factors, bias }) => {
  expect(validatePlan(PLAN, [measuredAs(PLAN, factors)]).bias).toBe(bias);
});

test('another load is predicted again with the same deployment', () => {
  const other = at(4);
  const result = measuredAs(other, {}, { concurrency: 4 });
  const prediction = predictAt(PLAN, result);
  expect(prediction.at).toBe('measured');
  expect(prediction.run.deployment?.choice).toEqual(PLAN.deployment?.choice);
  expect(prediction.run.deployment?.speed?.tpotMs).toBe(other.deployment?.speed?.tpotMs);
  expect(validatePlan(PLAN, [result])).toMatchObject({ meanAbsoluteErrorPercent: 0, within: true });
});

test('a load that the deployment cannot carry has no terms and says why', () => {
  const result = measuredAs(PLAN, {}, { requestsPerSecond: 1000, concurrency: null });
  const validation = validatePlan(PLAN, [measuredAs(PLAN), result]);
  expect(validation.points[1]?.terms.map(({ metric }) => metric)).toEqual([]);
  expect(validation.points[1]?.notes[0]).toMatch(/^The plan does not carry this load: On H100/);
  expect(validation.within).toBe(false);
});

test.each([
  { factors: { kv: 1.1, weights: 0.9 }, blamed: 'the format or the number of the weights' },
  { factors: { kv: 0.9, weights: 1 }, blamed: 'what the engine keeps for itself' },
  { factors: { tpot: 1.3 }, blamed: 'share of the memory bandwidth' },
  { factors: { ttft: 1.6 }, blamed: 'waiting: how requests arrive' },
  { factors: { ttft: 0.5 }, blamed: 'how much of a prompt is computed' },
  { factors: { throughput: 0.6 }, blamed: 'that the load was really offered' },
])('the pattern of the errors names the assumption: $blamed', ({ factors, blamed }) => {
  expect(what([measuredAs(PLAN, factors)])).toContain(blamed);
});

test('an error that grows or shrinks with the requests in flight is not one of bandwidth', () => {
  const few = (tpot: number) => measuredAs(at(2), { tpot }, { concurrency: 2 });
  const many = (tpot: number) => measuredAs(PLAN, { tpot });
  expect(what([few(1), many(1.4)])).toContain('what each sequence adds to a step');
  expect(what([few(1.5), many(1.05)])).toContain('what a step costs whatever is in it');
  expect(what([few(1.3), many(1.32)])).toContain('share of the memory bandwidth');
});

test('nothing to compare is refused in a sentence', () => {
  expect(() => validatePlan(PLAN, [])).toThrow('There is no measured result');
  expect(() => validatePlan({ ...PLAN, deployment: null }, [measuredAs(PLAN)])).toThrow('has no deployment');
  const empty = {
    ...measuredAs(PLAN),
    ttftMs: NO_DISTRIBUTION,
    tpotMs: NO_DISTRIBUTION,
    outputTokensPerSecond: null,
  };
  expect(() => validatePlan(PLAN, [empty])).toThrow('nothing that a plan predicts');
});

test('a result of another model is compared, and says so', () => {
  const other = { ...measuredAs(PLAN), model: 'Qwen/Qwen3-8B' };
  expect(validatePlan(PLAN, [other]).notes).toEqual([
    'Measured with Qwen/Qwen3-8B, planned for llama-3.1-8b.',
  ]);
});

test('recalibrated from results that are slower, the plan comes to what was measured', () => {
  const slower = [
    measuredAs(at(2), { ttft: 1.6, tpot: 1.3 }, { concurrency: 2 }),
    measuredAs(at(8), { ttft: 1.6, tpot: 1.3 }, { concurrency: 8 }),
    measuredAs(PLAN, { ttft: 1.6, tpot: 1.3, kv: 0.9 }),
  ];
  const { calibration, run, beforePercent, afterPercent } = recalibrate(PLAN, slower, {
    name: 'the lab’s own',
    createdAt: '2026-01-02T03:04:05.000Z',
  });
  expect(v.parse(PlanCalibration, calibration)).toEqual(calibration);
  expect(calibration).toMatchObject({ gpu: 'h100-sxm', engine: 'vllm', model: 'llama-3.1-8b', points: 3 });
  expect(calibration.decode).toBeGreaterThan(1.1);
  expect(calibration.prefill).toBeGreaterThan(1.4);
  expect(calibration.kvTokens).toBeCloseTo(0.9, 6);
  expect(afterPercent).toBeLessThan(beforePercent / 2);
  const kv = (one: PlanRun): number => one.deployment?.memory.kvTokens ?? 0;
  expect(kv(run) / kv(PLAN)).toBeCloseTo(0.9, 3);
  expect(run.deployment?.memory.steps.find(({ id }) => id === 'calibration')?.bytes).toBeLessThan(0);
  expect(run.scenario.calibration).toBe('the lab’s own');
  const tpot = (one: PlanRun): number => one.deployment?.speed?.tpotMs ?? 0;
  expect(Math.abs(tpot(run) / tpot(PLAN) - 1.3)).toBeLessThan(0.08);
});

test('results that are the plan’s own leave the factors at one', () => {
  const { calibration, afterPercent } = recalibrate(PLAN, [measuredAs(PLAN)], {
    name: 'same',
    createdAt: '',
  });
  expect(calibration).toMatchObject({ decode: 1, prefill: 1, requestMs: null, kvTokens: null });
  expect(afterPercent).toBeLessThan(0.01);
});

test('results without a time or a size cannot calibrate', () => {
  const empty = { ...measuredAs(PLAN), ttftMs: NO_DISTRIBUTION, tpotMs: NO_DISTRIBUTION };
  expect(() => recalibrate(PLAN, [empty], { name: 'x', createdAt: '' })).toThrow(
    'no TTFT, TPOT or KV tokens',
  );
});
