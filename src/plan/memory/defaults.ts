/** The share of a GPU's memory that an engine takes unless told, in the engine's own meaning. */
import { usableMemoryBytes, type GpuRecord } from '../../core/hardware/records.ts';
import type { PlanEngineName } from '../../core/scenario/plan/schema.ts';
import { overheadsOf } from './overheads.ts';

const GIB = 2 ** 30;

/** GPU memory in GiB up to which SGLang takes so many tokens of prompt a step and captures graphs of so many sequences. */
const SGLANG_STEPS: readonly (readonly [
  gib: number,
  prompt: number,
  captured: number,
  capturedWide: number,
])[] = [
  [20, 2048, 8, 8],
  [35, 2048, 24, 80],
  [60, 4096, 32, 160],
  [160, 8192, 256, 512],
  [Infinity, 16_384, 512, 512],
];

/**
 * SGLang's mem_fraction_static: the memory less 512 MiB, 1.5 MiB a token of a prompt's chunk, 2 MiB a captured sequence
 * and 1 GiB for eight ranks, 10 GiB at the least above 60 GiB (server_args.py _handle_gpu_memory_settings, 0.5).
 */
function sglangShare(gpu: GpuRecord, ranks: number): number {
  const mib = usableMemoryBytes(gpu) / 2 ** 20;
  const [, prompt, few, many] = SGLANG_STEPS.find(([gib]) => mib < gib * 1024) ?? [0, 8192, 256, 512];
  const reserved = 512 + prompt * 1.5 + (ranks < 4 ? few : many) * 2 + (ranks / 8) * 1024;
  const kept = mib > 60 * 1024 ? Math.max(reserved, 10 * 1024) : reserved;
  return Math.max(0.05, Math.round(((mib - kept) / mib) * 1000) / 1000);
}

/** Shares of shared memory that a GPU may hold: Metal's recommendedMaxWorkingSetSize, two thirds up to 32 GB, then three quarters. */
const SHARED_SMALL = 0.667;
const SHARED_LARGE = 0.75;

/**
 * llama.cpp fits its context into what leaves 1 GiB free on each GPU (--fit-target); where the memory is the system's, into
 * what the system lets a GPU hold (its logs on Apple's: 22,906 MB of 32 GiB, 51,540 of 64 GiB; assumed of others).
 */
function llamaCppShare(gpu: GpuRecord): number {
  if (gpu.sharedMemory) return gpu.memoryGB > 32 ? SHARED_LARGE : SHARED_SMALL;
  const total = usableMemoryBytes(gpu);
  return Math.max(0.05, Math.floor(((total - GIB) / total) * 1000) / 1000);
}

/** @param ranks of one replica */
export function defaultUtilization(
  engine: PlanEngineName,
  version: string | null,
  gpu: GpuRecord,
  ranks: number,
): number {
  const { memoryUtilization } = overheadsOf(engine, version);
  if (memoryUtilization !== null) return memoryUtilization;
  return engine === 'llama.cpp' ? llamaCppShare(gpu) : sglangShare(gpu, ranks);
}
