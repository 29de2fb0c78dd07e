/** Attention over a filled cache, and how far it is from its twin. */
import type { Gpu } from '../gpu/context.ts';
import type { PagedDecode } from '../gpu/kernels/decode.ts';
import { decodeTwin } from '../gpu/kernels/decode.twin.ts';
import { randomRowsTwin } from '../gpu/kernels/random-rows.ts';
import { swapOut } from '../gpu/kernels/swap.ts';
import { WrongResultError } from './errors.ts';
import type { FilledCache } from './filled-cache.ts';
import { tokenSeed } from './token-source.ts';

/** f32 sums over hundreds of products and an exp2 of a few ulp, relative to the largest value. */
export const TOLERANCE = 1e-3;
/** Decode's output, f32 [batch][queryHeads][headDim], on the first rows of the cache's queries. */
export async function decodeOnce(
  gpu: Gpu,
  decode: PagedDecode,
  cache: FilledCache,
  window: { windowTokens?: number; sinkTokens?: number } = {},
): Promise<Float32Array> {
  const { queryHeads, headDim } = cache.shape;
  const bytes = cache.lengths.length * queryHeads * headDim * 4;
  const output = gpu.buffers.create('Verify.output', bytes, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
  try {
    await once(gpu, (pass) => decode.encode(pass, { ...decodeArgs(cache, output), ...window }));
    return new Float32Array(await gpu.buffers.read(output));
  } finally {
    gpu.buffers.destroy(output);
  }
}

/** Arguments of one decode over the whole cache. */
export function decodeArgs(cache: FilledCache, output: GPUBuffer) {
  return {
    ...attentionBuffers(cache),
    blockTable: cache.blockTable,
    output,
    batch: cache.lengths.length,
    maxContextTokens: Math.max(...cache.lengths),
    tableStride: cache.tableStride,
  };
}

/** What every attention launch reads of the cache. */
export function attentionBuffers({ tokens, pool, ring, residualSlots, contextLengths }: FilledCache) {
  return {
    query: tokens.query,
    pool,
    ...(ring && { residual: ring, residualSlots }),
    contextLengths,
  };
}

export interface DecodeErrorOptions {
  /** The sequences to compare: the twin is slow, and a large batch need not be compared whole. */
  readonly sequences: readonly number[];
  readonly windowTokens?: number;
  readonly sinkTokens?: number;
}

/**
 * Largest |output − twin| over some sequences, on what the pool really holds.
 * @throws WrongResultError beyond the tolerance
 */
export async function decodeErrorOf(
  gpu: Gpu,
  variant: string,
  cache: FilledCache,
  output: Float32Array,
  { sequences, windowTokens = 0, sinkTokens = 0 }: DecodeErrorOptions,
): Promise<number> {
  const { shape, layout, table, tableStride, lengths } = cache;
  const { queryHeads, headDim } = shape;
  const rowValues = queryHeads * headDim;
  const queries = queryRows(cache, lengths.length);
  const ring = cache.ring ? new Uint32Array(await gpu.buffers.read(cache.ring)) : null;
  let worst = 0;
  for (const b of sequences) {
    const blocks = table.subarray(b * tableStride, (b + 1) * tableStride);
    const pool = await swapOut(gpu, cache.pool, layout.blockBytes, [...blocks]);
    const twin = decodeTwin({
      layout,
      queryHeads,
      batch: 1,
      query: queries.subarray(b * rowValues, (b + 1) * rowValues),
      pool,
      blockTable: blocks.map((_, i) => i),
      tableStride,
      contextLengths: [lengths[b] ?? 0],
      windowTokens,
      sinkTokens,
      ...(ring && {
        residual: { words: ring, slots: [lengths.length - 1 - b], tokens: shape.residualTokens },
      }),
    });
    const got = output.subarray(b * rowValues, (b + 1) * rowValues);
    worst = Math.max(worst, checked(variant, got, twin.output));
  }
  return worst;
}

/** The queries that the token source wrote, from the twin of its kernel. */
export function queryRows({ shape, seed, rows }: FilledCache, wanted: number): Float32Array {
  const { queryHeads: heads, headDim } = shape;
  return randomRowsTwin({
    rows: Math.min(rows, wanted),
    heads,
    headDim,
    seed: tokenSeed(seed, 0),
    outlier: 1,
  });
}

/** @returns the largest absolute error. @throws WrongResultError where it is beyond the tolerance or no number */
export function checked(variant: string, got: Float32Array, expected: ArrayLike<number>): number {
  let worst = 0;
  let largest = 1;
  for (let i = 0; i < expected.length; i++) {
    const want = expected[i] ?? NaN;
    const error = Math.abs((got[i] ?? NaN) - want);
    largest = Math.max(largest, Math.abs(want));
    // NaN compares false with everything, so ask for "not small".
    if (!(error <= worst)) worst = error;
  }
  const allowed = TOLERANCE * largest;
  if (!(worst <= allowed)) throw new WrongResultError(variant, worst, allowed);
  return worst;
}

/** One submit, awaited. */
export async function once(gpu: Gpu, encode: (pass: GPUComputePassEncoder) => void): Promise<void> {
  const encoder = gpu.device.createCommandEncoder({ label: 'Verify.once' });
  const pass = encoder.beginComputePass();
  encode(pass);
  pass.end();
  gpu.device.queue.submit([encoder.finish()]);
  await gpu.device.queue.onSubmittedWorkDone();
}
