/** Two places that move sequences, as the page's workers do: over a port, through a file, with a prefix cache in a file. */
import { beforeAll, describe, expect, it } from 'vitest';
import { portPipe } from '../../../src/engine/transfer/drive.ts';
import { loadModel } from '../../../src/engine/weights/loader.ts';
import { randomModel } from '../../../src/engine/weights/random.ts';
import { Mover, type MoverContext } from '../../../src/lab/transfer/mover.ts';
import type { MoveCache, WriteWish } from '../../../src/lab/transfer/types.ts';
import { openTestGpu } from '../../support/gpu.ts';
import { SMALL_MODEL } from '../../engine/transfer/model.ts';

const F32: MoveCache = { kvFormat: 'f32', blockSize: 16 };
const IDS = Array.from({ length: 50 }, (_, i) => (i * 29 + 3) % SMALL_MODEL.vocab);
const WISH: WriteWish = {
  prompt: { kind: 'ids', ids: IDS },
  ...{ maxTokens: 60, holdAt: 10, temperature: 0, seed: 1, cache: F32 },
};

let context: (seed?: number) => Promise<MoverContext>;
let receivers = 0;
beforeAll(async () => {
  const gpu = await openTestGpu();
  const models = new Map<number, Awaited<ReturnType<typeof loadModel>>>();
  context = async (seed = 5) => {
    const model =
      models.get(seed) ??
      (await loadModel(gpu, randomModel(SMALL_MODEL, seed), { weightFormat: 'f32', budgetBytes: 2 ** 28 }));
    models.set(seed, model);
    const facts = { isFallback: true, poolBytes: 2 ** 26 } as MoverContext['facts'];
    return {
      ...{ gpu, model, tokenizer: null, facts, now: () => performance.now() },
      newTransfer: () => (++receivers).toString(16).padStart(16, '0'),
      newReceiver: () => ++receivers,
    };
  };
});

const quiet = () => ({ signal: new AbortController().signal, onNews: () => undefined });

describe('a mover', () => {
  it('sends a sequence that writes on, and the other goes on with the same tokens', async () => {
    const [here, there] = [new Mover(await context()), new Mover(await context())];
    const held = await here.write(WISH, quiet());
    expect(held.kvTokens).toBe(held.text.promptTokens + held.text.outputTokens - 1);
    const { port1, port2 } = new MessageChannel();
    const [arrived, sent] = await Promise.all([
      there.receive(portPipe(port2), quiet()),
      here.send(portPipe(port1), true, quiet()),
    ]);
    expect(arrived.text).toEqual(sent.text);
    expect(sent.meanwhileTokens).toBeGreaterThan(0);
    expect(sent.stillMs).toBeLessThanOrEqual(sent.totalMs);
    const done = await there.goOn({ kvFormat: 'f32', blockSize: 8 }, true, quiet());
    expect(done).toMatchObject({ recomputedTokens: 0, converted: false, check: { same: true } });
    expect(done.newTokens).toBe(60 - arrived.text.outputTokens);
    await expect(here.stay(quiet())).rejects.toThrow(/No sequence stands still here/);
    for (const end of [port1, port2]) end.close();
    for (const mover of [here, there]) mover.destroy();
  });

  it('refuses another model’s sequence, and that goes on where it was', async () => {
    const [here, stranger] = [new Mover(await context()), new Mover(await context(6))];
    await here.write(WISH, quiet());
    const { port1, port2 } = new MessageChannel();
    const [came, went] = await Promise.allSettled([
      stranger.receive(portPipe(port2), quiet()),
      here.send(portPipe(port1), false, quiet()),
    ]);
    for (const outcome of [came, went]) {
      expect(outcome.status === 'rejected' && String(outcome.reason)).toMatch(
        /other weights of it; load the same/,
      );
    }
    expect((await here.stay(quiet())).outputTokens).toBe(60);
    for (const end of [port1, port2]) end.close();
    for (const mover of [here, stranger]) mover.destroy();
  });

  it('keeps a sequence as a file, which goes on in another format', async () => {
    const [here, there] = [new Mover(await context()), new Mover(await context())];
    await here.write(WISH, quiet());
    const file = await here.save();
    const arrived = await there.open(file);
    expect(arrived).toMatchObject({ cache: F32, model: 'small-random' });
    const done = await there.goOn({ kvFormat: 'f16', blockSize: 16 }, true, quiet());
    expect(done).toMatchObject({ recomputedTokens: 0, converted: true });
    expect(done.check).not.toBeNull();
    const damaged = new Blob([await file.slice(0, 5000).arrayBuffer()]);
    await expect(there.open(damaged)).rejects.toThrow(/it was cut off; export it again/);
    for (const mover of [here, there]) mover.destroy();
  });

  it('keeps a prefix cache as a file, and the next one finds it', async () => {
    const [here, there] = [new Mover(await context()), new Mover(await context())];
    await here.write(WISH, quiet());
    const { file, tokens } = await here.savePrefixes();
    expect(tokens).toBe(48);
    expect(await there.openPrefixes(file, F32)).toMatchObject({ tokens: 48, offeredTokens: 48 });
    expect((await there.write(WISH, quiet())).cachedTokens).toBe(48);
    for (const mover of [here, there]) mover.destroy();
  });
});
