/**
 * One GPU for kernel tests: the browser's, or under Node the Dawn binding that DAWN names.
 *
 * Without either, tests are skipped in words; with REQUIRE_GPU=1 the skip is a failure, so that a run which tested
 * nothing can't look green.
 */
import { openGpu, type Gpu, type OpenOptions } from '../../src/gpu/context.ts';

/** Kept for the life of the process: a collected instance takes its devices with it and crashes Node. */
let dawnInstance: GPU | null = null;

/** The adapter that tests run on; null without one. */
export async function requestTestAdapter(): Promise<GPUAdapter | null> {
  if (typeof navigator !== 'undefined' && navigator.gpu) return navigator.gpu.requestAdapter();
  const path = typeof process !== 'undefined' ? process.env['DAWN'] : undefined;
  if (!path) return null;
  const { createRequire } = await import('node:module');
  const dawn = createRequire(import.meta.url)(path) as { create(flags: string[]): GPU; globals: object };
  Object.assign(globalThis, dawn.globals);
  dawnInstance ??= dawn.create([]);
  return dawnInstance.requestAdapter();
}

/** Opens a GPU. @throws Error in words when there is none. */
export async function openTestGpu(options: OpenOptions = {}): Promise<Gpu> {
  const adapter = await requestTestAdapter();
  if (!adapter) {
    throw new Error(
      'No WebGPU adapter: kernel tests need a Chromium with WebGPU, or DAWN naming a Dawn binding.',
    );
  }
  return openGpu(adapter, options);
}

/** Runs `body` inside validation and out-of-memory scopes and throws what they caught. */
export async function inErrorScope<T>(gpu: Gpu, body: () => Promise<T>): Promise<T> {
  gpu.device.pushErrorScope('validation');
  gpu.device.pushErrorScope('out-of-memory');
  try {
    return await body();
  } finally {
    const memory = await gpu.device.popErrorScope();
    const validation = await gpu.device.popErrorScope();
    const error = validation ?? memory;
    if (error) throw new Error(`The GPU reported: ${error.message}`);
  }
}
