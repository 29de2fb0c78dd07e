/** Prefill and decode on GPUs of their own; traces as loads. */
import { expect, test } from 'vitest';
import { PlanError, runPlan, searchPlans } from '../../src/plan/index.ts';
import type { Trace } from '../../src/core/workload/traces/trace.ts';
import { createRandom } from '../../src/core/random.ts';
import { plan } from './support.ts';

const APART = {
  model: 'llama-3.1-70b',
  hardware: { gpu: 'h100-sxm', tensorParallel: 4 },
  engine: { disaggregated: true, kvFormat: 'fp8', weights: 'fp8' },
};

test('each phase gets replicas for its own work', () => {
  const at = (prompt: number, output: number) =>
    runPlan(
      plan({
        ...APART,
        load: {
          rate: 12,
          promptTokens: { kind: 'fixed', tokens: prompt },
          outputTokens: { kind: 'fixed', tokens: output },
        },
        constraints: { tpotMs: 30 },
      }),
    ).deployment?.choice.disaggregated;
  const [reading, writing] = [at(6000, 100), at(500, 1500)];
  if (!reading || !writing) throw new Error('not apart');
  const share = ({ prefillReplicas, decodeReplicas }: typeof reading) =>
    prefillReplicas / (prefillReplicas + decodeReplicas);
  expect(share(reading)).toBeGreaterThan(share(writing));
});

test('decode is not disturbed by prompts, and every limit is kept', () => {
  const limits = { ttftMs: 1500, tpotMs: 25, percentile: 0.9 };
  const load = { rate: 10, promptTokens: { kind: 'fixed', tokens: 4000 } };
  const apart = runPlan(plan({ ...APART, load, constraints: limits })).deployment;
  const whole = runPlan(
    plan({ ...APART, engine: { ...APART.engine, disaggregated: false }, load }),
  ).deployment;
  expect(apart?.speed?.tpotTailMs).toBeLessThanOrEqual(25);
  expect(apart?.speed?.ttftTailMs).toBeLessThanOrEqual(1500);
  expect(apart?.speed?.requestsPerSecond).toBeCloseTo(10, 6);
  expect(apart?.speed?.maxRequestsPerSecond).toBeGreaterThan(10);
  expect(whole?.choice.disaggregated).toBeNull();
  const { prefillReplicas = 0, decodeReplicas = 0 } = apart?.choice.disaggregated ?? {};
  expect(apart?.choice.replicas).toBe(prefillReplicas + decodeReplicas);
  expect(apart?.choice.gpus).toBe(4 * (prefillReplicas + decodeReplicas));
});

test('the simulator agrees with the closed forms of both phases', () => {
  const scenario = plan({ ...APART, load: { rate: 6 } });
  const [a, b] = [runPlan(scenario), runPlan(scenario, { simulate: true })].map(
    (run) => run.deployment?.speed,
  );
  if (!a || !b) throw new Error('no speed');
  expect(Math.abs(b.ttftMs / a.ttftMs - 1)).toBeLessThan(0.35);
  expect(Math.abs(b.tpotTailMs / a.tpotTailMs - 1)).toBeLessThan(0.35);
});

test('a count is divided so that the two phases carry the most', () => {
  const run = runPlan(plan({ ...APART, hardware: { ...APART.hardware, count: 16 }, load: { rate: 4 } }));
  const { prefillReplicas = 0, decodeReplicas = 0 } = run.deployment?.choice.disaggregated ?? {};
  expect(prefillReplicas + decodeReplicas).toBe(4);
});

/** Requests that share long beginnings in blocks of 64, ten a second. */
function trace(): Trace {
  const random = createRandom(3);
  const requests = Array.from({ length: 600 }, (_, i) => {
    const topic = random.below(8);
    const blocks = 20 + random.below(10);
    return {
      arrivalSeconds: i / 10,
      promptTokens: blocks * 64,
      outputTokens: 60 + random.below(80),
      blockIds: Array.from({ length: blocks }, (_, j) => (j < 16 ? topic * 1000 + j : 1e6 + i * 100 + j)),
    };
  });
  return { requests, blockTokens: 64 };
}

test('a trace brings its own rate, lengths and sharing', () => {
  const scenario = plan({ load: { trace: 'mine.jsonl', rate: null } });
  const run = runPlan(scenario, { trace: trace(), simulate: true });
  const { speed, prefixCache } = run.deployment ?? {};
  expect(speed?.requestsPerSecond).toBeCloseTo(10, 1);
  expect(prefixCache?.hitRatio).toBeGreaterThan(0.5);
  expect(prefixCache?.hitRatio).toBeLessThan(16 / 20);
  const faster = runPlan(plan({ load: { trace: 'mine.jsonl', rate: 40 } }), { trace: trace() });
  expect(faster.deployment?.speed?.requestsPerSecond).toBeCloseTo(40, 6);
});

test('a trace that is named but not given is asked for', () => {
  const scenario = plan({ load: { trace: 'mine.jsonl' } });
  expect(() => runPlan(scenario)).toThrow(PlanError);
  expect(() => runPlan(scenario)).toThrow('give its file beside the scenario');
  expect(() => runPlan(scenario, { trace: { requests: [], blockTokens: null } })).toThrow('has 0 requests');
});

test('a search tries both ways of placing the phases', () => {
  const run = searchPlans(
    plan({
      model: 'llama-3.1-70b',
      hardware: { gpu: 'h100-sxm' },
      load: { rate: 20, promptTokens: { kind: 'fixed', tokens: 6000 } },
    }),
  );
  const apart = run.rows.filter(({ choice }) => choice.disaggregated !== null);
  expect(apart.length).toBeGreaterThan(0);
});
