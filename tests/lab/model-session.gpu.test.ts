/** A model on a device that is lost, in the middle and at rest: no token changes; and nothing stays allocated. */
import { afterEach, beforeAll, expect, test } from 'vitest';
import { randomModel } from '../../src/engine/weights/random.ts';
import type { Gpu } from '../../src/gpu/context.ts';
import { NoAdapterError } from '../../src/lab/errors.ts';
import type { LabHost } from '../../src/lab/host.ts';
import { ModelSession } from '../../src/lab/model/session.ts';
import type { CacheWish, GenerationUpdate, GenerationWish, ModelSource } from '../../src/lab/model/types.ts';
import { openTestGpu } from '../support/gpu.ts';
import { llamaConfigJson, safetensorsFile, tensorsOf } from '../support/model-files.ts';
import { SMALL_CONFIGS } from '../support/small-models.ts';

const CONFIG = SMALL_CONFIGS.mistral;
const CACHE: CacheWish = {
  ...{ kvFormat: 'f32', blockSize: 16, prefixCaching: false, layout: 'paged', tier: 'no-subgroups' },
  ...{ eviction: { policy: 'none', budgetTokens: 16 }, numBlocks: null },
};
const WISH: GenerationWish = {
  prompts: [
    { kind: 'ids', ids: [5, 6, 7, 8] },
    { kind: 'ids', ids: [9, 10] },
  ],
  ...{ samples: 1, maxTokens: 20, ignoreEnd: true, cache: CACHE },
  sampling: { temperature: 0, topP: 1, topK: 0, seed: 1 },
};

let source: ModelSource;
beforeAll(async () => {
  const weights = safetensorsFile(await tensorsOf(randomModel(CONFIG, 4)));
  const blob = (content: string | Uint8Array): Blob =>
    new Blob([typeof content === 'string' ? content : new Uint8Array(content)]);
  source = {
    kind: 'files',
    files: [
      { path: 'm/config.json', blob: blob(llamaConfigJson(CONFIG)) },
      { path: 'm/model.safetensors', blob: blob(weights) },
    ],
  };
});

/** Devices in the order in which they were opened. */
const gpus: Gpu[] = [];
let adapters = Infinity;
afterEach(() => {
  for (const gpu of gpus.splice(0)) gpu.device.destroy();
  adapters = Infinity;
});

const host: LabHost = {
  facts: { appVersion: 'test', runtime: 'test', os: 'test', hostMemoryBytes: null, logicalCores: null },
  ...{ power: 'low-power', now: () => performance.now(), date: () => '', newId: () => '', command: null },
  openGpu: async () => {
    if (gpus.length >= adapters) throw new NoAdapterError();
    const gpu = await openTestGpu();
    gpus.push(gpu);
    return gpu;
  },
};

const signal = new AbortController().signal;
const deaf = { signal, onUpdate: () => undefined };
const load = () => ModelSession.load(host, source, { weightFormat: 'f32', budgetBytes: null }, deaf);
const tokensOf = async (session: ModelSession, onUpdate: (update: GenerationUpdate) => void) => {
  const { sequences, resumed } = await session.generate(WISH, { signal, onUpdate });
  return { tokens: sequences.map(({ tokens }) => tokens), resumed };
};

test('a device lost in the middle, then at rest and back only later, changes no token', async () => {
  const session = await load();
  const whole = await tokensOf(session, deaf.onUpdate);
  expect([whole.resumed, whole.tokens.map((tokens) => tokens.length)]).toEqual([0, [20, 20]]);
  let heard = 0;
  const middle = await tokensOf(session, ({ tokens }) => {
    heard += tokens.length;
    if (heard > 0 && gpus.length === 1) session.loseDevice();
  });
  expect([middle.resumed, middle.tokens, gpus.length]).toEqual([1, whole.tokens, 2]);
  adapters = 2;
  session.loseDevice();
  await expect(tokensOf(session, deaf.onUpdate)).rejects.toThrow(/gives none back.*restart the browser/);
  adapters = Infinity;
  const rested = await tokensOf(session, deaf.onUpdate);
  expect([rested.tokens, gpus.length]).toEqual([whole.tokens, 3]);
  session.unload();
});

test('caches come and go, and the weights alone stay', async () => {
  const session = await load();
  const [gpu] = gpus;
  if (!gpu) throw new Error('No device was opened.');
  const { weightBytes } = session.facts;
  const atRest = gpu.buffers.allocatedBytes;
  expect(atRest).toBe(weightBytes);
  const run = (cache: Partial<CacheWish>) =>
    session.generate({ ...WISH, maxTokens: 2, cache: { ...CACHE, ...cache } }, deaf);
  await run({});
  const withCache = gpu.buffers.allocatedBytes;
  await run({ kvFormat: 'int8' });
  await expect(run({ numBlocks: 1 })).rejects.toThrow(/pool of 1 blocks/);
  await run({});
  expect(gpu.buffers.allocatedBytes).toBe(withCache);
  session.lend(deaf);
  expect(gpu.buffers.allocatedBytes).toBe(atRest);
});

test('files that are no model leave no device behind', async () => {
  const broken: ModelSource = { kind: 'files', files: [{ path: 'x.safetensors', blob: new Blob(['no']) }] };
  const wish = { weightFormat: 'f32', budgetBytes: null } as const;
  await expect(ModelSession.load(host, broken, wish, deaf)).rejects.toThrow(/\.$/);
  const [gpu] = gpus;
  expect(gpu?.buffers.allocatedBytes).toBe(0);
  expect((await gpu?.device.lost)?.reason).toBe('destroyed');
});
