/** What a run says of its KV blocks where a model's layers do not all keep every token. */
import { expect, test } from 'vitest';
import { findArchitecture } from '../../src/core/model/architecture.ts';
import { modelBytesPerToken } from '../../src/core/kv/layers.ts';
import { replicaBudget } from '../../src/core/kv/replica-budget.ts';
import { equivalentBlocks } from '../../src/core/scenario/simulate/fit.ts';
import { DEFAULT_SIMULATION } from '../../src/core/scenario/simulate/defaults.ts';
import { generateRequests } from '../../src/core/workload/generate.ts';
import { runSimulation } from '../../src/sim/run.ts';

function scenarioOf(model: string, kvBlocks: number | null = null) {
  return {
    ...DEFAULT_SIMULATION,
    model,
    hardware: { ...DEFAULT_SIMULATION.hardware, kvBlocks },
    workload: {
      ...DEFAULT_SIMULATION.workload,
      requests: 3,
      promptTokens: { kind: 'fixed', tokens: 16_000 },
      outputTokens: { kind: 'fixed', tokens: 100 },
    },
  } as const;
}

test('a run of a model with windows says that its blocks are equivalents, and what the pool really has', () => {
  const scenario = scenarioOf('Mistral-7B-v0.1');
  const { notes } = runSimulation(scenario, {});
  const note = notes.find((text) => text.includes('equivalents')) ?? '';
  expect(note).toContain('at their mean length, 16100 tokens');
  expect(note).toContain('a block that keeps all would take 2048 KiB');

  const budget = replicaBudget(scenario, { referenceTokens: 16_100 });
  const model = findArchitecture('Mistral-7B-v0.1');
  if (!budget.ok || !model) throw new Error('It does not fit.');
  // The pool, not the equivalents, is what the memory holds.
  const page = modelBytesPerToken(model, { format: 'bf16' }) * 16;
  expect(budget.kvBlocks * page).toBeGreaterThan(budget.usableBytes);
  expect(budget.poolBlocks * page).toBeLessThan(budget.usableBytes);
  expect(note).toContain(
    `The pool itself has ${budget.poolBlocks} blocks, ${((budget.poolBlocks * page) / 1e9).toFixed(1)} GB.`,
  );
});

test.each([
  ['all layers keep every token', scenarioOf('Llama-3.1-8B')],
  ['the scenario says how many blocks there are', scenarioOf('Mistral-7B-v0.1', 5000)],
])('nothing is said where %s', (_, scenario) => {
  expect(equivalentBlocks(scenario, generateRequests(scenario, null))).toBeNull();
});
