/**
 * The simulator against queueing theory. An engine that serves one request at a time, with a service time that the test
 * chooses through the prompt's length, is the queue that the textbooks solve; its mean waits over independent seeds must
 * have the exact mean in their interval. Nothing here is fitted: seeds are 1, 2, 3 …
 */
import { describe, expect, test } from 'vitest';
import { erlangC, meanWaitKingman, meanWaitMG1, ttftMD1 } from '../../src/core/metrics/queueing.ts';
import { createRandom, type Random } from '../../src/core/random.ts';
import { requestTable } from '../../src/core/schedule/requests.ts';
import type { Cluster, RouterName, SchedulerName } from '../../src/core/scenario/simulate/schema.ts';
import { studentQuantile } from '../../src/core/special.ts';
import { arrivalGaps } from '../../src/core/workload/arrivals.ts';
import { drawGamma } from '../../src/core/workload/gamma.ts';
import { createLinear } from '../../src/sim/cost/linear.ts';
import { runTable, type Told } from './cluster/cluster.ts';

/** 1,000 tokens are a second: fine enough that whole tokens are a continuous service time. */
const SERVICE_TOKENS = 1000;
const MS_A_TOKEN = createLinear({
  kind: 'linear',
  baseMs: 0,
  perTokenMs: 1,
  perPrefillPairMs: 0,
  perContextTokenMs: 0,
  perSequenceMs: 0,
});
const ONE_MS_A_STEP = createLinear({
  kind: 'linear',
  baseMs: 1,
  perTokenMs: 0,
  perPrefillPairMs: 0,
  perContextTokenMs: 0,
  perSequenceMs: 0,
});
const REQUESTS = 6000;
const WARM_UP = 1000;
const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);

/** Service times in seconds, mean 1. */
const SERVICES: Record<string, { readonly scv: number; readonly draw: (random: Random) => number }> = {
  'M/D/1': { scv: 0, draw: () => 1 },
  'M/M/1': { scv: 1, draw: (random) => random.exponential() },
  'M/G/1, less than exponential (Erlang 4)': { scv: 0.25, draw: (random) => drawGamma(4, random) / 4 },
  'M/G/1, more than exponential (Gamma ¼)': { scv: 4, draw: (random) => drawGamma(0.25, random) * 4 },
};

/** @param load of one replica */
function queue(
  seed: number,
  load: number,
  service: (random: Random) => number,
  scheduler: SchedulerName,
  cluster: Partial<Cluster> = {},
  outputTokens = 1,
): Told {
  const random = createRandom(seed);
  const gap = arrivalGaps({ kind: 'poisson', rate: load * (cluster.replicas ?? 1) }, random.fork('arrivals'));
  const services = random.fork('services');
  let nowMs = 0;
  const rows = Array.from({ length: REQUESTS }, () => {
    nowMs += 1000 * gap();
    const promptTokens = Math.max(1, Math.round(SERVICE_TOKENS * service(services)));
    return { arrivalMs: nowMs, promptTokens, outputTokens };
  });
  return runTable(requestTable(rows), {
    engine: { scheduler, maxSequences: 1, blockSize: 4096, prefixCache: 'off', tokenBudget: 1_048_576 },
    cluster,
    numBlocks: 100,
    cost: MS_A_TOKEN,
  }).told;
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** Mean and half of its 99 % interval by Student's t over independent runs. */
function interval(runs: readonly number[]): { readonly mean: number; readonly half: number } {
  const m = mean(runs);
  const variance = runs.reduce((sum, x) => sum + (x - m) ** 2, 0) / (runs.length - 1);
  return { mean: m, half: studentQuantile(0.995, runs.length - 1) * Math.sqrt(variance / runs.length) };
}

/** Mean seconds between two moments of each request after the warm-up. */
function meanSeconds(from: readonly number[], to: readonly number[]): number {
  let sum = 0;
  for (let i = WARM_UP; i < REQUESTS; i++) sum += (to[i] ?? 0) - (from[i] ?? 0);
  return sum / (REQUESTS - WARM_UP) / 1000;
}

describe.each(Object.entries(SERVICES))('%s', (_, { scv, draw }) => {
  test.each([0.5, 0.8])('waits as theory says at load %f', (load) => {
    const runs = SEEDS.map((seed) => {
      const told = queue(seed, load, draw, 'static');
      return meanSeconds(told.arrivedMs, told.startedMs);
    });
    const theory = meanWaitMG1(load, 1, scv);
    expect(meanWaitKingman(load, 1, 1, scv)).toBeCloseTo(theory, 12);
    const { mean: measured, half } = interval(runs);
    expect(Math.abs(measured - theory), `${measured} ± ${half} s, not ${theory} s`).toBeLessThan(half);
    // An interval that holds everything would prove nothing.
    expect(half / theory).toBeLessThan(0.25);
  });
});

/** Mean wait of GI/M/1 with Erlang-k gaps and mean service 1: σ = A*(1 − σ), W = σ / (1 − σ). */
function waitErlangM1(load: number, k: number): number {
  let sigma = load;
  for (let i = 0; i < 10_000; i++) sigma = (k * load) ** k / (k * load + 1 - sigma) ** k;
  return sigma / (1 - sigma);
}

test('the wait of Erlang arrivals is that of Poisson arrivals for k = 1', () => {
  expect(waitErlangM1(0.8, 1)).toBeCloseTo(meanWaitMG1(0.8, 1, 1), 9);
});

describe('three replicas that serve one request at a time', () => {
  const [replicas, load] = [3, 0.8];
  const waits = (router: RouterName) =>
    interval(
      SEEDS.slice(0, 12).map((seed) => {
        const told = queue(seed, load, (random) => random.exponential(), 'static', { replicas, router });
        return meanSeconds(told.arrivedMs, told.startedMs);
      }),
    );

  test('behind a round robin they are E₃/M/1 queues', () => {
    const { mean: measured, half } = waits('round-robin');
    const theory = waitErlangM1(load, replicas);
    expect(Math.abs(measured - theory), `${measured} ± ${half} s, not ${theory} s`).toBeLessThan(half);
    expect(half / theory).toBeLessThan(0.25);
  });

  test('the least loaded is worth more than a turn, and less than one queue for all', () => {
    const { mean: measured } = waits('least-loaded');
    expect(measured).toBeLessThan(waitErlangM1(load, replicas));
    expect(measured).toBeGreaterThan(erlangC(replicas * load, 1, replicas).meanWait);
  });
});

test('prompts of one length on a prefill replica of their own wait as DistServe’s formula says', () => {
  const disaggregation = { prefillReplicas: 1, decodeReplicas: 1, linkGBps: 100, linkLatencyUs: 10 };
  const runs = SEEDS.slice(0, 12).map((seed) => {
    const told = queue(seed, 0.7, () => 1, 'vllm', { disaggregation }, 2);
    return meanSeconds(told.arrivedMs, told.prefilledMs);
  });
  const { mean: measured, half } = interval(runs);
  const theory = ttftMD1(0.7, 1);
  expect(Math.abs(measured - theory), `${measured} ± ${half} s, not ${theory} s`).toBeLessThan(half);
  expect(half / theory).toBeLessThan(0.1);
});

test.each(['static', 'vllm'] as const)(
  '%s: request by request the wait is Lindley’s recursion',
  (scheduler) => {
    const told = queue(5, 0.9, (random) => random.exponential(), scheduler);
    let freeMs = 0;
    told.arrivedMs.forEach((arrivedMs, i) => {
      const startMs = Math.max(arrivedMs, freeMs);
      expect(told.startedMs[i]).toBe(startMs);
      freeMs = told.finishedMs[i] ?? NaN;
      expect(freeMs).toBeGreaterThanOrEqual(startMs + 1);
    });
  },
);

test('a queue that is told wrongly would be noticed', () => {
  const runs = SEEDS.slice(0, 8).map((seed) => {
    const told = queue(seed, 0.8, () => 1, 'static');
    return meanSeconds(told.arrivedMs, told.startedMs);
  });
  const { mean: measured, half } = interval(runs);
  expect(Math.abs(measured - meanWaitMG1(0.8, 1, 1))).toBeGreaterThan(5 * half);
});

test.each(['vllm', 'sarathi', 'orca'] as const)(
  '%s, one request at a time, is the same M/D/1 queue',
  (name) => {
    const [one, other] = [queue(3, 0.7, () => 1, name), queue(3, 0.7, () => 1, 'static')];
    expect(one.startedMs).toEqual(other.startedMs);
    const ttft = meanSeconds(one.arrivedMs, one.prefilledMs);
    expect(Math.abs(ttft / ttftMD1(0.7, 1) - 1)).toBeLessThan(0.1);
  },
);

test('continuous batching with equal steps is an M/M/c queue (Erlang C)', () => {
  const [slots, load, meanSteps] = [4, 0.8, 30];
  // Lengths are an exponential's rounded up, whose mean is half a step longer; all times in steps.
  const rate = (load * slots) / (meanSteps + 0.5);
  const runs = SEEDS.slice(0, 10).map((seed) => {
    const random = createRandom(seed);
    const draws = random.fork('lengths');
    const gap = arrivalGaps({ kind: 'poisson', rate }, random.fork('arrivals'));
    let now = 0;
    const rows = Array.from({ length: REQUESTS }, () => {
      now += gap();
      return {
        arrivalMs: now,
        promptTokens: 1,
        outputTokens: Math.max(1, Math.ceil(meanSteps * draws.exponential())),
      };
    });
    const { told } = runTable(requestTable(rows), {
      engine: { scheduler: 'orca', maxSequences: slots, prefixCache: 'off' },
      numBlocks: 10_000,
      cost: ONE_MS_A_STEP,
    });
    return 1000 * meanSeconds(told.arrivedMs, told.startedMs);
  });
  // A request that finds a slot free waits for the end of the step that is running: half a step.
  const theory = erlangC(rate, 1 / (meanSteps + 0.5), slots).meanWait + 0.5;
  const { mean: measured, half } = interval(runs);
  expect(Math.abs(measured - theory), `${measured} ± ${half} ms, not ${theory} ms`).toBeLessThan(half);
  expect(half / theory).toBeLessThan(0.25);
});
