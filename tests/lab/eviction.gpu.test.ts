import { describe, expect, it } from 'vitest';
import { parseRun } from '../../src/core/run/parse.ts';
import type { Repetition } from '../../src/core/run/schema.ts';
import { parseScenario } from '../../src/core/scenario/parse.ts';
import { EVICTION_POLICIES, type EvictionPolicyName } from '../../src/core/scenario/schema.ts';
import { volatileTuningMemory } from '../../src/lab/autotune.ts';
import { runScenario } from '../../src/lab/runner.ts';
import { testHost } from './support.ts';

const BUDGET = 64;
/** 2 layers, 1 kv head of 64 in f32. */
const TOKEN_BYTES = 2 * 2 * 64 * 4;
const BLOCK_BYTES = 16 * TOKEN_BYTES;

async function run(policy: EvictionPolicyName, engine: object = {}): Promise<Repetition> {
  const parsed = parseScenario({
    version: 1,
    model: { name: 'tiny', layers: 2, queryHeads: 2, kvHeads: 1, headDim: 64 },
    engine: {
      kvFormat: 'f32',
      prefillChunkTokens: 48,
      eviction: { policy, budgetTokens: BUDGET },
      ...engine,
    },
    workload: { concurrency: 2, promptTokens: 160, outputTokens: 24 },
    measurement: { repeats: 1, warmupRepeats: 0 },
  });
  if (!parsed.ok) throw new Error(parsed.sentence);
  const host = testHost();
  const result = await runScenario(parsed.scenario, {
    host,
    tunings: volatileTuningMemory(),
    signal: new AbortController().signal,
    onProgress: () => undefined,
    force: false,
    measuredBytes: null,
  });
  expect(parseRun(JSON.stringify(result))).toMatchObject({ ok: true });
  expect(result.points.map(({ status, reason }) => [status, reason])).toEqual([['done', null]]);
  expect(host.opened[0]?.buffers.allocatedBytes).toBe(0);
  const repetition = result.points[0]?.repetitions[0];
  if (!repetition) throw new Error('Nothing was measured.');
  return repetition;
}

/** Longest context that the last decode step, of two sequences, read. */
const lastContext = ({ steps }: Repetition): number => {
  const last = steps.filter(({ phase, sequences }) => phase === 'decode' && sequences === 2).at(-1);
  return (last?.contextTokens ?? 0) / 2;
};

describe('eviction in an experiment', () => {
  for (const policy of EVICTION_POLICIES) {
    it(`runs ${policy} within its budget`, async () => {
      const repetition = await run(policy);
      const evictions = repetition.steps.filter(({ phase }) => phase === 'evict');
      const { usedBytes, allocatedBytes } = repetition.peakMemory;
      expect(repetition.requests.every(({ endMs, error }) => endMs !== null && error === null)).toBe(true);
      if (policy === 'none') {
        expect(evictions).toHaveLength(0);
        expect(lastContext(repetition)).toBeGreaterThan(160);
      } else if (policy === 'quest') {
        // Everything stays, four pages of 16 are read.
        expect(evictions).toHaveLength(0);
        expect(lastContext(repetition)).toBe(BUDGET);
        expect(usedBytes).toBeGreaterThan(2 * 160 * TOKEN_BYTES);
      } else {
        expect(evictions.length).toBeGreaterThanOrEqual(2);
        // snapkv and knorm cut once behind the prompt and grow by the outputs, others by a block at most.
        expect(lastContext(repetition)).toBeLessThanOrEqual(BUDGET + 24);
        // One prompt whole, the other cut.
        expect(usedBytes).toBeLessThan((160 + 24 + BUDGET + 24 + 32) * TOKEN_BYTES);
        expect(allocatedBytes).toBeLessThan(2 * 12 * BLOCK_BYTES);
      }
    });
  }

  it('compacts quantized rows as well', async () => {
    expect(lastContext(await run('knorm', { kvFormat: 'int4' }))).toBeLessThanOrEqual(BUDGET + 24);
  });
});
