/** Runs decode attention on the GPU for a test case and measures its distance from the twin. */
import type { Gpu } from '../../../src/gpu/context.ts';
import { createPagedDecode, type PagedDecode } from '../../../src/gpu/kernels/decode.ts';
import { decodeTwin } from '../../../src/gpu/kernels/decode.twin.ts';
import type { DecodeTier, DecodeTuning } from '../../../src/gpu/kernels/tuning.ts';
import { inErrorScope } from '../../support/gpu.ts';
import { makeInputs, type DecodeCase, type DecodeInputs } from './decode.inputs.ts';

export interface DecodeVariant {
  readonly tier: DecodeTier;
  readonly tuning?: DecodeTuning;
  readonly emitScores?: boolean;
}

export interface GpuResult {
  readonly output: Float32Array;
  /** [batch][queryHeads][contextTokens] */
  readonly scores: Float32Array | null;
  readonly variant: string;
  readonly splits: number;
}

export async function runOnGpu(
  gpu: Gpu,
  test: DecodeCase,
  variant: DecodeVariant,
  inputs: DecodeInputs,
): Promise<GpuResult> {
  return inErrorScope(gpu, async () => {
    const kernel = await createPagedDecode(gpu, {
      ...test,
      ...variant,
      windowed: (test.windowTokens ?? 0) > 0,
      maxBatch: inputs.batch,
      maxContextTokens: inputs.contextTokens,
    });
    try {
      return await dispatch(gpu, test, variant, inputs, kernel);
    } finally {
      kernel.destroy();
    }
  });
}

async function dispatch(
  gpu: Gpu,
  test: DecodeCase,
  variant: DecodeVariant,
  inputs: DecodeInputs,
  kernel: PagedDecode,
): Promise<GpuResult> {
  const { batch, contextTokens, residual, blockTable } = inputs;
  const live: GPUBuffer[] = [];
  const upload = (label: string, data: Uint32Array | Float32Array): GPUBuffer => {
    const buffer = gpu.buffers.upload(`Test.${label}`, data);
    live.push(buffer);
    return buffer;
  };
  const rows = batch * test.queryHeads;
  const output = upload('output', new Float32Array(rows * test.headDim).fill(NaN));
  const scores = variant.emitScores
    ? upload('scores', new Float32Array(rows * contextTokens).fill(NaN))
    : null;
  const encoder = gpu.device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  kernel.encode(pass, {
    query: upload('query', inputs.query),
    pool: upload('pool', inputs.pool),
    contextLengths: upload('lengths', inputs.contextLengths),
    output,
    batch,
    maxContextTokens: contextTokens,
    tableStride: inputs.tableStride,
    tableHeads: inputs.tableHeads ?? 1,
    windowTokens: inputs.windowTokens ?? 0,
    sinkTokens: inputs.sinkTokens ?? 0,
    ...(blockTable ? { blockTable: upload('table', blockTable) } : {}),
    ...(scores ? { scores } : {}),
    ...(residual
      ? {
          residual: upload('residual', residual.words),
          residualSlots: upload('residualSlots', Uint32Array.from(residual.slots)),
        }
      : {}),
  });
  pass.end();
  gpu.device.queue.submit([encoder.finish()]);
  const result = {
    output: new Float32Array(await gpu.buffers.read(output)).subarray(0, rows * test.headDim),
    scores: scores
      ? new Float32Array(await gpu.buffers.read(scores)).subarray(0, rows * contextTokens)
      : null,
    variant: kernel.variant,
    splits: kernel.plan(batch, contextTokens).splits,
  };
  gpu.buffers.destroy(...live);
  return result;
}

export interface Distance {
  /** Largest error of the output, in units of the largest value in it. NaN where the kernel gave NaN. */
  readonly output: number;
  /** Largest absolute error of a probability; 0 without scores. */
  readonly scores: number;
}

/** The kernel's distance from the twin. */
export async function distanceFromTwin(
  gpu: Gpu,
  test: DecodeCase,
  variant: DecodeVariant,
): Promise<Distance> {
  const inputs = makeInputs(test);
  const result = await runOnGpu(gpu, test, variant, inputs);
  const expected = decodeTwin(inputs);
  const size = expected.output.reduce((a, x) => Math.max(a, Math.abs(x)), 1);
  let scores = 0;
  expected.scores.forEach((row, r) => {
    for (let t = 0; result.scores && t < inputs.contextTokens; t++) {
      const value = result.scores[r * inputs.contextTokens + t] ?? NaN;
      scores = Math.max(scores, Math.abs(value - (row[t] ?? 0)));
    }
  });
  return { output: largestDifference(result.output, expected.output) / size, scores };
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs((a[i] ?? NaN) - (b[i] ?? NaN)));
  return largest;
}
