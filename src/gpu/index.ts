/**
 * `kvlab/gpu`: kernels and timing on a `GPUDevice` that the caller made, in a browser or under Dawn in Node.
 */
export { openGpu, wrapDevice, type Gpu, type GpuFeatures, type OpenOptions } from './context.ts';
export { GpuOutOfMemoryError } from './buffers.ts';
export { ShaderError } from './pipelines.ts';
export { LaunchError } from './kernels/kernel.ts';
export {
  createTimer,
  type MeasureOptions,
  type TimedVariant,
  type Timer,
  type VariantTiming,
} from './timing.ts';
export { createAppend, type Append, type AppendArgs, type AppendConfig } from './kernels/append.ts';
export { type ResidualArgs } from './kernels/append-residual.ts';
export {
  createDequantize,
  type Dequantize,
  type DequantizeArgs,
  type DequantizeConfig,
} from './kernels/dequantize.ts';
export {
  createBlockCopy,
  encodeBounceCopy,
  type BlockCopy,
  type BlockCopyArgs,
  type BlockCopyConfig,
} from './kernels/block-copy.ts';
export { swapIn, swapOut } from './kernels/swap.ts';
export { createPagedDecode, type PagedDecode } from './kernels/decode.ts';
export type { PagedDecodeArgs, PagedDecodeConfig } from './kernels/decode-config.ts';
export { createPrefill, type Prefill, type PrefillArgs, type PrefillConfig } from './kernels/prefill.ts';
export { decodeTwin, type DecodeTwinArgs, type DecodeTwinResult } from './kernels/decode.twin.ts';
export { prefillTwin, type PrefillProblem } from './kernels/prefill.twin.ts';
export { WEIGHT_FORMATS, type WeightFormat } from './kernels/linear-config.ts';
