/** The collector beside a slow twin that looks at every sequence after every step, on the real scheduler. */
import { expect, test } from 'vitest';
import { BlockManager } from '../../../../src/core/kv/block-manager.ts';
import { percentileLinear } from '../../../../src/core/metrics/percentiles.ts';
import { ServingCollector } from '../../../../src/core/metrics/serving/collector.ts';
import { requestColumns, summarizeServing } from '../../../../src/core/metrics/serving/summary.ts';
import { createRandom } from '../../../../src/core/random.ts';
import { requestTable, type RequestRow } from '../../../../src/core/schedule/requests.ts';
import { Sequences } from '../../../../src/core/schedule/sequences.ts';
import { VllmScheduler } from '../../../../src/core/schedule/vllm.ts';
import { linearTokens } from '../../../../src/core/schedule/work.ts';
import { emptyBasis, type CostModel } from '../../../../src/sim/cost/model.ts';
import { SimLoop } from '../../../../src/sim/loop.ts';
import { Replica } from '../../../../src/sim/replica.ts';
import type { SimObserver } from '../../../../src/sim/types.ts';

interface Settings {
  readonly numBlocks: number;
  readonly tokenBudget: number;
  readonly maxSequences: number;
  readonly rows: readonly RequestRow[];
}

const BLOCK = 4;
const cost: CostModel = {
  name: 'test',
  about: '',
  basis: emptyBasis(),
  stepMs: (work) => 2 + linearTokens(work) / 8,
};

/** Runs the rows on one replica; `gaps` are those that the slow twin saw. */
function run({ numBlocks, tokenBudget, maxSequences, rows }: Settings) {
  const requests = requestTable(rows);
  const collector = new ServingCollector({ requests, blockSize: BLOCK, maxSamples: 1000 });
  const sequences = new Sequences(requests, BLOCK);
  const manager = new BlockManager({ numBlocks, blockSize: BLOCK, requests, prefixCaching: true });
  const scheduler = new VllmScheduler({
    manager,
    sequences,
    tokenBudget,
    maxSequences,
    longPrefillTokens: 0,
    priorities: 'fcfs',
    watermarkBlocks: 0,
    reserveFullPrompt: false,
  });
  const gaps: number[] = [];
  const generated = rows.map(() => 0);
  const lastMs = rows.map(() => NaN);
  let steps = 0;
  let peak = 0;
  const observer: SimObserver = {
    arrived: (request, nowMs) => collector.arrived(request, nowMs),
    started: (...args) => collector.started(...args),
    preempted: (...args) => collector.preempted(...args),
    prefilled: (request, nowMs) => collector.prefilled(request, nowMs),
    finished: (request, nowMs) => collector.finished(request, nowMs),
    began: (...args) => {
      collector.began(...args);
      peak = Math.max(peak, args[3].numActiveBlocks);
    },
    step: (...args) => {
      collector.step(...args);
      steps++;
      const endMs = args[2];
      rows.forEach((_, row) => {
        const now = sequences.generated(row);
        if (now === generated[row]) return;
        generated[row] = now;
        const last = lastMs[row] ?? NaN;
        if (!Number.isNaN(last)) gaps.push(endMs - last);
        lastMs[row] = endMs;
      });
    },
  };
  const replica = new Replica(0, { requests, scheduler, manager, cost }, observer);
  const loop = new SimLoop({ requests, replicas: [replica], observer });
  while (loop.advance(1000));
  const options = { objectives: { ttftMs: 60, tpotMs: null, e2eMs: 400 }, prefixCache: true, cdfSteps: 20 };
  return { collector, summary: summarizeServing(collector, options), gaps, steps, peak };
}

function workload(seed: number, count: number, everyMs: number): RequestRow[] {
  const random = createRandom(seed);
  let arrivalMs = 0;
  return Array.from({ length: count }, () => {
    arrivalMs += random.exponential() * everyMs;
    return { arrivalMs, promptTokens: 1 + random.below(60), outputTokens: 1 + random.below(30) };
  });
}

test.each([
  { name: 'room for all', numBlocks: 4000, tokenBudget: 256, maxSequences: 64, everyMs: 12 },
  { name: 'preemptions', numBlocks: 40, tokenBudget: 256, maxSequences: 64, everyMs: 12 },
  { name: 'small chunks', numBlocks: 60, tokenBudget: 16, maxSequences: 16, everyMs: 20 },
  { name: 'a budget below the batch', numBlocks: 400, tokenBudget: 5, maxSequences: 64, everyMs: 30 },
  { name: 'idle between requests', numBlocks: 100, tokenBudget: 64, maxSequences: 8, everyMs: 600 },
])('gaps agree with the slow twin: $name', ({ everyMs, ...settings }) => {
  for (const seed of [1, 2, 3]) {
    const { summary, gaps } = run({ ...settings, rows: workload(seed, 120, everyMs) });
    const { itlMs } = summary;
    if (itlMs === null) throw new Error('There are gaps.');
    expect(summary.finished).toBe(120);
    expect(itlMs.samples).toBe(gaps.length);
    expect(itlMs.mean).toBeCloseTo(gaps.reduce((a, b) => a + b, 0) / gaps.length, 6);
    if (settings.tokenBudget < 16) continue;
    for (const [value, percent] of [
      [itlMs.p50, 50],
      [itlMs.p99, 99],
      [itlMs.max, 100],
    ] as const)
      expect(value).toBeCloseTo(percentileLinear(gaps, percent), 6);
  }
});

test('the pressure of the second case does preempt, and what is computed again is counted', () => {
  const { summary, collector } = run({
    numBlocks: 40,
    tokenBudget: 256,
    maxSequences: 64,
    rows: workload(1, 120, 12),
  });
  expect(summary.preemptions).toBeGreaterThan(10);
  expect(summary.recomputedTokens).toBeGreaterThan(summary.preemptions);
  const columns = requestColumns(collector.times, 1000);
  expect(columns.preemptions.reduce<number>((sum, n) => sum + (n ?? 0), 0)).toBe(summary.preemptions);
});

test('one request by hand: times, blocks, waste', () => {
  // Prompt 6, output 3: steps of 6, 1 and 1 tokens take 2.75, 2.125 and 2.125 ms, from 10 ms on.
  const { summary, collector, peak, steps } = run({
    numBlocks: 10,
    tokenBudget: 64,
    maxSequences: 4,
    rows: [{ arrivalMs: 10, promptTokens: 6, outputTokens: 3 }],
  });
  expect(requestColumns(collector.times, 5)).toEqual({
    total: 1,
    arrivalMs: [10],
    startMs: [10],
    firstTokenMs: [12.75],
    endMs: [17],
    promptTokens: [6],
    outputTokens: [3],
    cachedTokens: [0],
    preemptions: [0],
    replica: [0],
  });
  expect([steps, peak]).toEqual([3, 2]);
  expect(summary).toMatchObject({
    requests: 1,
    finished: 1,
    durationMs: 7,
    steps: 3,
    meanBatch: 1,
    kvBlocks: 10,
    peakKvBlocks: 2,
    meanKvBlocks: 2,
    goodput: 1000 / 7,
    attainment: 1,
    prefixHitRatio: 0,
    steadyFromMs: null,
  });
  expect(summary.ttftMs?.mean).toBeCloseTo(2.75, 12);
  expect(summary.tpotMs?.mean).toBeCloseTo(2.125, 12);
  expect(summary.itlMs).toMatchObject({ samples: 2, max: 2.125 });
  // Of 8 slots 2, 1 and 0 are empty while the three steps run.
  expect(summary.fragmentation).toBeCloseTo((2 * 2.75 + 1 * 2.125) / (8 * 7), 12);
  expect(collector.series.series()).toMatchObject({
    timeMs: [10, 12.75, 14.875, 17],
    running: [1, 1, 1, 0],
    activeBlocks: [2, 2, 2, 0],
    freeBlocks: [8, 8, 8, 10],
    wastedBlocks: [0.5, 0.25, 0, 0],
  });
});

test('objectives are met at equality, all of them', () => {
  const { summary } = run({
    numBlocks: 400,
    tokenBudget: 64,
    maxSequences: 4,
    rows: [
      { arrivalMs: 0, promptTokens: 6, outputTokens: 3 },
      { arrivalMs: 1000, promptTokens: 600, outputTokens: 3 },
    ],
  });
  expect(summary.attainment).toBe(0.5);
  // By itself each counts on its own; an objective that is not set counts nothing.
  expect(summary.withinObjective).toEqual({ ttftMs: 1, tpotMs: null, e2eMs: 2 });
});
