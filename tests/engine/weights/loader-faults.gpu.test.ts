/** Loads that fail: one sentence, and the ledger as it was before. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memorySource } from '../../../src/engine/files/byte-source.ts';
import { ModelError } from '../../../src/engine/files/error.ts';
import { weightBytes } from '../../../src/engine/weights/layout.ts';
import { loadModel, type LoadOptions } from '../../../src/engine/weights/loader.ts';
import { openModelFolder } from '../../../src/engine/weights/open.ts';
import { randomModel } from '../../../src/engine/weights/random.ts';
import type { TensorSource } from '../../../src/engine/weights/tensor-source.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { openTestGpu } from '../../support/gpu.ts';
import {
  f32Tensor,
  llamaConfigJson,
  memoryFolder,
  safetensorsFile,
  tensorsOf,
  type FileTensor,
} from '../../support/model-files.ts';
import { SMALL_CONFIGS } from '../../support/small-models.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu.device.destroy());

const CONFIG = SMALL_CONFIGS.qwen2;
const OPTIONS: LoadOptions = { weightFormat: 'f16', budgetBytes: 1e9, chunkBytes: 2048 };

/** A small file, with its tensors changed. */
async function source(
  change: (tensors: FileTensor[]) => FileTensor[] = (same) => same,
): Promise<TensorSource> {
  const tensors = await tensorsOf(randomModel(CONFIG, 2));
  const folder = memoryFolder(
    { 'config.json': llamaConfigJson(CONFIG), 'model.safetensors': safetensorsFile(change(tensors)) },
    'small',
  );
  return openModelFolder(folder);
}

function replaced(name: string, make: (tensor: FileTensor) => FileTensor) {
  return (tensors: FileTensor[]) => tensors.map((tensor) => (tensor.name === name ? make(tensor) : tensor));
}

/** Fails as it should, and leaves nothing allocated. */
async function refused(from: TensorSource, options: Partial<LoadOptions> = {}): Promise<ModelError> {
  const before = gpu.buffers.allocatedBytes;
  const error = await loadModel(gpu, from, { ...OPTIONS, ...options }).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(gpu.buffers.allocatedBytes).toBe(before);
  if (!(error instanceof ModelError)) throw new Error(`It did not fail as it should: ${String(error)}`);
  return error;
}

const LAST = 'model.layers.1.mlp.down_proj.weight';

/** A tensor with one half changed, close to its end so that most of the model is loaded by then. */
function withHalf(bits: number) {
  return replaced(LAST, (tensor) => {
    const bytes = tensor.bytes.slice();
    new DataView(bytes.buffer).setUint16(bytes.byteLength - 2, bits, true);
    return { ...tensor, bytes };
  });
}

describe('weights', () => {
  test.each(['f32', 'f16', 'int8', 'int4'] as const)('NaN, loaded as %s', async (weightFormat) => {
    const error = await refused(await source(withHalf(0x7e00)), { weightFormat });
    expect(error.code).toBe('values');
    expect(error.message).toContain(`Tensor ${LAST} holds NaN at element 2879; weights must be finite`);
  });

  test('infinity', async () => {
    expect((await refused(await source(withHalf(0xfc00)))).message).toContain('holds -Infinity at element');
  });

  test('NaN in a norm', async () => {
    const error = await refused(
      await source(
        replaced('model.norm.weight', ({ name, shape }) =>
          f32Tensor(name, shape, new Float32Array(40).fill(NaN)),
        ),
      ),
    );
    expect(error.message).toContain('Tensor model.norm.weight holds NaN at element 0');
  });

  test('a value that f16 can’t hold is refused as f16 and loaded as f32', async () => {
    const large = await source(
      replaced(LAST, ({ name, shape }) => f32Tensor(name, shape, new Float32Array(2880).fill(7e4))),
    );
    expect((await refused(large)).message).toContain("holds 70000 at element 0, beyond f16's 65504");
    const model = await loadModel(gpu, large, { ...OPTIONS, weightFormat: 'f32' });
    model.weights.destroy();
  });
});

describe('files that do not fit the configuration', () => {
  test('missing tensors are named and counted before anything is allocated', async () => {
    const peak = gpu.buffers.peakBytes;
    const error = await refused(
      await source((tensors) => tensors.filter(({ name }) => !name.includes('layers.1.mlp'))),
    );
    expect(error).toMatchObject({ code: 'missing', data: { missing: 3 } });
    expect(error.message).toContain(
      'small has no tensor model.layers.1.mlp.gate_proj.weight and 2 more of 26',
    );
    expect(gpu.buffers.peakBytes).toBe(peak);
  });

  test('a wrong shape', async () => {
    const error = await refused(
      await source(
        replaced('model.layers.0.self_attn.k_proj.weight', (tensor) => ({ ...tensor, shape: [40, 16] })),
      ),
    );
    expect(error.code).toBe('shape');
    expect(error.message).toContain('is [40, 16], but its configuration makes it [16, 40]');
  });
});

describe('sizes', () => {
  test('over budget: the real number of bytes, and the largest format that fits', async () => {
    const from = await source();
    const [f16, int8, int4] = (['f16', 'int8', 'int4'] as const).map((format) => weightBytes(from, format));
    const tight = await refused(from, { budgetBytes: (f16 ?? 0) - 1 });
    expect(tight.message).toContain(
      `need ${f16} bytes as f16 and the budget is ${(f16 ?? 0) - 1}; as int8 they need ${int8}`,
    );
    const least = await refused(from, { budgetBytes: 100 });
    expect(least.message).toContain(`even as int4 they need ${int4}: raise the budget`);
  });

  test('the bytes announced are the bytes allocated', async () => {
    const from = await source();
    const before = gpu.buffers.allocatedBytes;
    for (const weightFormat of ['f32', 'f16', 'int8', 'int4'] as const) {
      const model = await loadModel(gpu, from, {
        ...OPTIONS,
        weightFormat,
        budgetBytes: weightBytes(from, weightFormat),
      });
      expect(gpu.buffers.allocatedBytes - before).toBe(weightBytes(from, weightFormat));
      model.weights.destroy();
    }
  });

  test('a matrix that no buffer can bind', async () => {
    const most = Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
    const vocab = Math.ceil(most / 2 / 4096) + 1;
    const error = await refused(randomModel({ ...CONFIG, hidden: 4096, layers: 1, vocab }, 1), {
      budgetBytes: 1e15,
    });
    expect(error.code).toBe('too-large');
    expect(error.message).toContain(`embedding of small-qwen2 needs ${vocab * 4096 * 2} bytes as f16`);
    expect(error.message).toContain(`this device binds ${most}`);
  });
});

describe('sources that fail', () => {
  test('cut off in the middle', async () => {
    const tensors = await tensorsOf(randomModel(CONFIG, 2));
    const whole = safetensorsFile(tensors);
    // The header was read whole; the data end early when they are read, as with a file that changes on disk.
    const shrinking = memorySource('model.safetensors', whole);
    let reads = 0;
    const folder = memoryFolder({ 'config.json': llamaConfigJson(CONFIG) }, 'small');
    const opened = await openModelFolder({
      name: 'small',
      file: async (name) =>
        name === 'model.safetensors'
          ? {
              ...shrinking,
              read: (offset, length, signal) =>
                memorySource('model.safetensors', ++reads > 8 ? whole.subarray(0, 9000) : whole).read(
                  offset,
                  length,
                  signal,
                ),
            }
          : folder.file(name),
    });
    const error = await refused(opened);
    expect(error.code).toBe('corrupt');
    expect(error.message).toContain('model.safetensors ends at byte 9000');
  });

  test('cancelled before and in the middle', async () => {
    const from = await source();
    expect((await refused(from, { signal: AbortSignal.abort() })).code).toBe('cancelled');
    const controller = new AbortController();
    let steps = 0;
    const error = await refused(from, {
      signal: controller.signal,
      onProgress: () => {
        if (++steps === 5) controller.abort();
      },
    });
    expect(error.code).toBe('cancelled');
    expect(steps).toBe(5);
  });

  test('the GPU is lost in the middle', async () => {
    const own = await openTestGpu();
    let steps = 0;
    const loading = loadModel(own, await source(), {
      ...OPTIONS,
      onProgress: () => {
        if (++steps === 5) own.device.destroy();
      },
    });
    await expect(loading).rejects.toMatchObject({ code: 'device-lost' });
    expect(own.buffers.allocatedBytes).toBe(0);
  });
});
