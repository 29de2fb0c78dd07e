/**
 * Every story of `scenarios/` shows what it says: the order or the ratio of results, not their values, which belong to
 * the cost model.
 */
import { expect, test, vi } from 'vitest';
import type { SimRun, SimSummary } from '../../src/core/run/simulation.ts';
import { presetSimulation, SIM_PRESETS } from '../../src/core/scenario/presets.ts';
import { readTrace } from '../../src/core/workload/traces/read.ts';
import { runSimulation } from '../../src/sim/index.ts';
import { referenceText, whyNoReferenceData } from '../reference-data.ts';

// A story is some hundred thousand steps; a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

/** Summaries of a story's points, by their setting or label; the settings of two axes with a comma between. */
function summaries({ points }: SimRun): (setting: string) => SimSummary {
  const found = new Map(
    points.map(({ settings, status, reason, repetitions }) => {
      expect(status, String(reason)).toBe('done');
      return [Object.values(settings).join(', '), repetitions[0]?.summary] as const;
    }),
  );
  return (setting) => {
    const summary = found.get(setting);
    if (!summary) throw new Error(`No point “${setting}”; there are ${[...found.keys()].join('; ')}.`);
    return summary;
  };
}

function story(name: string): (setting: string) => SimSummary {
  const scenario = presetSimulation(name);
  const of = summaries(runSimulation(scenario));
  return (setting) => {
    const summary = of(setting);
    // Whatever goes wrong in a story, every request ends.
    expect(summary.finished).toBe(scenario.workload.requests);
    return summary;
  };
}

const p99 = (summary: SimSummary, metric: 'ttftMs' | 'tpotMs' | 'itlMs' | 'e2eMs'): number =>
  summary[metric]?.p99 ?? NaN;
const mean = (summary: SimSummary, metric: 'ttftMs' | 'tpotMs' | 'itlMs' | 'e2eMs'): number =>
  summary[metric]?.mean ?? NaN;
const hits = ({ prefixHitRatio }: SimSummary): number => prefixHitRatio ?? NaN;

test.each(SIM_PRESETS)('$name has a title and says what to look at', ({ name }) => {
  const { title, about } = presetSimulation(name);
  expect(title.length).toBeGreaterThan(10);
  expect(about).toMatch(/look (at|for) |step by step/i);
});

test('a shared prefix: most of each prompt is found, and the queue goes away', () => {
  const of = story('shared-system-prompt');
  const [without, with_] = [of('no prefix cache'), of('prefix cache')];
  expect(without.prefixHitRatio).toBeNull();
  expect(hits(with_)).toBeGreaterThan(0.8);
  expect(mean(without, 'ttftMs') / mean(with_, 'ttftMs')).toBeGreaterThan(20);
  expect(without.meanKvBlocks / with_.meanKvBlocks).toBeGreaterThan(4);
});

test('a preemption storm ends with fewer sequences, for a few percent of the throughput', () => {
  const of = story('preemption-storm');
  expect(of('256').preemptions).toBeGreaterThan(1000);
  expect(of('256').peakKvBlocks).toBe(2400);
  expect(of('64').preemptions).toBeLessThan(of('256').preemptions);
  expect(of('48').preemptions).toBeLessThan(20);
  expect(of('256').itlMs?.max).toBeGreaterThan(50 * (of('48').itlMs?.max ?? NaN));
  expect(of('48').outputTokensPerSecond).toBeGreaterThan(0.93 * of('256').outputTokensPerSecond);
  expect(of('32').outputTokensPerSecond).toBeLessThan(0.8 * of('48').outputTokensPerSecond);
});

test('mixed lengths: short answers wait for long ones in a static batch', () => {
  const of = story('static-or-continuous');
  for (const scheduler of ['static', 'static-bucketed']) {
    expect(of(scheduler).e2eMs?.p50).toBeGreaterThan(10 * (of('vllm').e2eMs?.p50 ?? NaN));
    expect(p99(of(scheduler), 'e2eMs')).toBeGreaterThan(2 * p99(of('vllm'), 'e2eMs'));
  }
  // Reservations hold what is not used: for orca and static batches alike.
  expect(of('orca').meanKvBlocks).toBeGreaterThan(3 * of('vllm').meanKvBlocks);
  expect(of('static').fragmentation).toBeGreaterThan(0.5);
  expect(of('vllm').fragmentation).toBeLessThan(0.02);
});

test('chunk size: TTFT falls and the longest gap between tokens grows', () => {
  const of = story('chunk-size');
  const budgets = ['256', '512', '1024', '2048', '8192', '32768'];
  budgets.slice(1).forEach((budget, i) => {
    const smaller = of(budgets[i] ?? '');
    expect(mean(of(budget), 'ttftMs')).toBeLessThan(mean(smaller, 'ttftMs'));
    expect(of(budget).itlMs?.max).toBeGreaterThan(smaller.itlMs?.max ?? NaN);
  });
});

test('bursts: the tail of TTFT is ordered by the variation, the load is not', () => {
  const of = story('bursty-arrivals');
  const [regular, poisson, bursts] = [of('regular (CV 0.25)'), of('Poisson (CV 1)'), of('bursts (CV 4)')];
  expect(p99(poisson, 'ttftMs')).toBeGreaterThan(1.1 * p99(regular, 'ttftMs'));
  expect(p99(bursts, 'ttftMs')).toBeGreaterThan(1.5 * p99(poisson, 'ttftMs'));
  expect(bursts.durationMs / regular.durationMs).toBeCloseTo(1, 0.5);
});

test('cache thrash: SIEVE and S3-FIFO keep what comes again', () => {
  const of = story('cache-thrash');
  expect(hits(of('sieve'))).toBeGreaterThan(1.1 * hits(of('lru')));
  expect(hits(of('s3fifo'))).toBeGreaterThan(1.15 * hits(of('lru')));
  expect(mean(of('s3fifo'), 'ttftMs')).toBeLessThan(0.9 * mean(of('lru'), 'ttftMs'));
});

test('offload to host memory helps', () => {
  const of = story('offload-helps');
  const [alone, host] = [of('no tier'), of('host, 50 GB/s')];
  expect(hits(host)).toBeGreaterThan(2.5 * hits(alone));
  expect(mean(host, 'ttftMs')).toBeLessThan(0.4 * mean(alone, 'ttftMs'));
  expect(p99(host, 'ttftMs')).toBeLessThan(0.2 * p99(alone, 'ttftMs'));
});

test('offload over a slow network hurts, until the break-even', () => {
  const of = story('offload-hurts');
  const alone = mean(of('no tier'), 'ttftMs');
  const labels = ['1 GB/s', '2 GB/s', '4 GB/s', '8 GB/s', '16 GB/s'];
  labels.forEach((label) => expect(hits(of(label))).toBeGreaterThan(2.5 * hits(of('no tier'))));
  const ttft = labels.map((label) => mean(of(label), 'ttftMs'));
  expect([...ttft].sort((a, b) => b - a)).toEqual(ttft);
  expect(ttft[0]).toBeGreaterThan(20 * alone);
  expect(ttft[1]).toBeGreaterThan(alone);
  expect(ttft[3]).toBeLessThan(alone);
});

test('prefill and decode apart: no prompt stands between two tokens, and TTFT pays', () => {
  const of = story('disaggregation');
  const [both, apart] = [of('both do both'), of('one each')];
  expect(p99(both, 'itlMs')).toBeGreaterThan(4 * p99(apart, 'itlMs'));
  expect(p99(apart, 'tpotMs')).toBeLessThan(p99(both, 'tpotMs'));
  expect(mean(apart, 'ttftMs')).toBeGreaterThan(1.1 * mean(both, 'ttftMs'));
  expect(apart.attainment).toBeGreaterThan(both.attainment ?? NaN);
});

test('a model with windows holds several times as much', () => {
  const of = story('sliding-window');
  const [full, windows] = [of('Llama-3.1-8B'), of('Mistral-7B-v0.1')];
  // The pools are alike; a sequence holds a window of 4,096 and a step’s tokens, not 8,000 to 24,000.
  expect(windows.kvBlocks / full.kvBlocks).toBeCloseTo(1, 1);
  expect(full.preemptions).toBeGreaterThan(100);
  expect(windows.preemptions).toBe(0);
  expect(mean(full, 'ttftMs')).toBeGreaterThan(20 * mean(windows, 'ttftMs'));
});

test('a remote cache finds what another replica computed', () => {
  const of = story('remote-cache');
  const point = (router: string, cache: string) => of(`${router}, ${cache}`);
  const [own, shared] = ['caches of their own', 'a shared remote cache'];
  const round = point('round-robin', own);
  const aware = point('prefix-aware', own);
  expect(hits(aware)).toBeGreaterThan(1.5 * hits(round));
  expect(hits(point('round-robin', shared))).toBeGreaterThan(1.1 * hits(aware));
  expect(hits(point('prefix-aware', shared))).toBeGreaterThan(hits(point('round-robin', shared)));
  expect(mean(point('round-robin', shared), 'ttftMs')).toBeLessThan(0.7 * mean(round, 'ttftMs'));
});

const TRACES = [
  { name: 'azure-conversation', file: 'traces/AzureLLMInferenceTrace_conv_2023.csv' },
  { name: 'mooncake-conversation', file: 'traces/mooncake_conversation_trace.jsonl' },
];

test.each(TRACES)('$name asks for its trace', ({ name, file }) => {
  const scenario = presetSimulation(name);
  expect(`traces/${scenario.workload.trace?.name ?? ''}`).toBe(file);
  expect(runSimulation(scenario).points[0]?.reason).toBe(
    `The scenario asks for the trace “${scenario.workload.trace?.name ?? ''}”; give its file beside the scenario.`,
  );
});

for (const { name, file } of TRACES) {
  const missing = whyNoReferenceData(file);
  test.skipIf(missing !== null)(`${name} with its trace${missing ? ` (skipped: ${missing})` : ''}`, () => {
    const scenario = presetSimulation(name);
    const trace = readTrace(referenceText(file));
    const summary = runSimulation(scenario, { traces: () => trace }).points[0]?.repetitions[0]?.summary;
    expect(summary?.finished).toBe(scenario.workload.requests);
    const used = (summary?.peakKvBlocks ?? NaN) / (summary?.kvBlocks ?? NaN);
    if (name === 'azure-conversation') {
      // One H100 carries the hour easily.
      expect(used).toBeLessThan(0.3);
      expect(summary?.attainment).toBeGreaterThan(0.99);
    } else {
      // The pool is full, and finds little of the 37 % that the trace repeats.
      expect(used).toBe(1);
      expect(summary && hits(summary)).toBeGreaterThan(0.01);
      expect(summary && hits(summary)).toBeLessThan(0.1);
    }
  });
}
