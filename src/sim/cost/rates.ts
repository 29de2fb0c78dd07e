/**
 * How fast a device does each kind of work, as a roofline takes it: published rates times named efficiencies, or rates
 * that a hardware check measured.
 */
import { halfTflops, type AttentionKernel, type GpuRecord } from '../../core/hardware/records.ts';
import type { ServedKvFormat } from '../../core/kv/layers.ts';
import type { ServedWeightFormat } from '../../core/model/parameters.ts';
import type { CostSettings } from '../../core/scenario/simulate/schema.ts';

export interface StepRates {
  /** FLOP/s of linear layers in the weights' format, and in bf16 (output layer, router). */
  readonly linearFlops: number;
  readonly headFlops: number;
  /** FLOP/s of experts. */
  readonly expertFlops: number;
  /** B/s of reading weights. */
  readonly weightBytes: number;
  /** FLOP/s and B/s of attention. */
  readonly attentionFlops: number;
  readonly kvBytes: number;
  /** B/s of elementwise work. */
  readonly elementBytes: number;
  /** Seconds that the smallest kernel takes. */
  readonly kernelSeconds: number;
  /** Multiprocessors that share a prefill's tiles; 0: their number does not matter. */
  readonly computeUnits: number;
  /** Seconds of the host in each step. */
  readonly hostSeconds: number;
}

/**
 * Where no kernel was measured on a GPU: the middle of the five that were (A100, H100, L40S, RTX 4090, RTX PRO 6000), whose
 * linear layers reach 0.74 to 0.99 of the matrix rate and, beside one smallest kernel's time for each product, 0.71 to 0.94
 * of the bandwidth, and whose attention 0.45 to 0.78 and 0.80 to 0.95.
 */
export const ASSUMED_EFFICIENCY = {
  matmulCompute: 0.8,
  matmulMemory: 0.89,
  attentionCompute: 0.52,
  attentionMemory: 0.9,
} as const;

/**
 * What the smallest kernels of all profiles take under a captured graph: 2.6 to 3.2 µs. Matrix products of few rows take as
 * much beside their bytes: 2.6 to 3.4 µs on RTX 4090, RTX PRO 6000 and H100, 4.3 to 5.6 on A100 (a line through the times
 * of 5 to 98 shapes at 1 to 16 rows).
 */
export const KERNEL_SECONDS = 3e-6;

export type RooflineSettings = Extract<CostSettings, { kind: 'roofline' }>;

/** FLOP/s of the matrix units in a weight format. int4 and mxfp4 are widened to bf16 before they are multiplied (Marlin, AWQ). */
export function matrixFlops(gpu: GpuRecord, format: ServedWeightFormat): number {
  const { fp8MatrixTflops, int8MatrixTops } = gpu.serving;
  const half = halfTflops(gpu) * 1e12;
  const rates: Record<ServedWeightFormat, number | null> = {
    bf16: null,
    fp8: fp8MatrixTflops,
    int8: int8MatrixTops,
    int4: null,
    mxfp4: null,
  };
  const narrow = rates[format];
  return narrow === null ? half : Math.max(half, narrow * 1e12);
}

/**
 * How much slower than its bytes say decode attention reads eight-bit K and V: FlashAttention-3 on H100 takes 0.58 to 0.62
 * of its bf16 time where the device is full, FlashInfer on L40S half of it (kernel timings of ai-dynamo/aiconfigurator,
 * vLLM 0.14.0 @095f58a51c).
 */
const FP8_KV_SHARE: Record<AttentionKernel, number> = { fa2: 1, fa3: 0.86, split: 1 };

/**
 * Of the 16-bit rate that experts in four bits reach on GPUs that widen them as they go: 49 % on H100 (triton-lang/triton
 * pull request 6833, bf16 × mxfp4 with swizzled values).
 */
const WIDENED_EXPERT_SHARE = 0.49;

/** FLOP/s of experts. Where there is four-bit arithmetic, mxfp4 is multiplied with activations of eight (TensorRT-LLM's gpt-oss). */
function expertFlops(gpu: GpuRecord, format: ServedWeightFormat, compute: number): number {
  if (format !== 'mxfp4') return matrixFlops(gpu, format) * compute;
  if (gpu.serving.fp4MatrixTflops !== null) return matrixFlops(gpu, 'fp8') * compute;
  return matrixFlops(gpu, 'bf16') * WIDENED_EXPERT_SHARE;
}

/** Rates of a known GPU. Settings that are null stand for what was measured on it, else for ASSUMED_EFFICIENCY. */
export function ratesOfRecord(
  gpu: GpuRecord,
  format: ServedWeightFormat,
  settings: RooflineSettings,
  kvFormat: ServedKvFormat = 'bf16',
  attentionKernel: AttentionKernel = gpu.serving.attention,
): StepRates {
  const known = gpu.serving.efficiency ?? ASSUMED_EFFICIENCY;
  const compute = settings.computeEfficiency ?? known.matmulCompute;
  const memory = settings.memoryEfficiency ?? known.matmulMemory;
  // An efficiency that the scenario sets moves attention's by the same factor, up to the published rate.
  const attention = Math.min(1, (known.attentionCompute * compute) / known.matmulCompute);
  const kv = Math.min(1, (known.attentionMemory * memory) / known.matmulMemory);
  const half = matrixFlops(gpu, 'bf16');
  const bandwidth = gpu.bandwidthGBps * 1e9;
  return {
    linearFlops: matrixFlops(gpu, format) * compute,
    headFlops: half * compute,
    expertFlops: expertFlops(gpu, format, compute),
    weightBytes: bandwidth * memory,
    attentionFlops: half * attention,
    kvBytes: bandwidth * kv * (kvFormat === 'fp8' ? FP8_KV_SHARE[attentionKernel] : 1),
    elementBytes: bandwidth * memory,
    kernelSeconds: KERNEL_SECONDS,
    computeUnits: gpu.serving.computeUnits ?? 0,
    hostSeconds: settings.overheadMs / 1000,
  };
}
