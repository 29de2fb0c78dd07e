/** Safetensors: what is read, and the sentence for each way in which a file can be wrong. */
import { describe, expect, test } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import { memorySource } from '../../../src/engine/files/byte-source.ts';
import { ModelError } from '../../../src/engine/files/error.ts';
import { forwardTwin } from '../../../src/engine/forward.twin.ts';
import { readHostWeights } from '../../../src/engine/weights/host.ts';
import { openModelFolder } from '../../../src/engine/weights/open.ts';
import { randomModel } from '../../../src/engine/weights/random.ts';
import { readSafetensors } from '../../../src/engine/weights/safetensors.ts';
import {
  f32Tensor,
  joined,
  llamaConfigJson,
  memoryFolder,
  mutated,
  safetensorsFile,
  tensorsOf,
} from '../../support/model-files.ts';
import { SMALL_CONFIGS } from '../../support/small-models.ts';

const A = f32Tensor('a', [2, 3], [1, 2, 3, 4, 5, 6]);
const B = f32Tensor('b', [2], [7, 8]);

function read(bytes: Uint8Array) {
  return readSafetensors(memorySource('x.safetensors', bytes), 0);
}

/** A header with one thing changed. */
function header(entries: Readonly<Record<string, unknown>>): string {
  const right = {
    a: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] },
    b: { dtype: 'F32', shape: [2], data_offsets: [24, 32] },
  };
  return JSON.stringify({ ...right, ...entries });
}

test('tensors are read row by row', async () => {
  const tensors = await read(safetensorsFile([A, B]));
  expect([...((await tensors.get('a')?.readRows(1, 2)) ?? [])]).toEqual([4, 5, 6]);
  expect([...((await tensors.get('b')?.readRows(0, 2)) ?? [])]).toEqual([7, 8]);
});

test('f16 and bf16 become the same f32', async () => {
  const f16 = {
    name: 'h',
    dtype: 'F16',
    shape: [4],
    bytes: new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff).buffer),
  };
  const bf16 = {
    name: 'b',
    dtype: 'BF16',
    shape: [4],
    bytes: new Uint8Array(Uint16Array.of(0x3f80, 0xc000, 0x4049, 0).buffer),
  };
  const tensors = await read(safetensorsFile([f16, bf16]));
  expect([...((await tensors.get('h')?.readRows(0, 4)) ?? [])]).toEqual([1, -2, 2 ** -24, 65504]);
  expect([...((await tensors.get('b')?.readRows(0, 4)) ?? [])]).toEqual([1, -2, 3.140625, 0]);
});

test('a type that no weight has may be there, unread', async () => {
  const mask = { name: 'mask', dtype: 'BOOL', shape: [3], bytes: new Uint8Array(3) };
  const tensors = await read(safetensorsFile([A, mask]));
  await expect(tensors.get('mask')?.readRows(0, 3)).rejects.toThrow(
    '"BOOL"; weights in F32, F16 or BF16 are read',
  );
});

const right = safetensorsFile([A, B]);
const length = (claimed: bigint) => {
  const copy = right.slice();
  new DataView(copy.buffer).setBigUint64(0, claimed, true);
  return copy;
};

describe('faults, each in one sentence', () => {
  test.each([
    { why: 'empty', bytes: new Uint8Array(0), says: 'it has 0 bytes' },
    { why: 'cut in the header', bytes: right.slice(0, 40), says: 'its header claims' },
    {
      why: 'cut in the data',
      bytes: right.slice(0, -4),
      says: 'tensor "b" lies at bytes 24 to 32 of 28, outside the file',
    },
    { why: '2^60 bytes of header', bytes: length(2n ** 60n), says: `its header claims ${2n ** 60n} bytes` },
    {
      why: '2^64 − 1 bytes of header',
      bytes: length(2n ** 64n - 1n),
      says: `its header claims ${2n ** 64n - 1n} bytes`,
    },
    { why: 'no JSON', bytes: safetensorsFile([A, B], '{"a":'), says: 'not valid JSON' },
    { why: 'a list', bytes: safetensorsFile([A, B], '[1]'), says: 'its header is no object' },
    {
      why: 'no UTF-8',
      bytes: joined([right.slice(0, 9), Uint8Array.of(0xff, 0xfe), right.slice(11)]),
      says: 'no text in UTF-8',
    },
    {
      why: 'an overlap',
      bytes: safetensorsFile([A, B], header({ b: { dtype: 'F32', shape: [2], data_offsets: [20, 28] } })),
      says: 'tensors "a" and "b" overlap',
    },
    {
      why: 'a gap',
      bytes: safetensorsFile([A, B], header({ b: { dtype: 'F32', shape: [1], data_offsets: [28, 32] } })),
      says: '4 bytes before tensor "b" belong to none',
    },
    {
      why: 'bytes at the end',
      bytes: joined([right, new Uint8Array(5)]),
      says: '5 bytes at its end belong to no tensor',
    },
    {
      why: 'an offset of 2^60',
      bytes: safetensorsFile(
        [A, B],
        header({ b: { dtype: 'F32', shape: [2], data_offsets: [24, 2 ** 60] } }),
      ),
      says: 'data_offsets.1 is 1152921504606847000; the most is 9007199254740991',
    },
    {
      why: 'an end before its beginning',
      bytes: safetensorsFile([A, B], header({ b: { dtype: 'F32', shape: [2], data_offsets: [32, 24] } })),
      says: 'tensor "b" lies at bytes 32 to 24',
    },
    {
      why: 'a shape of other bytes',
      bytes: safetensorsFile([A, B], header({ b: { dtype: 'F32', shape: [3], data_offsets: [24, 32] } })),
      says: 'tensor "b" is [3] of F32, which is 12 bytes, but has 8',
    },
    {
      why: 'a negative shape',
      bytes: safetensorsFile([A, B], header({ b: { dtype: 'F32', shape: [-2], data_offsets: [24, 32] } })),
      says: 'shape.0 is -2; the least is 0',
    },
  ])('$why', async ({ bytes, says }) => {
    const error = await read(bytes).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ModelError);
    expect(error).toMatchObject({ code: 'corrupt' });
    expect(String(error)).toContain(says);
    // One sentence: it ends once, however many abbreviations the file's own words have.
    expect(String(error).endsWith('.')).toBe(true);
  });
});

describe('folders', () => {
  const source = randomModel(SMALL_CONFIGS.qwen2, 3);
  const config = llamaConfigJson(source.config);

  async function logits(folder: ReturnType<typeof memoryFolder>) {
    const model = await openModelFolder(folder);
    return forwardTwin(model.config, await readHostWeights(model), [1, 2, 3]).map((row) => [
      ...row.slice(0, 4),
    ]);
  }

  test('one file and three shards give the same model', async () => {
    const tensors = await tensorsOf(source);
    const names = ['model-00001-of-00003', 'model-00002-of-00003', 'model-00003-of-00003'].map(
      (name) => `${name}.safetensors`,
    );
    const shards = names.map((_, shard) => tensors.filter((_, i) => i % 3 === shard));
    const weight_map = Object.fromEntries(
      shards.flatMap((part, shard) => part.map(({ name }) => [name, names[shard]])),
    );
    const sharded = memoryFolder({
      'config.json': config,
      'model.safetensors.index.json': JSON.stringify({ metadata: { total_size: 1 }, weight_map }),
      ...Object.fromEntries(names.map((name, shard) => [name, safetensorsFile(shards[shard] ?? [])])),
    });
    const single = memoryFolder({ 'config.json': config, 'model.safetensors': safetensorsFile(tensors) });
    const expected = forwardTwin(source.config, await readHostWeights(source), [1, 2, 3]);
    expect(await logits(single)).toEqual(expected.map((row) => [...row.slice(0, 4)]));
    expect(await logits(sharded)).toEqual(await logits(single));
  });

  test('a tied table under the head’s name is the embedding', async () => {
    const tensors = await tensorsOf(source);
    const renamed = tensors.map((tensor) =>
      tensor.name === 'model.embed_tokens.weight' ? { ...tensor, name: 'lm_head.weight' } : tensor,
    );
    const original = memoryFolder({ 'config.json': config, 'model.safetensors': safetensorsFile(tensors) });
    const other = memoryFolder({ 'config.json': config, 'model.safetensors': safetensorsFile(renamed) });
    expect(await logits(other)).toEqual(await logits(original));
  });

  const index = (map: object) => JSON.stringify({ weight_map: map });
  test.each([
    { why: 'no config', files: {}, says: 'folder has no config.json' },
    { why: 'no weights', files: { 'config.json': config }, says: 'folder has no model.safetensors' },
    {
      why: 'a shard that is not there',
      files: { 'config.json': config, 'model.safetensors.index.json': index({ a: 'gone.safetensors' }) },
      says: 'folder has no gone.safetensors',
    },
    {
      why: 'a shard outside the folder',
      files: { 'config.json': config, 'model.safetensors.index.json': index({ a: '../x.safetensors' }) },
      says: 'names the shard "../x.safetensors", which is no file beside it',
    },
    {
      why: 'a tensor that its shard lacks',
      files: {
        'config.json': config,
        'model.safetensors.index.json': index({ a: 's.safetensors', c: 's.safetensors' }),
        's.safetensors': safetensorsFile([A, B]),
      },
      says: 's.safetensors has no tensor "c", which the index says it has',
    },
  ])('$why', async ({ files, says }) => {
    await expect(openModelFolder(memoryFolder(files))).rejects.toThrow(says);
  });
});

test('whatever is done to a file, its reader ends, with a ModelError or with values', async () => {
  const source = randomModel({ ...SMALL_CONFIGS.llama, layers: 1 }, 5);
  const bytes = safetensorsFile(await tensorsOf(source));
  const random = createRandom(11);
  let refused = 0;
  for (let i = 0; i < 600; i++) {
    const folder = memoryFolder({
      'config.json': llamaConfigJson(source.config),
      'model.safetensors': mutated(bytes, (bound) => random.below(bound)),
    });
    try {
      await readHostWeights(await openModelFolder(folder));
    } catch (error) {
      expect(error).toBeInstanceOf(ModelError);
      refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(200);
});
