/** Plans of given deployments: what is asked is taken, what does not work is never shown as if it did. */
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { PlanRun } from '../../src/core/run/plan.ts';
import { PLAN_PRESETS, presetPlan } from '../../src/core/scenario/presets.ts';
import { comparePlans, parsePlanRun, PlanError, runPlan, searchPlans } from '../../src/plan/index.ts';
import { plan } from './support.ts';

test.each(PLAN_PRESETS)('$name gives a run that reads', ({ name }) => {
  const scenario = presetPlan(name);
  const run = scenario.hardware.gpu === null ? searchPlans(scenario) : runPlan(scenario);
  expect(() => v.parse(PlanRun, run)).not.toThrow();
  expect(run.feasible).toBe(true);
  expect(parsePlanRun(JSON.stringify(run))).toEqual({ ok: true, value: run });
});

test('the same scenario gives the same run, to the byte', () => {
  const scenario = presetPlan('plan-chat-8b');
  expect(JSON.stringify(runPlan(scenario))).toBe(JSON.stringify(runPlan(scenario)));
});

test('what is given is taken', () => {
  const run = runPlan(
    plan({
      model: 'meta-llama/Llama-3.1-70B-Instruct',
      hardware: { gpu: 'H100', count: 8, tensorParallel: 4 },
      engine: { weights: 'fp8', kvFormat: 'fp8', name: 'sglang' },
      load: { concurrency: 64 },
    }),
  );
  expect(run.deployment?.choice).toMatchObject({
    gpus: 8,
    replicas: 2,
    tensorParallel: 4,
    weights: 'fp8',
    kvFormat: 'fp8',
    engine: 'sglang',
  });
  expect(run.deployment?.speed?.batch).toBe(32);
});

// A public planner shows each of these as a plan: 350 %, 243 %, 156 % and 109 % of the memory.
test.each([
  { model: 'llama-3.1-70b', gpu: 'rtx-4090', weights: 'fp8' },
  { model: 'llama-3.1-70b', gpu: 'h100-sxm', weights: 'bf16' },
  { model: 'llama-3.1-70b', gpu: 'l4', weights: 'int4' },
  { model: 'llama-3.1-8b', gpu: 'rtx-4060-laptop', weights: 'bf16' },
] as const)(
  '$model in $weights does not fit one $gpu, and the answer says by how much',
  ({ model, gpu, weights }) => {
    const run = runPlan(plan({ model, hardware: { gpu, count: 1 }, engine: { weights }, load: { rate: 1 } }));
    expect(run.feasible).toBe(false);
    expect(run.reason).toMatch(/does not fit one .*: [\d.]+ GB/);
    expect(run.deployment?.memory.remedies.length).toBeGreaterThan(0);
    expect(run.deployment?.speed).toBeNull();
  },
);

test('a rate that the GPUs can’t carry is no plan, and utilization is not clipped', () => {
  const run = runPlan(plan({ hardware: { gpu: 'l4', count: 1 }, load: { rate: 10 } }));
  expect(run.feasible).toBe(false);
  expect(run.reason).toMatch(/requests a second at the most, less than the 10 asked for/);
});

test('a load that no number of GPUs carries is no plan', () => {
  const run = runPlan(plan({ hardware: { gpu: 'l4' }, load: { rate: 1e6 } }));
  expect(run.feasible).toBe(false);
  expect(run.reason).toMatch(/the load takes \d+ GPUs, more than the 100000/);
});

test('fp8 is not offered where the GPU has none', () => {
  const run = runPlan(plan({ hardware: { gpu: 'a100-80-sxm' }, engine: { weights: 'fp8' } }));
  expect(run.feasible).toBe(false);
  expect(run.reason).toContain('no hardware support');
  const rows = searchPlans(plan({ hardware: { gpu: 'a100-80-sxm' } })).rows;
  expect(rows.some(({ choice }) => choice.weights === 'fp8' || choice.kvFormat === 'fp8')).toBe(false);
});

test('replicas leave headroom, and more of them serve a higher rate', () => {
  const at = (rate: number) => runPlan(plan({ load: { rate } })).deployment;
  const [few, many] = [at(5), at(50)];
  expect(many?.choice.replicas).toBeGreaterThan(few?.choice.replicas ?? 0);
  for (const deployment of [few, many]) {
    const { requestsPerSecond = 0, maxRequestsPerSecond = 1 } = deployment?.speed ?? {};
    expect(requestsPerSecond / maxRequestsPerSecond).toBeLessThanOrEqual(0.86);
  }
});

test('KV precision is apart from the weights’', () => {
  const tokens = (kvFormat: string, weights: string) =>
    runPlan(plan({ engine: { kvFormat, weights } })).deployment?.memory.kvTokens ?? 0;
  expect(tokens('fp8', 'bf16') / tokens('bf16', 'bf16')).toBeCloseTo(2, 2);
  expect(tokens('bf16', 'fp8')).toBeGreaterThan(tokens('bf16', 'bf16'));
});

test('$ a million output tokens is $ an hour over output tokens, of the load that was asked for', () => {
  const { deployment } = runPlan(
    plan({ load: { rate: 4 }, prices: { perGpuHour: 3, apiPerMillionOutput: 10 } }),
  );
  const cost = deployment?.cost;
  if (!cost || !deployment) throw new Error('no cost');
  expect(cost.perHour).toBe(3 * deployment.choice.gpus);
  expect(cost.perMillionOutputTokens).toBeCloseTo((cost.perHour / (4 * 512 * 3600)) * 1e6, 9);
  expect(cost.perRequest).toBeCloseTo(cost.perHour / (4 * 3600), 9);
  expect(cost.perMonth).toBeCloseTo(cost.perHour * 730, 6);
  // At the break-even rate an hour of API tokens costs what the GPUs cost.
  expect(((cost.breakEven ?? 0) * 3600 * 10) / 1e6).toBeCloseTo(cost.perHour, 9);
});

test('owned GPUs cost their years, their power and the rest', () => {
  const owned = { perGpu: 30_000, years: 4, perKwh: 0.1, otherPerHour: 0.2 };
  const { deployment } = runPlan(plan({ prices: { owned, pue: 1.2 } }));
  expect(deployment?.cost?.perGpuHour).toBeCloseTo(30_000 / (4 * 8760) + 0.7 * 1.2 * 0.1 + 0.2, 9);
});

test.each([
  { layer: { model: 'lama-3-8b' }, words: /The model “lama-3-8b” is not known; the nearest are/ },
  { layer: { hardware: { gpu: 'H1000' } }, words: /The GPU “H1000” is not known; the nearest are/ },
  { layer: { hardware: { tensorParallel: 7 } }, words: /the nearest that works is 4 or 8/ },
  { layer: { hardware: { expertParallel: true } }, words: /has no experts/ },
  { layer: { engine: { weights: 'mxfp4' } }, words: /mxfp4 is a format of experts/ },
  { layer: { prices: { grid: 'atlantis' } }, words: /prices.grid is “atlantis”/ },
])('$words', ({ layer, words }) => {
  expect(() => runPlan(plan(layer))).toThrow(PlanError);
  expect(() => runPlan(plan(layer))).toThrow(words);
});

test('a request longer than the model is refused with the model’s length', () => {
  const run = runPlan(plan({ load: { promptTokens: { kind: 'fixed', tokens: 200_000 } } }));
  expect(run.reason).toMatch(/200512 tokens at the least, more than the 131072/);
  const searched = searchPlans(run.scenario);
  expect(searched).toMatchObject({ feasible: false, reason: run.reason });
  // Some are too long: the rest is served, and the share is said.
  const some = runPlan(plan({ load: { promptTokens: { kind: 'uniform', min: 100_000, max: 140_000 } } }));
  expect(some.feasible).toBe(true);
  expect(some.notes.join(' ')).toMatch(/2\d\.\d % of the requests are longer than the 131072/);
});

test('two plans field by field', () => {
  const [a, b] = [runPlan(plan()), runPlan(plan({ engine: { weights: 'fp8' } }))];
  const fields = new Map(comparePlans(a, b).map((field) => [field.path, field]));
  expect(fields.get('choice.weights')).toMatchObject({ a: 'bf16', b: 'fp8', same: false, better: null });
  expect(fields.get('memory.weightsBytes')?.better).toBe('b');
  expect(fields.get('choice.gpu')?.same).toBe(true);
});

test('a plan’s file is read, or refused in one sentence', () => {
  const text = JSON.stringify(runPlan(plan()));
  const sentence = (input: unknown): string => {
    const read = parsePlanRun(input);
    return read.ok ? '' : read.sentence;
  };
  expect(sentence(text)).toBe('');
  expect(sentence(text.slice(0, text.length / 2))).toMatch(/^[^\n]{10,400}[.?]$/);
  expect(sentence('{"kind":"lab"}')).toContain('no plan');
  expect(sentence(text.replace('"version":1,"kind":"plan","id"', '"version":99,"kind":"plan","id"'))).toMatch(
    /newer|version/,
  );
  expect(sentence(text.replace(/"replicas":\d+/, '"replicas":-4'))).toContain('replicas');
  expect(sentence({ ...runPlan(plan()), extra: 1 })).toContain('extra');
});
