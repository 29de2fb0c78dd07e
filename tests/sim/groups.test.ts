/** Runs of models whose layers do not all keep every token: what they hold, and what a run says of it. */
import { expect, test } from 'vitest';
import { DEFAULT_SIMULATION } from '../../src/core/scenario/simulate/defaults.ts';
import { groupsNote } from '../../src/core/scenario/simulate/fit.ts';
import type { SimScenario } from '../../src/core/scenario/simulate/schema.ts';
import { recordBlocks } from '../../src/sim/record.ts';
import { HistoryReader } from '../../src/sim/recorder-reader.ts';
import { runSimulation } from '../../src/sim/run.ts';

function scenarioOf(model: string, changes: Partial<SimScenario['engine']> = {}): SimScenario {
  return {
    ...DEFAULT_SIMULATION,
    model,
    engine: { ...DEFAULT_SIMULATION.engine, tokenBudget: 2048, ...changes },
    workload: {
      ...DEFAULT_SIMULATION.workload,
      requests: 3,
      promptTokens: { kind: 'fixed', tokens: 16_000 },
      outputTokens: { kind: 'fixed', tokens: 100 },
    },
  };
}

function summaryOf(scenario: SimScenario) {
  const run = runSimulation(scenario, {});
  const [point] = run.points;
  const summary = point?.repetitions[0]?.summary;
  if (!summary) throw new Error(point?.reason ?? 'No result.');
  return { summary, notes: run.notes };
}

test('a model of windows holds a window and a step’s tokens for each request, one that keeps all holds them all', () => {
  const peak = (model: string) => summaryOf({ ...scenarioOf(model), seed: 2 }).summary.peakKvBlocks;
  const requests = 3;
  expect(peak('Mistral-7B-v0.3')).toBeLessThanOrEqual(requests * Math.ceil(16_100 / 16));
  expect(peak('Mistral-7B-v0.3')).toBeGreaterThan(Math.ceil(16_000 / 16));
  const windowed = Math.ceil((4096 - 1 + 2048) / 16) + 1;
  expect(peak('Mistral-7B-v0.1')).toBeLessThanOrEqual(requests * windowed);
  expect(peak('Mistral-7B-v0.1')).toBeGreaterThan(4096 / 16);
});

test('block by block: at its last step a request of gpt-oss has all blocks of one group and a window of the other', () => {
  const scenario = scenarioOf('gpt-oss-20b');
  const { history } = recordBlocks({ ...scenario, workload: { ...scenario.workload, requests: 1 } });
  const reader = new HistoryReader(history);
  const blocks = reader.blocksOf(0, reader.momentOf(reader.numSteps - 2));
  // 16,099 tokens are computed; the next one sees the 127 before it.
  const computed = 16_098;
  const window = Math.ceil((computed + 1) / 16) - Math.floor((computed - 128 + 1) / 16);
  expect(blocks).toHaveLength(Math.ceil((computed + 1) / 16) + window);
  // Everything that was allocated came back.
  expect(reader.stateAt(reader.numEvents).numActive).toBe(0);
});

test('sessions hit in every group: the whole prefix, and of a window its end', () => {
  const base = scenarioOf('gpt-oss-20b');
  const { summary } = summaryOf({
    ...base,
    workload: {
      ...base.workload,
      requests: 20,
      arrivals: { kind: 'constant', rate: 0.5 },
      promptTokens: { kind: 'fixed', tokens: 1000 },
      sharing: { kind: 'system', prompts: 1, systemTokens: 800, exponent: 0 },
    },
  });
  expect(summary.prefixHitRatio).toBeGreaterThan(0.4);
});

test.each([
  [
    'Mistral-7B-v0.1',
    {},
    'are one group of 32 that share one pool: one keeps the newest 4096 tokens, in blocks of 16.',
  ],
  [
    'gpt-oss-20b',
    {},
    '2 groups of 12 that share one pool: one keeps the newest 128 tokens, in blocks of 16; one keeps every token, in blocks of 16.',
  ],
  ['Qwen3.5-27B', {}, 'A state cannot be shared, so there is no prefix cache'],
  ['gpt-oss-20b', { scheduler: 'orca' }, 'Its windows are not used'],
] as const)('%s says how its layers keep their KV', (model, changes, words) => {
  const { notes } = summaryOf(scenarioOf(model, changes));
  expect(notes.join(' ')).toContain(words);
});

test('nothing is said where all layers keep every token', () => {
  expect(groupsNote(scenarioOf('Llama-3.1-8B'))).toBeNull();
});

test.each(['static', 'orca', 'sarathi', 'static-bucketed'] as const)(
  '%s serves a model of windows',
  (scheduler) => {
    const { summary } = summaryOf(scenarioOf('Mistral-7B-v0.1', { scheduler }));
    expect(summary.finished).toBe(3);
  },
);

test.each(['swap', 'faster'] as const)(
  'preemption by %s gives a window back what it still needs',
  (preemption) => {
    const base = scenarioOf('Mistral-7B-v0.1', { preemption });
    const { summary } = summaryOf({
      ...base,
      hardware: { ...base.hardware, kvBlocks: 420 },
      workload: { ...base.workload, requests: 12, arrivals: { kind: 'poisson', rate: 20 } },
    });
    expect(summary.finished).toBe(12);
    expect(summary.preemptions).toBeGreaterThan(0);
  },
);
