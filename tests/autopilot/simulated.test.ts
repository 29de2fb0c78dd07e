/** The simulated engine as a plant: actions really give blocks back and cost time; undo restores; without any it is the simulator. */
import { describe, expect, it } from 'vitest';
import { ActionError } from '../../src/autopilot/plant.ts';
import { createSimulatedPlant, type SimulatedPlant } from '../../src/autopilot/simulated/plant.ts';
import { createRandom } from '../../src/core/random.ts';
import { DEFAULT_AUTOPILOT } from '../../src/core/scenario/autopilot/defaults.ts';
import type { KvAction } from '../../src/core/scenario/autopilot/action.ts';
import type { AutopilotScenario } from '../../src/core/scenario/autopilot/schema.ts';
import type { SimScenario } from '../../src/core/scenario/simulate/schema.ts';
import { runSimulation } from '../../src/sim/run.ts';
import '../../src/core/all-records.ts';

function scenarioOf(change: {
  engine?: Partial<SimScenario['engine']>;
  workload?: Partial<SimScenario['workload']>;
  kvBlocks?: number;
  policy?: Partial<AutopilotScenario['policy']>;
}): AutopilotScenario {
  const { simulation } = DEFAULT_AUTOPILOT;
  return {
    ...DEFAULT_AUTOPILOT,
    policy: { ...DEFAULT_AUTOPILOT.policy, ...change.policy },
    simulation: {
      ...simulation,
      hardware: { ...simulation.hardware, kvBlocks: change.kvBlocks ?? 1000 },
      engine: { ...simulation.engine, maxSequences: 16, prefixCache: 'off', ...change.engine },
      workload: {
        ...simulation.workload,
        requests: 40,
        arrivals: { kind: 'constant', rate: 4 },
        promptTokens: { kind: 'fixed', tokens: 1600 },
        outputTokens: { kind: 'fixed', tokens: 400 },
        ...change.workload,
      },
    },
  };
}

const steered = (change: Parameters<typeof scenarioOf>[0] = {}): SimulatedPlant =>
  createSimulatedPlant(scenarioOf(change), { autopilot: true });

const BLOCK_BYTES = 131_072 * 16;

async function toTheEnd(plant: SimulatedPlant): Promise<void> {
  for (let ms = 500; await plant.advance(ms); ms += 500) plant.check();
}

describe('without an action', () => {
  it.each([
    ['no prefix cache', {}],
    [
      'a prefix cache',
      {
        engine: { prefixCache: 'hash' as const },
        workload: { sharing: { kind: 'system' as const, prompts: 3, systemTokens: 400, exponent: 1 } },
      },
    ],
  ])('the plant is the simulator: %s', async (_, change) => {
    const scenario = scenarioOf({ kvBlocks: 600, ...change });
    const summary = runSimulation({ ...scenario.simulation, seed: scenario.seed }).points[0]?.repetitions[0]
      ?.summary;
    for (const autopilot of [false, true]) {
      const plant = createSimulatedPlant(scenario, { autopilot });
      await toTheEnd(plant);
      expect(plant.summary()).toEqual(summary);
    }
    expect(summary?.preemptions).toBeGreaterThan(0);
  });
});

describe('actions', () => {
  it('quantizing gives whole blocks to others while the sequence lives', async () => {
    const plant = steered();
    await plant.advance(1000);
    const before = plant.telemetry();
    const action: KvAction = { kind: 'quantize', sequence: 'r0', from: 0, to: 1600, format: 'int8' };
    // int8 has a scale of 4 bytes for 128 elements: (1 − 8.25/16) of 100 blocks.
    expect(plant.price(action)).toEqual({
      ok: true,
      freesBytes: 48 * BLOCK_BYTES,
      tokens: 1600,
      movedBytes: 0,
    });
    await plant.apply(action);
    expect(plant.telemetry().kvBytes).toBe(before.kvBytes - 48 * BLOCK_BYTES);
    expect(plant.sequences()[0]).toMatchObject({
      name: 'r0',
      parts: [{ from: 0, to: 1600, format: 'int8' }, { format: 'f16' }],
    });
    plant.check();
    await toTheEnd(plant);
    expect(plant.telemetry()).toMatchObject({ kvBytes: 0, finished: 40, running: 0 });
  });

  it('evicted tokens are not read any more, and steps are shorter for it', async () => {
    const times: number[] = [];
    for (const acts of [false, true]) {
      const plant = steered({
        workload: {
          requests: 8,
          promptTokens: { kind: 'fixed', tokens: 8000 },
          outputTokens: { kind: 'fixed', tokens: 800 },
          arrivals: { kind: 'constant', rate: 100 },
        },
        kvBlocks: 8000,
      });
      await plant.advance(3000);
      if (acts) {
        for (const { name, tokens } of plant.sequences())
          await plant.apply({ kind: 'evict', sequence: name, from: 16, to: tokens - 160 });
      }
      expect(plant.telemetry().running).toBe(8);
      await toTheEnd(plant);
      times.push(plant.nowMs);
    }
    expect((times[1] ?? 0) / (times[0] ?? 1)).toBeLessThan(0.95);
  });

  it('offloaded tokens cost link time in each step that reads them, until they are fetched', async () => {
    const end = async (
      act: (plant: SimulatedPlant) => Promise<void>,
      offloadGBps: number,
    ): Promise<number> => {
      const plant = steered({
        workload: { requests: 2, arrivals: { kind: 'constant', rate: 100 } },
        policy: { offloadGBps },
      });
      await plant.advance(500);
      await act(plant);
      plant.check();
      await toTheEnd(plant);
      return plant.nowMs;
    };
    const none = await end(() => Promise.resolve(), 10);
    const offload = async (plant: SimulatedPlant): Promise<void> => {
      await plant.apply({ kind: 'offload', sequence: 'r0', from: 0, to: 1600, tier: 'host' });
      expect(plant.telemetry().hostBytes).toBe(1600 * 131_072);
    };
    const slow = await end(offload, 1);
    const fast = await end(offload, 10);
    const back = await end(async (plant) => {
      await offload(plant);
      await plant.apply({ kind: 'fetch', sequence: 'r0', from: 0, to: 1600 });
      expect(plant.telemetry().hostBytes).toBe(0);
    }, 10);
    // 210 MB a step over 1 GB/s: 210 ms of each of some 300 steps.
    expect(slow).toBeGreaterThan(none + 300 * 200);
    expect(fast).toBeLessThan(slow / 5);
    expect(back).toBeLessThan(none + 100);
  });

  it('limits move the live scheduler', async () => {
    const plant = steered({ workload: { arrivals: { kind: 'constant', rate: 50 } } });
    await plant.advance(150);
    const { running: atFirst } = plant.telemetry();
    await plant.apply({ kind: 'concurrency', maxSequences: 20 });
    await plant.apply({ kind: 'admission', belowUse: 0.3 });
    await plant.advance(2000);
    const { running, kvUse, waiting } = plant.telemetry();
    expect([running, waiting]).toEqual([atFirst, 40 - atFirst]);
    expect(atFirst).toBeLessThan(16);
    expect(kvUse).toBeGreaterThan(0.3);
    expect(plant.limits()).toMatchObject({ maxSequences: 20, admissionBelowUse: 0.3 });
    await plant.apply({ kind: 'admission', belowUse: 1 });
    await plant.apply({ kind: 'concurrency', maxSequences: 4 });
    await plant.advance(2100);
    expect(plant.telemetry().running).toBe(4);
    await toTheEnd(plant);
    expect(plant.telemetry().finished).toBe(40);
  });

  it('a smaller chunk means more steps', async () => {
    const steps: number[] = [];
    for (const tokenBudget of [null, 256]) {
      const plant = steered();
      if (tokenBudget !== null) await plant.apply({ kind: 'chunk', tokenBudget });
      await toTheEnd(plant);
      steps.push(plant.summary()?.steps ?? 0);
    }
    expect(steps[1]).toBeGreaterThan((steps[0] ?? 0) + 40);
  });

  it('limits the prefix cache', async () => {
    const plant = steered({
      engine: { prefixCache: 'hash' },
      workload: {
        sharing: { kind: 'system', prompts: 2, systemTokens: 800, exponent: 1 },
        arrivals: { kind: 'constant', rate: 0.2 },
      },
    });
    await plant.apply({ kind: 'prefixCache', blocks: 0 });
    await toTheEnd(plant);
    const open = steered({
      engine: { prefixCache: 'hash' },
      workload: {
        sharing: { kind: 'system', prompts: 2, systemTokens: 800, exponent: 1 },
        arrivals: { kind: 'constant', rate: 0.2 },
      },
    });
    await toTheEnd(open);
    expect(open.telemetry().hitTokens).toBeGreaterThan(10_000);
    expect(plant.telemetry().hitTokens).toBe(0);
  });

  it('passes over blocks that another sequence shares', async () => {
    const plant = steered({
      engine: { prefixCache: 'hash' },
      workload: {
        sharing: { kind: 'system', prompts: 1, systemTokens: 800, exponent: 1 },
        promptTokens: { kind: 'fixed', tokens: 800 },
      },
    });
    await plant.advance(1600);
    expect(plant.telemetry().running).toBeGreaterThan(2);
    expect(plant.price({ kind: 'evict', sequence: 'r3', from: 0, to: 800 })).toMatchObject({
      ok: false,
      sentence: expect.stringMatching(/other sequences share/) as string,
    });
    expect(plant.price({ kind: 'evict', sequence: 'r3', from: 0, to: 1600 })).toMatchObject({
      ok: true,
      tokens: 800,
    });
    const applied = await plant.apply({ kind: 'evict', sequence: 'r3', from: 0, to: 1600 });
    plant.check();
    expect(plant.sequences().find(({ name }) => name === 'r3')?.parts[0]).toMatchObject({ from: 0, to: 800 });
    await plant.undo([applied]);
    plant.check();
    await toTheEnd(plant);
  });

  it('refuses in a sentence, and nothing has changed', async () => {
    const plant = steered();
    await plant.advance(1000);
    const before = plant.digest();
    const cases: readonly [KvAction, RegExp][] = [
      [{ kind: 'evict', sequence: 'r39', from: 0, to: 5 }, /r39 is not running/],
      [{ kind: 'evict', sequence: 'nobody', from: 0, to: 5 }, /nobody is not running/],
      [{ kind: 'quantize', sequence: 'r0', from: 0, to: 5, format: 'f32' }, /holds no f32/],
      [{ kind: 'concurrency', maxSequences: 16 }, /stands there already/],
      [{ kind: 'concurrency', maxSequences: 100 }, /40 is the most/],
      [{ kind: 'prefixCache', blocks: 1 }, /has no prefix cache/],
    ];
    for (const [action, sentence] of cases) {
      await expect(plant.apply(action)).rejects.toThrow(ActionError);
      await expect(plant.apply(action)).rejects.toThrow(sentence);
    }
    expect(plant.digest()).toBe(before);
  });
});

describe('undo', () => {
  it.each([1, 2, 3])('restores tables, formats and limits exactly (seed %i)', async (seed) => {
    const random = createRandom(seed);
    const plant = steered({
      engine: { prefixCache: 'hash' },
      kvBlocks: 800,
      workload: { sharing: { kind: 'system', prompts: 2, systemTokens: 320, exponent: 1 } },
    });
    for (let round = 1; round <= 30; round++) {
      await plant.advance(round * 150);
      const before = plant.digest();
      const done = [];
      for (let i = 0; i < 5; i++) {
        const running = plant.sequences().filter(({ phase }) => phase === 'running');
        const { name: sequence, tokens } = running[random.below(Math.max(1, running.length))] ?? {
          name: 'r0',
          tokens: 9,
        };
        const from = random.below(Math.max(1, tokens - 1));
        const to = from + 1 + random.below(Math.max(1, tokens - from));
        const format = (['int8', 'int4', 'int2'] as const)[random.below(3)] ?? 'int8';
        const kinds: readonly KvAction[] = [
          { kind: 'quantize', sequence, from, to, format },
          { kind: 'evict', sequence, from, to },
          { kind: 'offload', sequence, from, to, tier: 'host' },
          { kind: 'fetch', sequence, from, to },
          { kind: 'concurrency', maxSequences: 1 + random.below(16) },
          { kind: 'admission', belowUse: 0.5 },
          { kind: 'chunk', tokenBudget: 512 + random.below(4096) },
          { kind: 'prefixCache', blocks: random.below(500) },
        ];
        const action = kinds[random.below(kinds.length)];
        if (!action || !plant.price(action).ok) continue;
        done.push(await plant.apply(action));
        plant.check();
      }
      if (round % 4 === 0) plant.keep(done);
      else {
        await plant.undo(done);
        plant.check();
        expect(plant.digest()).toBe(before);
      }
    }
    // Whatever was kept: everybody ends, and every block comes back.
    await plant.apply({ kind: 'admission', belowUse: 1 }).catch(() => undefined);
    await toTheEnd(plant);
    expect(plant.telemetry()).toMatchObject({ finished: 40, kvBytes: 0 });
  });

  it('taken back later, it preempts rather than hold more than there is memory for', async () => {
    const plant = steered({ kvBlocks: 500, workload: { arrivals: { kind: 'constant', rate: 20 } } });
    await plant.advance(600);
    const done = [];
    for (const { name, phase, tokens } of plant.sequences())
      if (phase === 'running')
        done.push(await plant.apply({ kind: 'evict', sequence: name, from: 0, to: Math.min(1500, tokens) }));
    await plant.advance(1500);
    const preempted = plant.telemetry().preemptions;
    await plant.undo(done);
    expect(plant.telemetry().kvUse).toBeGreaterThan(1);
    await plant.advance(1700);
    expect(plant.telemetry().kvUse).toBeLessThanOrEqual(1);
    expect(plant.telemetry().preemptions).toBeGreaterThan(preempted);
    plant.check();
    await toTheEnd(plant);
    expect(plant.telemetry().finished).toBe(40);
  });
});

describe('time', () => {
  it('copies for the way back hold the next step, whichever tiers the policy names', async () => {
    const ends: number[] = [];
    for (const tiers of [null, ['hbm' as const], ['hbm' as const, 'host' as const]]) {
      const plant = steered({
        workload: { requests: 1 },
        policy: { offloadGBps: 0.1, ...(tiers ? { tiers } : {}) },
      });
      await plant.advance(300);
      if (tiers) await plant.apply({ kind: 'quantize', sequence: 'r0', from: 0, to: 1600, format: 'int8' });
      await toTheEnd(plant);
      ends.push(plant.nowMs);
    }
    const [untouched = 0, hbm = 0, host = 0] = ends;
    // 210 MB at 0.1 GB/s.
    expect(hbm - untouched).toBeGreaterThan(2000);
    expect(hbm - untouched).toBeLessThan(2200);
    expect(host).toBe(hbm);
  });

  it('says how many bytes the pool got back', async () => {
    const plant = steered();
    await plant.advance(1000);
    const before = plant.telemetry().kvBytes;
    const { freedBytes } = await plant.apply({ kind: 'evict', sequence: 'r0', from: 0, to: 1000 });
    expect(freedBytes).toBe(62 * BLOCK_BYTES);
    expect(plant.telemetry().kvBytes).toBe(before - freedBytes);
  });
});
