/** Small steps of kernel tests: upload, run one pass in an error scope, read back. */
import type { Gpu } from '../../src/gpu/context.ts';
import { inErrorScope } from './gpu.ts';

const { fround } = Math;

/** A buffer of `words` u32 zeros (or of one f32 value) that kernels may write and tests may read. */
export function scratch(gpu: Gpu, name: string, words: number, fill = 0): GPUBuffer {
  return gpu.buffers.upload(`Test.${name}`, new Float32Array(words).fill(fround(fill)));
}

/** Encodes and runs one compute pass; validation errors become exceptions. */
export async function runPass(gpu: Gpu, encode: (pass: GPUComputePassEncoder) => void): Promise<void> {
  await inErrorScope(gpu, async () => {
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    encode(pass);
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
    await gpu.device.queue.onSubmittedWorkDone();
  });
}

export async function readFloats(gpu: Gpu, buffer: GPUBuffer): Promise<Float32Array> {
  return new Float32Array(await gpu.buffers.read(buffer));
}

export async function readWords(gpu: Gpu, buffer: GPUBuffer): Promise<Uint32Array> {
  return new Uint32Array(await gpu.buffers.read(buffer));
}
