/** Tiers and links: bytes, times and order to the number; what helps and what hurts. */
import { describe, expect, test } from 'vitest';
import { TierStore } from '../../../src/core/kv/tiers.ts';
import type { Cluster } from '../../../src/core/scenario/simulate/schema.ts';
import { Link } from '../../../src/sim/link.ts';
import { run, textRow } from './cluster.ts';

describe('a link', () => {
  test('sends one transfer after another and adds its latency to each', () => {
    const link = new Link({ bandwidthGBps: 1, latencyUs: 500 });
    expect(link.transfer(10, 2e6)).toBeCloseTo(12.5, 12);
    // waits until 12, not until 12.5: the latency overlaps
    expect(link.transfer(11, 1e6)).toBeCloseTo(13.5, 12);
    expect(link.backlogBytes(12.5)).toBeCloseTo(0.5e6, 3);
    expect(link.wouldEndMs(20, 1e6)).toBeCloseTo(21.5, 12);
    expect(link).toMatchObject({ bytes: 3e6, transfers: 2 });
    expect(link.busyMs).toBeCloseTo(3, 12);
    expect(link.waitedMs).toBeCloseTo(1, 12);
  });
});

describe('a tier’s store', () => {
  test('gives up what was used least recently, one for one', () => {
    const store = new TierStore(3);
    for (const id of [1, 2, 3]) expect(store.put(id, 0)).toBe(-1);
    store.touch(1);
    expect(store.put(4, 0)).toBe(2);
    expect(store.put(3, 0)).toBe(-1);
    expect(store.ids()).toEqual([1, 4, 3]);
  });

  test('holds contents that can be read only later', () => {
    const store = new TierStore(2);
    store.put(7, 50);
    expect([store.has(7), store.isReady(7, 49), store.isReady(7, 50)]).toEqual([true, false, true]);
    expect(store.isReady(8, 1e9)).toBe(false);
  });

  test('is refused without room for a block', () => {
    expect(() => new TierStore(0.4)).toThrow('give it the size of one block or more');
  });
});

// Llama-3.1-8B in bf16: 131,072 bytes a token, 2,097,152 a block of 16.
const BLOCK = 2_097_152;
const HOST = {
  kind: 'host',
  capacityGB: 100,
  bandwidthGBps: 20,
  latencyUs: 0,
  shared: false,
} as const satisfies Cluster['tiers'][number];

/** A text of 20 blocks, another one that drives it out of a pool of 25, and the first one again. */
const AGAIN = [textRow(0, 321, 1, 0), textRow(1000, 321, 1, 100), textRow(2000, 321, 1, 0)];

describe('offloading', () => {
  test('without a tier what was evicted is computed again', () => {
    const { told } = run(AGAIN, { numBlocks: 25 });
    // The second text took the four blocks that were never used and 17 from the first one's end.
    expect(told.cached).toEqual([0, 0, 64]);
    expect(told.prefilledMs[2]).toBeCloseTo(2000 + 10 + 25.7, 9);
    expect(told.outBytes + told.inBytes).toBe(0);
  });

  test.each(['on-evict', 'write-through'] as const)('%s: it comes back from the tier', (offload) => {
    const { told, traffic, replicas } = run(AGAIN, { numBlocks: 25, cluster: { tiers: [HOST], offload } });
    // The first four blocks never left the pool; the other 16 come up.
    expect(told.cached).toEqual([0, 0, 320]);
    const [host] = traffic();
    const loaded = (host?.inBytes ?? 0) / BLOCK;
    expect(host?.hitTokens).toBe(16 * loaded);
    expect(loaded).toBe(16);
    expect(told.loaded).toHaveLength(loaded);
    expect(new Set(told.loaded.map(([, , , tier]) => tier))).toEqual(new Set([1]));
    expect([told.outBytes, told.inBytes]).toEqual([host?.outBytes, host?.inBytes]);
    // Evicted at admission, 16 blocks of the second text go down before the step can begin; written ones lie there.
    const outMs = offload === 'on-evict' ? (16 * BLOCK) / 20e6 : 0;
    expect(told.prefilledMs[2]).toBeCloseTo(2000 + outMs + 10.1, 9);
    for (const { manager } of replicas) manager.check();
  });

  test('a step waits for its loads, layer by layer', () => {
    const { told, traffic } = run(AGAIN, {
      numBlocks: 25,
      cluster: { tiers: [{ ...HOST, bandwidthGBps: 1 }], offload: 'write-through', tierLoads: 'always' },
    });
    const loadMs = (traffic()[0]?.inBytes ?? 0) / 1e6;
    // One token is left to compute in 10.1 ms; its last of 32 layers follows the last load.
    expect(loadMs).toBeGreaterThan(20);
    expect(told.prefilledMs[2]).toBeCloseTo(2000 + loadMs + 10.1 / 32, 9);
  });

  test('blocks that are evicted hold up the step that overwrites them', () => {
    const { told, traffic } = run(AGAIN.slice(0, 2), {
      numBlocks: 25,
      cluster: { tiers: [{ ...HOST, bandwidthGBps: 1 }], offload: 'on-evict' },
    });
    const outMs = (traffic()[0]?.outBytes ?? 0) / 1e6;
    expect(outMs).toBeGreaterThan(20);
    expect(told.prefilledMs[1]).toBeCloseTo(1000 + outMs + 10 + 32.1, 9);
  });

  test('loading that takes longer than computing hurts, and is left alone where faster wins', () => {
    const slow = { ...HOST, bandwidthGBps: 0.2 };
    const at = (tierLoads: Cluster['tierLoads']) =>
      run(AGAIN, { numBlocks: 25, cluster: { tiers: [slow], offload: 'write-through', tierLoads } }).told;
    expect(at('always').prefilledMs[2]).toBeGreaterThan(2100);
    expect(at('when-faster').prefilledMs[2]).toBeCloseTo(2000 + 35.7, 9);
    expect(at('when-faster').inBytes).toBe(0);
  });

  test('what one tier evicts the next one holds', () => {
    const small = { ...HOST, capacityGB: (5.5 * BLOCK) / 1e9 };
    const nvme = { ...HOST, kind: 'nvme', bandwidthGBps: 5 } as const;
    const { traffic, told } = run(AGAIN, { numBlocks: 25, cluster: { tiers: [small, nvme] } });
    const [host, below] = traffic();
    expect(host?.outBytes).toBeGreaterThan(5 * BLOCK);
    expect(below?.outBytes).toBe((host?.outBytes ?? 0) - 5 * BLOCK);
    expect((host?.hitTokens ?? 0) + (below?.hitTokens ?? 0)).toBeGreaterThan(0);
    expect(told.cached[2]).toBe(320);
  });

  test('a full tier forgets, so nothing is found of a text that left it', () => {
    const tiny = { ...HOST, capacityGB: (2 * BLOCK) / 1e9 };
    const { told } = run(AGAIN, { numBlocks: 25, cluster: { tiers: [tiny] } });
    expect(told.cached[2]).toBeLessThan(320);
  });
});

describe('the verdict', () => {
  const verdicts = (bandwidthGBps: number, tierLoads: Cluster['tierLoads'], latencyUs = 0) =>
    run(AGAIN, {
      numBlocks: 25,
      cluster: { tiers: [{ ...HOST, bandwidthGBps, latencyUs }], offload: 'write-through', tierLoads },
    }).verdicts();

  // 256 tokens are 33.6 MB and take 25.6 ms to compute.
  test('names the bandwidth at which loading takes as long as computing', () => {
    expect(verdicts(20, 'always')).toEqual([
      'Tier host. Offloading helps here: loading 256 tokens takes 1.68 ms, computing them 25.6 ms ' +
        '(break-even at 1.31 GB/s, the link has 20.0 GB/s).',
    ]);
    expect(verdicts(0.5, 'always')[0]).toMatch(/Offloading hurts here: .* \(break-even at 1\.31 GB\/s/);
  });

  test('speaks of what was left alone, too', () => {
    expect(verdicts(0.5, 'when-faster')[0]).toMatch(/hurts here/);
    expect(verdicts(20, 'when-faster', 40_000)[0]).toMatch(/no bandwidth helps/);
  });

  test('is silent where nothing could be loaded', () => {
    expect(run(AGAIN.slice(0, 2), { numBlocks: 25, cluster: { tiers: [HOST] } }).verdicts()).toEqual([
      'Steps waited 2 ms in all for evicted blocks to leave the GPU.',
    ]);
  });
});

describe('two replicas', () => {
  // Round robin sends the first text to replica 0 and the same text to replica 1.
  const rows = [textRow(0, 321, 1, 0), textRow(1000, 321, 1, 0)];

  test.each([
    { shared: true, cached: [0, 320] },
    { shared: false, cached: [0, 0] },
  ])('find each other’s text in a remote store only when it is shared: $shared', ({ shared, cached }) => {
    const remote = { ...HOST, kind: 'remote', shared } as const;
    const { told } = run(rows, { cluster: { replicas: 2, tiers: [remote], offload: 'write-through' } });
    expect(told.replica).toEqual([0, 1]);
    expect(told.cached).toEqual(cached);
  });
});
