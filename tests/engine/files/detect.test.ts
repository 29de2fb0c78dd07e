/** Which model lies in dropped files, and the words for what is missing. */
import { describe, expect, test } from 'vitest';
import { detectModelFiles, type NamedFile } from '../../../src/engine/files/detect.ts';
import { ModelError } from '../../../src/engine/files/error.ts';
import { openDetected } from '../../../src/engine/weights/open.ts';
import { randomModel } from '../../../src/engine/weights/random.ts';
import { llamaConfigJson, safetensorsFile, tensorsOf } from '../../support/model-files.ts';
import { SMALL_CONFIGS } from '../../support/small-models.ts';

/** Files by path, with a few bytes each. */
function files(...paths: readonly string[]): NamedFile[] {
  return paths.map((path) => ({ path, blob: new Blob(['{}']) }));
}

describe('found', () => {
  test.each([
    {
      given: files('m/config.json', 'm/model.safetensors', 'm/tokenizer.json'),
      kind: 'safetensors',
      name: 'm',
    },
    { given: files('config.json', 'weights.safetensors'), kind: 'safetensors', name: 'model' },
    {
      given: files('m/config.json', 'm/model.safetensors.index.json', 'm/model-00001-of-00002.safetensors'),
      kind: 'safetensors',
      name: 'm',
    },
    {
      given: files('m/onnx/config.json', 'm/config.json', 'm/model.safetensors'),
      kind: 'safetensors',
      name: 'm',
    },
    { given: files('x/tiny.gguf', 'x/README.md'), kind: 'gguf', name: 'tiny' },
    { given: files('stories.bin'), kind: 'llama2c', name: 'stories' },
  ])('$kind $name', async ({ given, kind, name }) => {
    expect(await detectModelFiles(given)).toMatchObject({ kind, name });
  });

  test('a llama2.c checkpoint is the largest .bin, its vocabulary the other', async () => {
    const given = [
      { path: 'd/tok512.bin', blob: new Blob(['abc']) },
      { path: 'd/stories260K.bin', blob: new Blob(['abcdefgh']) },
    ];
    const found = await detectModelFiles(given);
    expect(found).toMatchObject({ file: { name: 'stories260K.bin' }, vocabulary: { name: 'tok512.bin' } });
  });

  test('dropped files become tensors, whatever the one safetensors file is called', async () => {
    const source = randomModel(SMALL_CONFIGS.qwen3, 1);
    const bytes = safetensorsFile(await tensorsOf(source));
    const given = [
      { path: 'dropped/config.json', blob: new Blob([llamaConfigJson(source.config)]) },
      { path: 'dropped/mine.safetensors', blob: new Blob([bytes.slice()]) },
    ];
    const { tensors } = await openDetected(await detectModelFiles(given));
    expect(tensors.config).toMatchObject({ family: 'qwen3', name: 'dropped' });
    const name = 'model.layers.0.mlp.up_proj.weight';
    expect(await tensors.tensor(name).readRows(3, 5)).toEqual(await source.tensor(name).readRows(3, 5));
  });
});

describe('not found, in words', () => {
  test.each([
    {
      given: [],
      says: 'No file was given; give a folder with config.json and safetensors, one .gguf file, or one llama2.c .bin.',
    },
    { given: files('a.txt', 'b.png'), says: 'There is no model in a.txt, b.png;' },
    { given: files('1', '2', '3', '4', '5'), says: 'There is no model in 1, 2, 3 and 2 more;' },
    {
      given: files('m/config.json', 'm/tokenizer.json'),
      says: 'm has config.json but no weights; give model.safetensors too',
    },
    {
      given: files('m/model.safetensors'),
      says: 'm has model.safetensors but no config.json beside it; give both.',
    },
    {
      given: files('m/config.json', 'n/model.safetensors'),
      says: 'm has config.json but no weights',
    },
    {
      given: files(
        'm/config.json',
        'm/model-00001-of-00002.safetensors',
        'm/model-00002-of-00002.safetensors',
      ),
      says: 'm has 2 safetensors files and no model.safetensors.index.json',
    },
    {
      given: files('m/config.json', 'm/pytorch_model.bin'),
      says: 'its weights as pytorch_model.bin, which is not read here',
    },
    {
      given: files('m/config.json', 'm/model.onnx'),
      says: 'its weights as model.onnx, which is not read here',
    },
    { given: files('a.gguf', 'b.gguf'), says: '2 GGUF files were given; give the one to load.' },
    { given: files('a-00001-of-00003.gguf'), says: 'is one of 3 parts; split GGUF files are not read' },
    {
      given: [{ path: 'x.bin', blob: new Blob(['PK rest of a zip']) }],
      says: 'x.bin is a PyTorch file, which is not read here',
    },
  ])('$says', async ({ given, says }) => {
    await expect(detectModelFiles(given)).rejects.toThrow(says);
    await expect(detectModelFiles(given)).rejects.toBeInstanceOf(ModelError);
  });
});
