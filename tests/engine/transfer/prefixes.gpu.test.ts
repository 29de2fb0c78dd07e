/** A prefix cache that is kept as a file: the next engine finds it without computing, and answers the same. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import { decodeFile, encodeFile } from '../../../src/core/transfer/file.ts';
import { packPrefixes, unpackPrefixes } from '../../../src/core/transfer/package.ts';
import { exportPrefixes, importPrefixes } from '../../../src/engine/transfer/prefixes.ts';
import { loadModel } from '../../../src/engine/weights/loader.ts';
import { randomModel } from '../../../src/engine/weights/random.ts';
import type { LoadedModel } from '../../../src/engine/weights-types.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { openTestGpu } from '../../support/gpu.ts';
import { drain, greedy, makeEngine } from '../support.ts';
import { SMALL_MODEL } from './model.ts';

const TEXT = Array.from({ length: 80 }, (_, i) => (i * 53 + 11) % SMALL_MODEL.vocab);
const OTHER = [
  ...TEXT.slice(0, 40),
  ...Array.from({ length: 40 }, (_, i) => (i * 31 + 7) % SMALL_MODEL.vocab),
];

let gpu: Gpu;
let model: LoadedModel;
let bytes: Uint8Array;
let answers: number[][];
beforeAll(async () => {
  gpu = await openTestGpu();
  model = await loadModel(gpu, randomModel(SMALL_MODEL, 5), { weightFormat: 'f32', budgetBytes: 2 ** 28 });
  ({ bytes, answers } = await fill());
});

/** An engine that has answered two texts with a common beginning, as the bytes of a file. */
async function fill(): Promise<{ bytes: Uint8Array; answers: number[][] }> {
  const engine = await makeEngine(gpu, model);
  const answers: number[][] = [];
  for (const text of [TEXT, OTHER]) answers.push(await engine.generate(greedy(text, 12)));
  const bytes = encodeFile(packPrefixes(await exportPrefixes(engine)));
  engine.destroy();
  return { bytes, answers };
}

const read = (bytes: Uint8Array) => unpackPrefixes(decodeFile(bytes));

/** Answers a text. @returns its tokens, and the prompt tokens that the cache had */
async function ask(engine: Engine, text: readonly number[]): Promise<{ tokens: number[]; cached: number }> {
  const row = engine.submit(greedy(text, 12));
  let cached = -1;
  for (let report = await engine.step(); report; report = await engine.step()) {
    engine.check();
    const at = report.joined.indexOf(row);
    if (at >= 0) cached = report.joinedCachedTokens[at] ?? 0;
  }
  return { tokens: [...engine.outputOf(row)], cached };
}

describe('a prefix cache in a file', () => {
  it.each([
    { name: 'the same blocks', to: {}, cached: 64 },
    { name: 'blocks of 8', to: { blockSize: 8, numBlocks: 128, shuffleSeed: 4 }, cached: 72 },
  ])('$name: found without computing, and the same answers', async ({ to, cached }) => {
    const engine = await makeEngine(gpu, model, to);
    const done = await importPrefixes(engine, read(bytes));
    engine.check();
    expect(done.offeredTokens).toBe((5 + 3) * 16);
    expect(done.blocks * engine.settings.blockSize).toBe(done.tokens);
    for (const [i, text] of [TEXT, OTHER].entries()) {
      expect(await ask(engine, text)).toEqual({ tokens: answers[i], cached });
    }
    expect(await importPrefixes(engine, read(bytes))).toMatchObject({ blocks: 0 });
    engine.destroy();
  });

  it('fills the empty blocks of a small pool and leaves what is cached there', async () => {
    const engine = await makeEngine(gpu, model, { numBlocks: 8, maxContextTokens: 128 });
    const own = Array.from({ length: 40 }, (_, i) => 255 - i);
    await drain(engine, [engine.submit(greedy(own, 4))]);
    const done = await importPrefixes(engine, read(bytes));
    engine.check();
    expect(done.blocks).toBeGreaterThan(0);
    expect(done.blocks).toBeLessThan(8);
    expect((await ask(engine, own)).cached).toBe(32);
    engine.destroy();
  });

  it('is refused by another model and by an engine that shares nothing', async () => {
    const other = await loadModel(gpu, randomModel(SMALL_MODEL, 6), {
      weightFormat: 'f32',
      budgetBytes: 2 ** 28,
    });
    const stranger = await makeEngine(gpu, other);
    await expect(importPrefixes(stranger, read(bytes))).rejects.toThrow(
      /^The KV was computed by another small-random \(fingerprints/,
    );
    const alone = await makeEngine(gpu, model, { prefixCaching: false });
    await expect(importPrefixes(alone, read(bytes))).rejects.toThrow(/turn prefixCaching on/);
    for (const engine of [stranger, alone]) engine.destroy();
    other.weights.destroy();
  });
});
