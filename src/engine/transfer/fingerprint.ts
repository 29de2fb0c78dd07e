/**
 * Which model this is, told from what its KV depends on: the configuration without its name, the format of the weights,
 * and samples of the weights themselves as they lie on the GPU.
 *
 * Boundary: two sets of weights that agree in every sample count as one. Samples are 1 kB at the beginning and in the
 * middle of the embedding and of two matrices a layer.
 */
import { canonicalJson } from '../../core/json.ts';
import { sha256 } from '../../core/kv/sha256.ts';
import type { ModelIdentity } from '../../core/transfer/types.ts';
import type { Gpu } from '../../gpu/context.ts';
import type { LoadedModel, ModelWeights } from '../weights-types.ts';

const SAMPLE_BYTES = 1024;

const known = new WeakMap<ModelWeights, Promise<string>>();

export async function identityOf(gpu: Gpu, model: LoadedModel): Promise<ModelIdentity> {
  const before = known.get(model.weights);
  const fingerprint = before ?? fingerprintOf(gpu, model);
  if (!before) known.set(model.weights, fingerprint);
  return { name: model.config.name, fingerprint: await fingerprint };
}

async function fingerprintOf(gpu: Gpu, { config, weights, weightFormat }: LoadedModel): Promise<string> {
  const { name: _name, ...facts } = config;
  const text = Uint32Array.from(new TextEncoder().encode(canonicalJson({ ...facts, weightFormat })));
  const samples = await readSamples(gpu, weights);
  const words = new Uint32Array(text.length + samples.length);
  words.set(text);
  words.set(samples, text.length);
  return Array.from(sha256(words).subarray(0, 4), (word) => word.toString(16).padStart(8, '0')).join('');
}

async function readSamples(gpu: Gpu, { embedding, layers }: ModelWeights): Promise<Uint32Array> {
  const buffers = [embedding.codes, ...layers.flatMap(({ qkv, down }) => [qkv.codes, down.codes])];
  const { MAP_READ, COPY_DST } = GPUBufferUsage;
  const staging = gpu.buffers.create(
    'Transfer.samples',
    buffers.length * 2 * SAMPLE_BYTES,
    MAP_READ | COPY_DST,
  );
  const encoder = gpu.device.createCommandEncoder({ label: 'Transfer.fingerprint' });
  buffers.forEach((buffer, i) => {
    const bytes = Math.min(SAMPLE_BYTES, buffer.size - (buffer.size % 4));
    const middle = Math.floor((buffer.size - bytes) / 8) * 4;
    encoder.copyBufferToBuffer(buffer, 0, staging, i * 2 * SAMPLE_BYTES, bytes);
    encoder.copyBufferToBuffer(buffer, middle, staging, (i * 2 + 1) * SAMPLE_BYTES, bytes);
  });
  gpu.device.queue.submit([encoder.finish()]);
  try {
    await staging.mapAsync(GPUMapMode.READ);
    return new Uint32Array(staging.getMappedRange().slice(0));
  } finally {
    gpu.buffers.destroy(staging);
  }
}
