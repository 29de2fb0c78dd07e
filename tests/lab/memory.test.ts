import { describe, expect, it } from 'vitest';
import { DEFAULT_SCENARIO } from '../../src/core/scenario/defaults.ts';
import { parseScenario } from '../../src/core/scenario/parse.ts';
import type { Scenario } from '../../src/core/scenario/schema.ts';
import { planMemory } from '../../src/lab/memory-plan.ts';
import { assessRisk, availableMemory, worstPoint } from '../../src/lab/risk.ts';
import { shrink } from '../../src/lab/shrink.ts';

const MIB = 1_048_576;
const GIB = 1024 * MIB;

function scenario(layer: object): Scenario {
  const parsed = parseScenario({ version: 1, ...layer });
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.scenario;
}

/** 8 KV heads of 64 in f16: 2 KiB a token and layer, 32 KiB a block of 16. */
const small = { model: { ...DEFAULT_SCENARIO.model, layers: 2 } };

describe('memory plan', () => {
  it('counts blocks of whole sequences, the last output token not stored', () => {
    // 100 + 29 − 1 = 128 tokens: 8 blocks a sequence.
    const plan = planMemory(
      scenario({ ...small, workload: { concurrency: 3, promptTokens: 100, outputTokens: 29 } }),
    );
    expect(plan.blocks).toBe(24);
    expect(plan.poolBytesPerLayer).toBe(24 * 32 * 1024);
    expect(plan.kvBytes).toBe(2 * 24 * 32 * 1024);
    expect(plan.maxContextTokens).toBe(128);
  });

  it('stores a shared prefix once, and one more copy of a block that it ends inside', () => {
    const workload = { concurrency: 4, promptTokens: 96, outputTokens: 17 };
    const blocks = (sharedPrefixTokens: number) =>
      planMemory(scenario({ ...small, workload: { ...workload, sharedPrefixTokens } })).blocks;
    expect(blocks(0)).toBe(4 * 7);
    expect(blocks(64)).toBe(4 * 3 + 4);
    expect(blocks(72)).toBe(4 * 3 + 4 + 1);
  });

  it('reserves the longest context of each sequence under contiguous', () => {
    const workload = { concurrency: 2, promptTokens: 100, outputTokens: 28 };
    const reserved = (maxContextTokens: number) =>
      planMemory(scenario({ ...small, engine: { layout: 'contiguous', maxContextTokens }, workload }));
    expect(reserved(0).blocks).toBe(2 * 8);
    expect(reserved(1024)).toMatchObject({ blocks: 2 * 64, tableStride: 64 });
  });

  it('holds one whole prompt and budgets for the rest under eviction', () => {
    const workload = { concurrency: 3, promptTokens: 512, outputTokens: 1 };
    const kept = (policy: string) =>
      planMemory(scenario({ ...small, engine: { eviction: { policy, budgetTokens: 64 } }, workload })).blocks;
    // Budget 64 and one block of slack: 5 blocks, and one that is begun; a whole prompt has 32.
    expect(kept('h2o')).toBe(2 * 6 + 32);
    expect(kept('quest')).toBe(3 * 32);
  });

  it('adds the f16 residual of int2', () => {
    const plan = planMemory(
      scenario({ ...small, engine: { kvFormat: 'int2', residualTokens: 128 }, workload: { concurrency: 2 } }),
    );
    expect(plan.residualBytesPerLayer).toBe(2 * 2 * 8 * 128 * 64 * 2);
  });
});

describe('memory risk', () => {
  const facts = { isFallback: false, maxBufferBytes: GIB, hostMemoryBytes: null, measuredBytes: null };

  it('says whether the memory is measured or assumed', () => {
    expect(availableMemory(facts)).toEqual({ bytes: GIB, origin: 'assumed', maxBufferBytes: GIB });
    expect(availableMemory({ ...facts, measuredBytes: 3 * GIB })).toMatchObject({
      bytes: 3 * GIB,
      origin: 'measured',
    });
  });

  it('asks a software adapter for a quarter of the host, 2 GiB at most', () => {
    const software = { ...facts, isFallback: true };
    expect(availableMemory({ ...software, hostMemoryBytes: 4 * GIB }).bytes).toBe(GIB);
    expect(availableMemory({ ...software, hostMemoryBytes: 64 * GIB }).bytes).toBe(2 * GIB);
    expect(availableMemory(software).bytes).toBe(2 * GIB);
  });

  it('takes the largest point of a sweep', () => {
    const swept = scenario({ ...small, sweep: [{ path: 'workload.concurrency', values: [1, 8, 2] }] });
    expect(worstPoint(swept).point.settings).toEqual({ 'workload.concurrency': 8 });
  });

  const run = scenario({ workload: { concurrency: 8, promptTokens: 1024, outputTokens: 64 } });
  const needed = planMemory(run).totalBytes;
  const having = (share: number) => ({
    bytes: needed / share,
    origin: 'assumed' as const,
    maxBufferBytes: GIB,
  });

  it.each([
    [0.69, 'low'],
    [0.71, 'medium'],
    [0.89, 'medium'],
    [0.91, 'high'],
  ])('at %d of the memory is %s', (share, risk) => {
    expect(assessRisk(run, having(share))).toMatchObject({ risk, neededBytes: needed });
  });

  it('advises the smallest change that fits, and following it does', () => {
    const halves = assessRisk(run, having(1.2));
    expect(halves.advice).toContain('engine.kvFormat to int8');
    const changed = scenario({ ...run, engine: { ...run.engine, kvFormat: 'int8' } });
    expect(assessRisk(changed, having(1.2)).risk).toBe('low');

    const int2 = scenario({ ...run, engine: { ...run.engine, kvFormat: 'int2' } });
    const available = { ...having(1), bytes: planMemory(int2).totalBytes };
    const advice = /workload.concurrency at (\d+)/.exec(assessRisk(int2, available).advice);
    const concurrency = Number(advice?.[1]);
    const at = (n: number) => scenario({ ...int2, workload: { ...int2.workload, concurrency: n } });
    expect(assessRisk(at(concurrency), available).risk).toBe('low');
    expect(assessRisk(at(concurrency + 1), available).risk).not.toBe('low');
  });

  it('is high where one layer’s pool is larger than a buffer may be', () => {
    const available = { ...having(0.1), maxBufferBytes: 8 * MIB };
    const risk = assessRisk(run, available);
    expect(risk.risk).toBe('high');
    expect(risk.advice).toContain('largest buffer');
  });
});

describe('shrinking', () => {
  it('gives up sequences first, then length, and always takes less', () => {
    const original = scenario({
      workload: { concurrency: 8, promptTokens: 256, outputTokens: 8, sharedPrefixTokens: 200 },
    });
    const changes: string[] = [];
    let bytes = planMemory(original).totalBytes;
    for (let next = shrink(original); next; next = shrink(next.scenario, original)) {
      changes.push(next.change);
      const now = planMemory(next.scenario).totalBytes;
      expect(now).toBeLessThanOrEqual(bytes);
      bytes = now;
    }
    expect(changes.slice(0, 2)).toEqual(['6 of 8 sequences', '4 of 8 sequences']);
    expect(changes.at(-1)).toBe('1 of 8 sequences, prompts of 16 instead of 256 tokens');
  });

  it('keeps one of each group', () => {
    const groups = [
      { name: 'short', count: 4, promptTokens: 32, outputTokens: 4 },
      { name: 'long', count: 1, promptTokens: 512, outputTokens: 4 },
    ];
    expect(shrink(scenario({ workload: { groups } }))?.change).toBe('3 of 4 “short” sequences');
  });
});
