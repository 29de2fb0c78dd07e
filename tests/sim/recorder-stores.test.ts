/** What a recording says lies in the tiers below the GPU's memory, against sets kept by hand and against a whole run. */
import { expect, test } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { presetSimulation } from '../../src/core/scenario/presets.ts';
import type { SimScenario } from '../../src/core/scenario/simulate/schema.ts';
import { recordBlocks } from '../../src/sim/record.ts';
import { EVENT_CODE } from '../../src/sim/recorder-history.ts';
import { HistoryReader } from '../../src/sim/recorder-reader.ts';
import { StoreReader, StoreRecorder } from '../../src/sim/recorder-stores.ts';

test.each([1, 2, 3])('every step is read back in any order, seed %i', (seed) => {
  const random = createRandom(seed);
  const recorder = new StoreRecorder();
  const tiers = [new Set<number>(), new Set<number>()];
  const truth: number[][][] = [];
  for (let step = 0; step < 60; step++) {
    for (let i = random.below(5); i > 0; i--) {
      const [at, id] = [random.below(2), random.below(12)];
      const tier = tiers[at];
      if (!tier) continue;
      recorder.add(at, id, !tier.has(id));
      if (!tier.delete(id)) tier.add(id);
    }
    recorder.endStep(step);
    truth.push(tiers.map((tier) => [...tier]));
  }
  const reader = new StoreReader(recorder.cut(60), 2);
  const forward = truth.map((_, step) => step);
  for (const step of [...forward, ...forward.toReversed(), ...random.shuffled(forward)]) {
    const now = truth[step] ?? [];
    expect(reader.countsAt(step)).toEqual(now.map((tier) => tier.length));
    // A set keeps the order in which its members came.
    expect([0, 1].map((at) => reader.newestAt(step, at, 12))).toEqual(now.map((tier) => tier.toReversed()));
    for (let id = 0; id < 12; id++) {
      const bits = now.reduce((sum, tier, at) => sum + (tier.includes(id) ? 1 << at : 0), 0);
      expect(reader.tiersOf(id, step)).toBe(bits);
    }
  }
  expect(reader.countsAt(-1)).toEqual([0, 0]);
});

function offload(changes: Partial<SimScenario['cluster']>): SimScenario {
  const base = presetSimulation('offload-helps');
  const host = { kind: 'host', capacityGB: 1000, bandwidthGBps: 50, latencyUs: 10, shared: false } as const;
  return {
    ...base,
    sweep: [],
    workload: { ...base.workload, requests: 60 },
    hardware: { ...base.hardware, kvBlocks: 3000 },
    cluster: { ...base.cluster, tiers: [host], ...changes },
  };
}

/** Texts that the block events of a run name, in whole. */
function texts(reader: HistoryReader, kind: 'cache' | 'evict'): Set<number> {
  const { events } = reader.history;
  const found = new Set<number>();
  events.kind.forEach((code, at) => code === EVENT_CODE[kind] && found.add(events.value[at] ?? -1));
  return found;
}

test('written through, a large tier has every text that was ever full', () => {
  const reader = new HistoryReader(recordBlocks(offload({ offload: 'write-through' })).history);
  const last = reader.numSteps - 1;
  const full = texts(reader, 'cache');
  expect(full.size).toBeGreaterThan(1000);
  expect(reader.stores.countsAt(last)).toEqual([full.size]);
  for (const id of full) expect(reader.stores.tiersOf(id, last)).toBe(1);
});

test('offloaded as it is evicted, what the pool lost lies below, and nothing else', () => {
  const reader = new HistoryReader(recordBlocks(offload({ offload: 'on-evict' })).history);
  const last = reader.numSteps - 1;
  const lost = texts(reader, 'evict');
  const here = new Set(reader.stateAt(reader.numEvents).contents);
  expect(lost.size).toBeGreaterThan(100);
  expect(reader.stores.countsAt(-1)).toEqual([0]);
  for (const id of lost) if (!here.has(id)) expect(reader.stores.tiersOf(id, last)).toBe(1);
  for (const id of here) if (!lost.has(id)) expect(reader.stores.tiersOf(id, last)).toBe(0);
});

test('what a full tier gives up goes to the next one', () => {
  const tier = { bandwidthGBps: 50, latencyUs: 10, shared: false };
  const tiers = [
    { ...tier, kind: 'host', capacityGB: 0.5 } as const,
    { ...tier, kind: 'nvme', capacityGB: 1000, bandwidthGBps: 5 } as const,
  ];
  const reader = new HistoryReader(recordBlocks(offload({ offload: 'on-evict', tiers })).history);
  const [host = 0, nvme = 0] = reader.stores.countsAt(reader.numSteps - 1);
  // 0.5 GB of blocks of 2 MiB.
  expect(host).toBe(Math.floor(0.5e9 / 2 ** 21));
  expect(nvme).toBeGreaterThan(host);
});
