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
