/** One compute pass with what `encode` puts into it, submitted. */
import type { Gpu } from '../../../src/gpu/context.ts';

export function runPass(gpu: Gpu, encode: (pass: GPUComputePassEncoder) => void): void {
  const encoder = gpu.device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  encode(pass);
  pass.end();
  gpu.device.queue.submit([encoder.finish()]);
}
