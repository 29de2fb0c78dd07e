/** Clusters that can't be: refused with the number that is wrong and the nearest that works. */
import { expect, test } from 'vitest';
import { parseSimulation } from '../../../../src/core/scenario/parse.ts';

const tier = (capacityGB: number) => ({
  kind: 'host',
  capacityGB,
  bandwidthGBps: 50,
  latencyUs: 10,
  shared: false,
});

test('a tier that is smaller than a block is refused, one that holds a block is not', () => {
  // 131,072 bytes a token of Llama-3.1-8B: 2.1 MB a block of 16
  const read = (capacityGB: number) =>
    parseSimulation({ version: 1, kind: 'simulate', cluster: { tiers: [tier(capacityGB)] } });
  expect(read(0.002)).toEqual({
    ok: false,
    sentence: 'cluster.tiers.0.capacityGB is 0.002, less than a block of 16 tokens; the least is 0.003.',
  });
  expect(read(0.003).ok).toBe(true);
});

test.each([
  {
    layer: { hardware: { kvBlocks: 1_000_000 }, cluster: { replicas: 51 } },
    sentence:
      'hardware.kvBlocks is 1000000 for each of 51 replicas, more than 50000000 together; the most for so many replicas is 980392.',
  },
  {
    layer: {
      workload: { requests: 10_000_000 },
      cluster: {
        disaggregation: { prefillReplicas: 2, decodeReplicas: 3, linkGBps: 50, linkLatencyUs: 10 },
      },
    },
    sentence:
      'workload.requests is 10000000 with 5 replicas, more than 40000000 together; the most for so many replicas is 8000000.',
  },
])('more than fits a page is refused: $sentence', ({ layer, sentence }) => {
  expect(parseSimulation({ version: 1, kind: 'simulate', ...layer })).toEqual({ ok: false, sentence });
});
