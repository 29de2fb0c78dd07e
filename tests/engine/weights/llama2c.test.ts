/** llama2.c: headers that lie, and a classifier of its own. */
import { expect, test } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import { memorySource } from '../../../src/engine/files/byte-source.ts';
import { ModelError } from '../../../src/engine/files/error.ts';
import { readHostWeights } from '../../../src/engine/weights/host.ts';
import { openLlama2c } from '../../../src/engine/weights/llama2c.ts';
import { joined, mutated } from '../../support/model-files.ts';

/** hidden 8, MLP 12, 2 layers, 2 heads over 1, 10 tokens, 4 positions; element i has the value i / 64. */
function checkpoint(vocab = 10, header?: readonly number[]): Uint8Array {
  const values = 80 + 2 * (8 + 64 + 32 + 32 + 64 + 8 + 96 + 96 + 96) + 8 + 2 * 4 * 2 + (vocab < 0 ? 80 : 0);
  const data = Float32Array.from({ length: values }, (_, i) => i / 64);
  const head = Int32Array.from(header ?? [8, 12, 2, 2, 1, vocab, 4]);
  return joined([new Uint8Array(head.buffer), new Uint8Array(data.buffer)]);
}

const open = (bytes: Uint8Array) => openLlama2c(memorySource('x.bin', bytes));

test('tensors stand one kind after another, all layers of each', async () => {
  const source = await open(checkpoint());
  expect(source.config).toMatchObject({ name: 'x', layers: 2, kvHeads: 1, headDim: 4, tiedEmbeddings: true });
  const query = source.tensor('model.layers.1.self_attn.q_proj.weight');
  // Behind 80 of the embedding, 16 of both norms and 64 of layer 0.
  expect([...(await query.readRows(0, 1))][0]).toBe((80 + 16 + 64) / 64);
});

test('a negative vocabulary has a classifier behind the two tables', async () => {
  const source = await open(checkpoint(-10));
  expect(source.config).toMatchObject({ vocab: 10, tiedEmbeddings: false });
  const { head } = await readHostWeights(source);
  expect(head.data[79]).toBe((checkpoint(-10).byteLength - 28) / 4 / 64 - 1 / 64);
});

test.each([
  {
    why: 'cut off',
    bytes: checkpoint().slice(0, -4),
    says: 'x.bin is no whole llama2.c checkpoint: its header makes',
  },
  { why: 'longer', bytes: joined([checkpoint(), new Uint8Array(4)]), says: 'and the file has' },
  { why: 'empty', bytes: new Uint8Array(3), says: 'x.bin has 3 bytes, too few' },
  { why: 'negative sizes', bytes: checkpoint(10, [-8, 12, 2, 2, 1, 10, 4]), says: 'its header says -8, 12' },
  { why: 'huge sizes', bytes: checkpoint(10, [8, 2 ** 30, 2, 2, 1, 10, 4]), says: 'which makes no model' },
  {
    why: 'heads that do not divide',
    bytes: checkpoint(10, [8, 12, 2, 3, 1, 10, 4]),
    says: 'which makes no model',
  },
  {
    why: 'version 1',
    bytes: checkpoint(10, [0x616b3432, 1, 0, 0, 0, 0, 0]),
    says: 'of version 1 or 2; version 0 is read',
  },
])('$why', async ({ bytes, says }) => {
  await expect(open(bytes)).rejects.toThrow(ModelError);
  await expect(open(bytes)).rejects.toThrow(says);
});

test('whatever is done to a file, its reader ends, with a ModelError or with values', async () => {
  const random = createRandom(3);
  for (let i = 0; i < 400; i++) {
    const bytes = mutated(checkpoint(), (bound) => random.below(bound));
    try {
      await readHostWeights(await open(bytes));
    } catch (error) {
      expect(error).toBeInstanceOf(ModelError);
    }
  }
});
