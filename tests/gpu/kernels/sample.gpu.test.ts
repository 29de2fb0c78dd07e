/** The sampler against its twin, id by id, and its draws against the distribution that they are drawn from. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import {
  createSample,
  SETTING_WORDS,
  writeSettings,
  type SampleSettings,
} from '../../../src/gpu/kernels/sample.ts';
import { keptIds, pcg3d, sampleTwin } from '../../../src/gpu/kernels/sample.twin.ts';
import { inErrorScope, openTestGpu } from '../../support/gpu.ts';
import { runPass } from './run-pass.ts';

let gpus: Record<'auto' | 'no-subgroups', Gpu>;
beforeAll(async () => {
  gpus = { auto: await openTestGpu(), 'no-subgroups': await openTestGpu({ subgroups: false, f16: false }) };
});

const PLAIN: SampleSettings = { temperature: 1, topP: 1, topK: 0, seed: 7, position: 3, slot: 0 };

interface Sampled {
  readonly ids: number[];
  readonly lastTokens: number[];
}

/** One id a row; `logits` is one row for all or [rows][vocab]. */
async function sample(
  gpu: Gpu,
  logits: Float32Array[],
  settings: readonly SampleSettings[],
): Promise<Sampled> {
  const rows = settings.length;
  const vocab = logits[0]?.length ?? 0;
  const all = new Float32Array(rows * vocab);
  settings.forEach((_, row) => all.set(logits[row % logits.length] ?? [], row * vocab));
  const words = new Uint32Array(rows * SETTING_WORDS);
  settings.forEach((one, row) => writeSettings(words, row, one));
  const slots = Math.max(...settings.map(({ slot }) => slot)) + 1;
  const kernel = await createSample(gpu, { vocab, maxRows: rows });
  return inErrorScope(gpu, async () => {
    const buffers = {
      logits: gpu.buffers.upload('Test.logits', all),
      settings: gpu.buffers.upload('Test.settings', words),
      lastTokens: gpu.buffers.upload('Test.lastTokens', new Uint32Array(slots).fill(99)),
      output: gpu.buffers.upload('Test.output', new Uint32Array(rows)),
    };
    runPass(gpu, (pass) => kernel.encode(pass, { ...buffers, rows }));
    const ids = new Uint32Array(await gpu.buffers.read(buffers.output));
    const lastTokens = new Uint32Array(await gpu.buffers.read(buffers.lastTokens));
    gpu.buffers.destroy(...Object.values(buffers));
    return { ids: [...ids.slice(0, rows)], lastTokens: [...lastTokens.slice(0, slots)] };
  });
}

function normalLogits(seed: number, vocab: number, spread = 2): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: vocab }, () => random.normal() * spread);
}

describe.each(['auto', 'no-subgroups'] as const)('sample, %s', (tier) => {
  it('takes the highest logit at temperature 0, the lower id of equal ones', async () => {
    const rows = [
      normalLogits(1, 515),
      normalLogits(2, 515),
      normalLogits(3, 515).fill(-4),
      normalLogits(4, 515),
    ];
    rows[1]?.set([50], 514);
    rows[1]?.set([50], 77);
    rows[3]?.fill(NaN);
    rows[3]?.set([-1e30], 400);
    const greedy = rows.map((_, slot) => ({ ...PLAIN, temperature: 0, slot }));
    const { ids } = await sample(gpus[tier], rows, greedy);
    expect(ids).toEqual(rows.map((row) => sampleTwin(row, { ...PLAIN, temperature: 0 })));
    expect([ids[1], ids[2], ids[3]]).toEqual([77, 0, 400]);
  });

  it('draws the ids of its twin, under every cut', async () => {
    const cuts = [
      {},
      { temperature: 0.7 },
      { topK: 1 },
      { topK: 40 },
      { topP: 0.9 },
      { topP: 0.3, temperature: 1.5 },
      { topK: 50, topP: 0.8, temperature: 0.8 },
      { topP: 0 },
      { topK: 5000 },
    ];
    const logits = [normalLogits(11, 1003), normalLogits(12, 1003, 5), normalLogits(13, 1003, 0.1)];
    const settings = Array.from({ length: 90 }, (_, row) => ({
      ...PLAIN,
      ...cuts[row % cuts.length],
      seed: row >> 2,
      position: row * 17,
      slot: 89 - row,
    }));
    const { ids, lastTokens } = await sample(gpus[tier], logits, settings);
    expect(ids).toEqual(settings.map((one, row) => sampleTwin(logits[row % 3] ?? [], one)));
    expect(lastTokens).toEqual([...ids].reverse());
  });

  it('draws the same whatever stands in the other rows', async () => {
    const logits = [normalLogits(5, 300)];
    const one = { ...PLAIN, seed: 123456789, position: 41 };
    const [alone, amid] = [
      await sample(gpus[tier], logits, [one]),
      await sample(gpus[tier], logits, [PLAIN, one]),
    ];
    expect(amid.ids[1]).toBe(alone.ids[0]);
  });
});

describe('sample', () => {
  it('draws by the probabilities of the softmax', async () => {
    const logits = Float32Array.of(0, 1, 2, -1, 0.5, -30, 1.5, 0.2);
    const count = 6000;
    const settings = Array.from({ length: count }, (_, i) => ({
      ...PLAIN,
      seed: i % 60,
      position: Math.floor(i / 60),
    }));
    const { ids } = await sample(gpus.auto, [logits], settings);
    const weights = [...logits].map(Math.exp);
    const total = weights.reduce((sum, weight) => sum + weight);
    let chiSquare = 0;
    weights.forEach((weight, id) => {
      const expected = (weight / total) * count;
      const seen = ids.filter((drawn) => drawn === id).length;
      if (expected < 1) expect(seen).toBe(0);
      else chiSquare += (seen - expected) ** 2 / expected;
    });
    // Six degrees of freedom: beyond 22.5 once in a thousand; the draws are fixed.
    expect(chiSquare).toBeLessThan(22.5);
  });

  it('draws only what top-p and top-k keep, and all of it', async () => {
    const logits = normalLogits(21, 64, 1);
    for (const cut of [{ topK: 5 }, { topP: 0.4 }]) {
      const settings = Array.from({ length: 600 }, (_, i) => ({ ...PLAIN, ...cut, seed: i }));
      const { ids } = await sample(gpus.auto, [logits], settings);
      const kept = keptIds(logits, { ...PLAIN, ...cut });
      expect([...new Set(ids)].sort((a, b) => a - b)).toEqual(kept.sort((a, b) => a - b));
    }
  });

  it('pins the first words of its generator', () => {
    expect([pcg3d(0, 0, 0), pcg3d(1, 0, 0), pcg3d(0, 1, 7), pcg3d(31999, 511, 42)]).toMatchInlineSnapshot(`
      [
        2611992518,
        2717828630,
        721712001,
        809235260,
      ]
    `);
  });

  it('refuses more rows than it was made for', async () => {
    const kernel = await createSample(gpus.auto, { vocab: 8, maxRows: 1 });
    const buffer = gpus.auto.buffers.upload('Test.buffer', new Float32Array(64));
    const args = { logits: buffer, settings: buffer, lastTokens: buffer, output: buffer };
    const pass = gpus.auto.device.createCommandEncoder().beginComputePass();
    expect(() => kernel.encode(pass, { ...args, rows: 2 })).toThrow(/2 rows exceed the 1/);
    gpus.auto.buffers.destroy(buffer);
  });
});
