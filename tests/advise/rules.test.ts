/** Every rule: a run in which it speaks, and one in which it says nothing. */
import { describe, expect, test, vi } from 'vitest';
import { advice, type RuleId } from '../../src/advise/index.ts';
import type { Json } from '../../src/core/json.ts';
import type { Run } from '../../src/core/run/schema.ts';
import { CONVERSATIONS, ran } from './scenarios.ts';

// Simulations on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 30_000 });

const SHARED = { kind: 'system', prompts: 30, systemTokens: 512, exponent: 0.7 } as const;
const SMALL_POOL = {
  hardware: { kvBlocks: 150 },
  workload: { arrivals: { kind: 'poisson', rate: 12 } },
} as const;
const remote = (bandwidthGBps: number) =>
  ({ kind: 'remote', capacityGB: 500, bandwidthGBps, latencyUs: 200, shared: false }) as const;

interface Case {
  readonly id: RuleId;
  readonly speaks: string;
  readonly run: () => Run;
  /** The setting that it changes. */
  readonly path: string;
  readonly to?: (value: Json) => boolean;
  readonly silent: string;
  readonly other: () => Run;
}

const CASES: readonly Case[] = [
  {
    id: 'kv-budget',
    speaks: 'a pool in which requests take one another’s blocks',
    run: () => ran(SMALL_POOL),
    path: 'hardware.kvBlocks',
    to: (value) => Number(value) > 150,
    silent: 'a pool that is used and has a reserve',
    other: () => ran(),
  },
  {
    id: 'kv-budget',
    speaks: 'a pool of which nine tenths never hold anything',
    run: () => ran({ hardware: { kvBlocks: 20_000 } }),
    path: 'hardware.kvBlocks',
    to: (value) => Number(value) < 10_000,
    silent: 'a pool that is used and has a reserve',
    other: () => ran(),
  },
  {
    id: 'block-size',
    speaks: 'blocks of 512 tokens in a pool that is full',
    run: () => ran({ hardware: { kvBlocks: 8 }, engine: { blockSize: 512 } }),
    path: 'engine.blockSize',
    silent: 'blocks of 16 tokens in a pool that is full',
    other: () => ran(SMALL_POOL),
  },
  {
    id: 'kv-format',
    speaks: 'a bf16 pool that is full',
    run: () => ran({ ...SMALL_POOL, hardware: { kvBlocks: 100 } }),
    path: 'engine.kvFormat',
    to: (value) => value === 'fp8' || value === 'int8',
    silent: 'a bf16 pool with room',
    other: () => ran(),
  },
  {
    id: 'eviction-policy',
    speaks: 'LRU between system prompts and text that is read once',
    run: () =>
      ran({
        hardware: { kvBlocks: 1000 },
        workload: { requests: 160, arrivals: { kind: 'poisson', rate: 5 }, sharing: SHARED },
      }),
    path: 'engine.cachePolicy',
    silent: 'a cache that holds every block',
    other: () => ran({ hardware: { kvBlocks: 12_000 }, workload: { sharing: SHARED } }),
  },
  {
    id: 'offload',
    speaks: 'a store behind 0.5 GB/s from which everything is loaded',
    run: () => ran({ ...CONVERSATIONS, cluster: { tiers: [remote(0.5)], tierLoads: 'always' } }),
    path: 'cluster.tiers',
    silent: 'host memory behind 60 GB/s',
    other: () => ran({ ...CONVERSATIONS, cluster: { tiers: [remote(60)], tierLoads: 'always' } }),
  },
  {
    id: 'prefix-cache',
    speaks: 'a cache that is off although prompts share text',
    run: () =>
      ran({ engine: { prefixCache: 'off' }, hardware: { kvBlocks: 2000 }, workload: { sharing: SHARED } }),
    path: 'engine.prefixCache',
    to: (value) => value === 'hash',
    silent: 'a cache that is off while no prompt shares anything',
    other: () => ran({ engine: { prefixCache: 'off' } }),
  },
  {
    id: 'prefix-cache',
    speaks: 'a cache from which conversations are gone when they go on',
    run: () => ran(CONVERSATIONS),
    path: 'cluster.tiers',
    silent: 'a cache that keeps them',
    other: () => ran({ ...CONVERSATIONS, hardware: { kvBlocks: 9000 } }),
  },
  {
    id: 'chunk-size',
    speaks: 'prompts of thousands of tokens in one step, and answers that miss their objective',
    run: () =>
      ran({
        hardware: { kvBlocks: 6000 },
        objectives: { ttftMs: 4000, tpotMs: 15, e2eMs: null },
        workload: {
          arrivals: { kind: 'poisson', rate: 1.5 },
          promptTokens: { kind: 'uniform', min: 2000, max: 8000 },
        },
      }),
    path: 'engine.tokenBudget',
    to: (value) => Number(value) < 8192,
    silent: 'short prompts',
    other: () => ran(),
  },
  {
    id: 'concurrency',
    speaks: 'forty users of an engine that runs eight at once',
    run: () =>
      ran({
        engine: { maxSequences: 8 },
        workload: { arrivals: { kind: 'closed', users: 40, thinkSeconds: 0 } },
      }),
    path: 'workload.arrivals.users',
    to: (value) => Number(value) < 40,
    silent: 'four users of it',
    other: () =>
      ran({
        engine: { maxSequences: 8 },
        workload: { arrivals: { kind: 'closed', users: 4, thinkSeconds: 0 } },
      }),
  },
  {
    id: 'concurrency',
    speaks: 'requests that come faster than they are served',
    run: () =>
      ran({
        hardware: { kvBlocks: 3000 },
        workload: { requests: 300, arrivals: { kind: 'poisson', rate: 200 } },
      }),
    path: 'cluster.replicas',
    silent: 'requests that are served as they come',
    other: () => ran(),
  },
  {
    id: 'batch-limit',
    speaks: 'four places, a queue before them, and a pool that is half empty',
    run: () => ran({ engine: { maxSequences: 4 } }),
    path: 'engine.maxSequences',
    to: (value) => Number(value) > 4,
    silent: 'more places than requests',
    other: () => ran(),
  },
  {
    id: 'batch-limit',
    speaks: 'so many places that those who run take one another’s blocks',
    run: () =>
      ran({
        hardware: { kvBlocks: 200 },
        engine: { prefixCache: 'off' },
        workload: {
          arrivals: { kind: 'closed', users: 30, thinkSeconds: 0 },
          promptTokens: { kind: 'uniform', min: 300, max: 600 },
          outputTokens: { kind: 'uniform', min: 200, max: 400 },
        },
        objectives: { ttftMs: null, tpotMs: 100, e2eMs: null },
        cost: {
          kind: 'linear',
          ...{
            baseMs: 8,
            perTokenMs: 0.5,
            perPrefillPairMs: 0,
            perContextTokenMs: 1e-4,
            perSequenceMs: 0.05,
          },
        },
      }),
    path: 'engine.maxSequences',
    to: (value) => Number(value) < 256,
    silent: 'more places than requests, and blocks for all of them',
    other: () => ran(),
  },
  {
    id: 'mixed-lengths',
    speaks: 'a static batch in which short answers wait for long ones',
    run: () =>
      ran({
        engine: { scheduler: 'static', maxSequences: 16, maxModelTokens: 2048 },
        hardware: { kvBlocks: 4000 },
        workload: {
          arrivals: { kind: 'poisson', rate: 3 },
          outputTokens: {
            kind: 'mixture',
            parts: [
              { weight: 8, tokens: 20 },
              { weight: 2, tokens: 500 },
            ],
          },
        },
      }),
    path: 'engine.scheduler',
    to: (value) => value === 'vllm',
    silent: 'a static batch of equal answers',
    other: () =>
      ran({
        engine: { scheduler: 'static', maxSequences: 16, maxModelTokens: 2048 },
        hardware: { kvBlocks: 4000 },
        workload: { arrivals: { kind: 'poisson', rate: 3 }, outputTokens: { kind: 'fixed', tokens: 50 } },
      }),
  },
  {
    id: 'tensor-parallel',
    speaks: 'eight GPUs on each layer of a small model under a heavy load',
    run: () =>
      ran({
        hardware: { tensorParallel: 8, kvBlocks: null },
        workload: { requests: 160, arrivals: { kind: 'poisson', rate: 400 } },
        cost: { kind: 'roofline', computeEfficiency: null, memoryEfficiency: null, overheadMs: 0 },
      }),
    path: 'hardware.tensorParallel',
    to: (value) => value === 4,
    silent: 'two GPUs on each layer of a model under a light load',
    other: () =>
      ran({
        hardware: { tensorParallel: 2, kvBlocks: null },
        workload: { arrivals: { kind: 'poisson', rate: 2 } },
        cost: { kind: 'roofline', computeEfficiency: null, memoryEfficiency: null, overheadMs: 0 },
      }),
  },
  {
    id: 'quantization',
    speaks: 'an int4 cache that is a tenth full',
    run: () => ran({ hardware: { kvBlocks: 6000 }, engine: { kvFormat: 'int4' } }),
    path: 'engine.kvFormat',
    to: (value) => value === 'bf16',
    silent: 'an int4 cache that is full',
    other: () => ran({ hardware: { kvBlocks: 150 }, engine: { kvFormat: 'int4' } }),
  },
];

const ask = (run: Run, id: RuleId) => advice(run, { only: [id], seeds: 4, requests: 150 });

describe.each(CASES)('$id', ({ id, speaks, run, path, to, silent, other }) => {
  test(`speaks: ${speaks}`, async () => {
    const { recommendations, considered } = await ask(run(), id);
    const [found] = recommendations;
    expect(found, considered[0]?.sentence).toBeDefined();
    if (!found) return;
    expect(found.id).toBe(id);
    const change = found.changes.find((one) => one.path === path);
    expect(change, JSON.stringify(found.changes)).toBeDefined();
    if (to !== undefined && change) expect(to(change.to), JSON.stringify(change)).toBe(true);
    expect(found.evidence.length).toBeGreaterThan(0);
    for (const { value, sentence } of found.evidence) {
      expect(Number.isFinite(value)).toBe(true);
      expect(sentence).toMatch(/\d/);
    }
    expect(found.effects[0]?.origin).toBe('simulated');
    expect(found.risk.sentence).not.toBe('');
    expect(found.trial?.b.title).toMatch(/ · B$/);
  });

  test(`says nothing: ${silent}`, async () => {
    const { recommendations, considered } = await ask(other(), id);
    expect(recommendations.map(({ title }) => title)).toEqual([]);
    expect(considered[0]?.sentence).not.toBe('');
  });
});

test('silent when all is well', async () => {
  const { recommendations, considered } = await advice(ran(), { seeds: 3, requests: 100 });
  expect(recommendations.map(({ title }) => title)).toEqual([]);
  expect(considered).toHaveLength(12);
});
