/** Memory of a deployment: what the waterfall adds up to, what replaces a term, what fits, what is wasted. */
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { PlanMemory, type PlanChoice } from '../../../src/core/run/plan.ts';
import { MEMORY_TERMS, PLAN_ENGINES, type PlanScenario } from '../../../src/core/scenario/plan/schema.ts';
import { loadLengths } from '../../../src/plan/lengths.ts';
import {
  capacityOf,
  kvTokensOf,
  memoryFits,
  pagedWaste,
  planMemory,
  reservedWaste,
} from '../../../src/plan/memory/index.ts';
import { pagedRequests, reservedRequests, wasteByBlockSize } from '../../../src/plan/memory/waste.ts';
import { candidate, subject } from './support.ts';

interface Changes {
  readonly model?: string;
  readonly gpu?: string;
  readonly choice?: Partial<PlanChoice>;
  readonly scenario?: Partial<PlanScenario>;
}

function plan({ model, gpu, choice, scenario }: Changes = {}): PlanMemory {
  const planned = subject(model, scenario);
  return planMemory(candidate(choice, gpu), planned, loadLengths(planned.scenario.load));
}

function step(memory: PlanMemory, id: string): number {
  return memory.steps.find((candidate) => candidate.id === id)?.bytes ?? 0;
}

describe('the waterfall', () => {
  const cases: Changes[] = [
    {},
    { model: 'Llama-3.1-70B', choice: { tensorParallel: 4, pipelineParallel: 2 } },
    { model: 'gpt-oss-20b', choice: { weights: 'mxfp4' } },
    { model: 'Mixtral-8x7B', choice: { weights: 'int4', kvFormat: 'fp8' } },
    { model: 'DeepSeek-V3', choice: { weights: 'fp8' } },
    { choice: { speculation: { draftTokens: 4, acceptance: 0.7, draftCost: 0.1 } } },
    { model: 'Nemotron-3-Nano-30B-A3B', choice: { engine: 'sglang', memoryUtilization: 0.85 } },
    { model: 'gemma-3-27b', choice: { engine: 'llama.cpp', tokenBudget: 512, maxSequences: 4 } },
  ];
  test.each(cases)('adds up: %o', (changes) => {
    const memory = plan(changes);
    const last = memory.steps.at(-1);
    const rest = memory.steps.slice(0, -1);
    expect(last?.id).toBe('kv');
    expect(rest.reduce((sum, { bytes }) => sum + bytes, 0) / 1e9).toBeCloseTo((last?.bytes ?? NaN) / 1e9, 6);
    for (const { id, formula, source } of memory.steps) {
      expect(formula, id).toMatch(/\d/);
      expect(source.length, id).toBeGreaterThan(10);
    }
    expect(v.safeParse(PlanMemory, memory).success).toBe(true);
  });

  test('weights are shown by class of layer, and sum to what the GPU holds', () => {
    const memory = plan({ model: 'Mixtral-8x7B', choice: { tensorParallel: 2 } });
    const classes = memory.steps.filter(({ id }) => id.startsWith('weights-'));
    expect(classes.map(({ label }) => label)).toEqual([
      'Embedding and output layer',
      'Attention',
      'Experts, all of them',
      'Norms and routers',
      'Rotary tables',
    ]);
    const sum = classes.reduce((all, { bytes }) => all - bytes, 0);
    expect(sum / memory.weightsBytes).toBeCloseTo(1, 9);
    // All eight experts lie there, though a token uses two: 2 of 45.1e9 parameters' bytes on two ranks.
    expect(-step(memory, 'weights-experts')).toBe((32 * 8 * 3 * 4096 * 14_336 * 2) / 2);
  });

  test('a tied embedding is held once', () => {
    const tied = plan({ model: 'Llama-3.2-1B' });
    expect(-step(tied, 'weights-embedding')).toBe(128_256 * 2048 * 2);
  });
});

describe('a person’s own number', () => {
  test.each(MEMORY_TERMS)('replaces %s, and the KV cache takes the difference', (term) => {
    const before = capacityOf(candidate({ engineVersion: '0.21' }), subject());
    const bytes = before.terms[term] + 3e9;
    const after = capacityOf(
      candidate({ engineVersion: '0.21' }),
      subject('Llama-3.1-8B', { memory: { [term]: bytes } }),
    );
    expect(before.budget.kvBytes - after.budget.kvBytes).toBeCloseTo(3e9, 0);
  });

  test('says that it was given', () => {
    const memory = plan({ scenario: { memory: { activations: 5e9 } } });
    expect(memory.steps.find(({ id }) => id === 'activations')).toMatchObject({
      bytes: -5e9,
      formula: '5.00 GB, as given',
      origin: 'assumed',
      source: 'given in the scenario',
    });
    expect(memory.activationBytes).toBeGreaterThanOrEqual(5e9);
  });
});

describe('the verdict', () => {
  test('fits: tokens, and sequences at which length', () => {
    const memory = plan();
    expect(memory.fits).toBe(true);
    expect(memory.verdict).toBe(
      'Llama-3.1-8B fits one H100 SXM5 80GB with 476,048 KV tokens (62.40 GB a GPU): ' +
        '185 sequences at the mean length of 2,560 tokens, 185 at the longest of 2,560.',
    );
    expect(memory.kvTokens).toBe(kvTokensOf(candidate(), subject()));
  });

  test('does not fit: by how much, and the smallest changes', () => {
    const memory = plan({ model: 'Llama-3.1-70B' });
    expect(memory.fits).toBe(false);
    expect(memory.kvTokens).toBe(0);
    expect(memory.verdict).toContain(
      'GB a GPU are missing for one sequence of 8,192 tokens (2.68 GB of KV).',
    );
    expect(memory.remedies).toContain('fp8 weights');
    expect(memory.remedies).toContain('tensor parallel 2');
    expect(step(memory, 'kv')).toBeLessThan(0);
  });

  test('what is missing is what has to be given back', () => {
    const memory = plan({ model: 'Llama-3.1-70B' });
    const missing = Number(/: ([\d.]+) GB a GPU are missing/.exec(memory.verdict)?.[1]) * 1e9;
    const enough = memory.weightsBytes - missing;
    const short = subject('Llama-3.1-70B', { memory: { weights: enough + 1e7 } });
    expect(memoryFits(candidate(), subject('Llama-3.1-70B', { memory: { weights: enough - 1e7 } }))).toBe(
      true,
    );
    expect(memoryFits(candidate(), short)).toBe(false);
  });

  test('a pool that does not hold the longest sequence does not start', () => {
    expect(plan({ choice: { maxModelTokens: 131_072 } }).fits).toBe(true);
    const long = plan({ choice: { maxModelTokens: 500_000 } });
    expect(long.fits).toBe(false);
    expect(long.remedies).toContain('fp8 KV');
  });

  test('pairs of changes where no single one is enough', () => {
    // An A10G has no fp8 arithmetic: eight bits do not fit, four with fewer sequences do.
    const memory = plan({
      model: 'Qwen3-32B',
      gpu: 'a10g',
      choice: { memoryUtilization: 0.95, maxModelTokens: 2048 },
    });
    expect(memory.fits).toBe(false);
    expect(
      memory.remedies.some((remedy) => remedy.includes('int4 weights')),
      memory.remedies.join(),
    ).toBe(true);
    expect(memory.remedies.every((remedy) => !remedy.includes('fp8'))).toBe(true);
  });

  test('the remedy’s number fits and the one before it does not', () => {
    const tight = { maxModelTokens: 8192, memoryUtilization: 0.2 };
    const proposed = Number(/utilization ([\d.]+)/.exec(plan({ choice: tight }).remedies.join())?.[1]);
    expect(memoryFits(candidate({ ...tight, memoryUtilization: proposed }), subject())).toBe(true);
    expect(memoryFits(candidate({ ...tight, memoryUtilization: proposed - 0.01 }), subject())).toBe(false);
  });

  test.each(PLAN_ENGINES)('%s has one', (engine) => {
    const memory = plan({ choice: { engine, engineVersion: '1', memoryUtilization: 0.85 } });
    expect(memory.fits).toBe(true);
    expect(memory.kvTokens).toBeGreaterThan(300_000);
  });
});

describe('waste', () => {
  test('reserving 4,096 tokens for a mean of 512 wastes 87.5 %', () => {
    expect(reservedWaste([256, 512, 768, 512], 4096)).toBe(0.875);
    const { load } = subject().scenario;
    const memory = plan({
      choice: { maxModelTokens: 4096 },
      scenario: {
        load: {
          ...load,
          promptTokens: { kind: 'fixed', tokens: 384 },
          outputTokens: { kind: 'fixed', tokens: 128 },
        },
      },
    });
    expect(memory.reservedWaste).toBe(0.875);
    expect(memory.pagedWaste).toBe(0);
    // Eight times the requests: 512 of 4,096.
    const { reservedRequests: reserved = NaN, pagedRequests: paged = NaN } = memory.occupancy ?? {};
    expect(reserved).toBe(Math.floor(memory.kvTokens / 4096));
    expect(paged).toBe(Math.floor(memory.kvTokens / 512));
  });

  test('paging wastes the rest of the last block', () => {
    // 17 tokens take two blocks of 16: 15 of 32 slots are empty.
    expect(pagedWaste([17], 16)).toBe(15 / 32);
    expect(pagedWaste([16, 32], 16)).toBe(0);
    expect(pagedWaste([1, 2, 3], 1)).toBe(0);
  });

  test('by block size: larger blocks waste more and hold fewer requests', () => {
    const rows = wasteByBlockSize([100, 700, 1500, 333], 100_000);
    const wastes = rows.map(({ waste }) => waste);
    expect(wastes).toEqual([...wastes].sort((a, b) => a - b));
    expect(rows[0]?.requests).toBe(Math.floor((100_000 * 4) / 2633));
    expect(rows.at(-1)?.requests).toBeLessThan(rows[0]?.requests ?? 0);
    // A long trace is looked at evenly: the same shares to a thousandth.
    const long = Array.from({ length: 50_000 }, (_, i) => 1 + Math.floor(i / 25));
    const every = pagedWaste(long, 64);
    expect(wasteByBlockSize(long, 1e6).find(({ blockSize }) => blockSize === 64)?.waste).toBeCloseTo(
      every,
      3,
    );
    expect(pagedRequests([512], 4096, 16)).toBe(8);
    expect(reservedRequests(8191, 4096)).toBe(1);
  });
});
