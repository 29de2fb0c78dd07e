/**
 * Nothing is timed before it was right: the kernels of a point, as they will run, against their twins on a small cache
 * of ragged lengths behind a shuffled table.
 */
import { decodeRow } from '../core/kv/encode.ts';
import { ringRow } from '../core/kv/kivi.ts';
import { f16Value } from '../core/kv/small-float.ts';
import type { Gpu } from '../gpu/context.ts';
import { appendTwin } from '../gpu/kernels/append.twin.ts';
import { createPagedDecode } from '../gpu/kernels/decode.ts';
import type { PagedDecodeConfig } from '../gpu/kernels/decode-config.ts';
import { decodeTwin } from '../gpu/kernels/decode.twin.ts';
import { createPrefill } from '../gpu/kernels/prefill.ts';
import { prefillTwin } from '../gpu/kernels/prefill.twin.ts';
import { randomRowsTwin } from '../gpu/kernels/random-rows.ts';
import type { DecodeTuning } from '../gpu/kernels/tuning.ts';
import {
  attentionBuffers,
  checked,
  decodeArgs,
  decodeErrorOf,
  decodeOnce,
  once,
  queryRows,
} from './compare.ts';
import { WrongResultError } from './errors.ts';
import { createFilledCache, slotOf, type CacheShape, type FilledCache } from './filled-cache.ts';
import { KEY_OUTLIER, tokenSeed } from './token-source.ts';

export interface VerifiedKernels {
  /** Decode's. */
  readonly variant: string;
  /** Largest |kernel − twin|. */
  readonly decodeError: number;
  readonly prefillError: number;
}

export interface VerifyOptions {
  readonly shape: CacheShape;
  readonly layout: 'paged' | 'contiguous';
  readonly tier: PagedDecodeConfig['tier'];
  readonly tuning: DecodeTuning | null;
  readonly windowTokens: number;
  readonly sinkTokens: number;
  readonly seed: number;
  /** Also checks the variant of decode that writes probabilities, for eviction. */
  readonly emitScores?: boolean;
}

/** Codes that lie on a rounding boundary may fall to either side. */
const WORDS_MAY_DIFFER = 0.02;

/** @throws WrongResultError where a kernel is off; then it must not be timed. */
export async function verifyKernels(gpu: Gpu, options: VerifyOptions): Promise<VerifiedKernels> {
  const { shape, layout, seed } = options;
  const { blockSize } = shape;
  // A block not quite full, one just begun, several; and for int2 enough that some tokens have left the ring.
  const beyondRing = shape.format === 'int2' ? shape.residualTokens : 0;
  const lengths = [blockSize - 1, blockSize + 1, beyondRing + 2 * blockSize + 3];
  const cache = await createFilledCache(gpu, { shape, layout, lengths, seed });
  try {
    const contents = await readCache(gpu, cache);
    checkAppended(cache, contents);
    const prefillError = await checkPrefill(gpu, options, cache, contents);
    const { variant, error } = await checkDecode(gpu, options, cache);
    if (options.emitScores) await checkScores(gpu, options, cache, contents);
    return { variant, decodeError: error, prefillError };
  } finally {
    cache.destroy();
  }
}

interface Contents {
  readonly pool: Uint32Array;
  readonly ring: Uint32Array | null;
}

async function readCache(gpu: Gpu, { pool, ring }: FilledCache): Promise<Contents> {
  return {
    pool: new Uint32Array(await gpu.buffers.read(pool)),
    ring: ring ? new Uint32Array(await gpu.buffers.read(ring)) : null,
  };
}

/** The appended words against the twin's. int2 has been through its ring; attention over it tells as much. */
function checkAppended(cache: FilledCache, { pool }: Contents): void {
  const { shape, layout, lengths, rows, seed } = cache;
  if (shape.format === 'int2') return;
  const { kvHeads: heads, headDim } = shape;
  const rowsOf = (part: number, outlier: number) =>
    randomRowsTwin({ rows, heads, headDim, seed: tokenSeed(seed, part), outlier });
  const slots = [...lengths].flatMap((length, b) =>
    Array.from({ length }, (_, token) => slotOf(cache, b, token)),
  );
  const expected = new Uint32Array(pool.length);
  appendTwin(expected, layout, { key: rowsOf(1, KEY_OUTLIER), value: rowsOf(2, 1), slots });
  let differ = 0;
  expected.forEach((word, i) => (differ += word === pool[i] ? 0 : 1));
  const share = differ / expected.length;
  if (share > WORDS_MAY_DIFFER) throw new WrongResultError(`append-${shape.format}`, share, WORDS_MAY_DIFFER);
}

async function checkPrefill(
  gpu: Gpu,
  { windowTokens, sinkTokens }: VerifyOptions,
  cache: FilledCache,
  contents: Contents,
): Promise<number> {
  const { shape, lengths, tableStride } = cache;
  const { queryHeads, kvHeads, headDim, format, residualTokens } = shape;
  const prefill = await createPrefill(gpu, { ...shape, ...(format === 'int2' && { residualTokens }) });
  const queryStarts = new Uint32Array(lengths.length + 1);
  lengths.forEach((length, b) => (queryStarts[b + 1] = (queryStarts[b] ?? 0) + length));
  const totalTokens = queryStarts[lengths.length] ?? 0;
  const { STORAGE, COPY_SRC } = GPUBufferUsage;
  const output = gpu.buffers.create(
    'Verify.output',
    totalTokens * queryHeads * headDim * 4,
    STORAGE | COPY_SRC,
  );
  const starts = gpu.buffers.upload('Verify.starts', queryStarts);
  try {
    await once(gpu, (pass) =>
      prefill.encode(pass, {
        ...attentionBuffers(cache),
        blockTable: cache.blockTable,
        queryStarts: starts,
        output,
        batch: lengths.length,
        totalTokens,
        maxQueryTokens: Math.max(...lengths),
        maxContextTokens: Math.max(...lengths),
        tableStride,
        windowTokens,
        sinkTokens,
      }),
    );
    const expected = prefillTwin({
      query: queryRows(cache, totalTokens),
      keys: (b, token, head) => readRow(cache, contents, 'k', b, token, head),
      values: (b, token, head) => readRow(cache, contents, 'v', b, token, head),
      queryStarts,
      contextLengths: lengths,
      ...{ queryHeads, kvHeads, headDim, windowTokens, sinkTokens },
    });
    return checked(prefill.variant, new Float32Array(await gpu.buffers.read(output)), expected);
  } finally {
    gpu.buffers.destroy(output, starts);
  }
}

async function checkDecode(
  gpu: Gpu,
  options: VerifyOptions,
  cache: FilledCache,
): Promise<{ variant: string; error: number }> {
  const { shape, layout, tier, tuning, windowTokens, sinkTokens } = options;
  const windowed = windowTokens > 0;
  const decode = await createPagedDecode(gpu, {
    ...shape,
    layout,
    tier,
    ...(tuning && { tuning }),
    windowed,
    maxBatch: cache.lengths.length,
    maxContextTokens: cache.tableStride * shape.blockSize,
  });
  try {
    const output = await decodeOnce(gpu, decode, cache, windowed ? { windowTokens, sinkTokens } : {});
    const error = await decodeErrorOf(gpu, decode.variant, cache, output, {
      sequences: [...cache.lengths.keys()],
      windowTokens,
      sinkTokens,
    });
    return { variant: decode.variant, error };
  } finally {
    decode.destroy();
  }
}

/** The probabilities that eviction ranks by. */
async function checkScores(
  gpu: Gpu,
  { shape, layout, tier, tuning }: VerifyOptions,
  cache: FilledCache,
  { pool }: Contents,
): Promise<void> {
  const batch = cache.lengths.length;
  const stride = Math.max(...cache.lengths);
  const { queryHeads, headDim } = shape;
  const config = { ...shape, layout, tier, ...(tuning && { tuning }), emitScores: true };
  const decode = await createPagedDecode(gpu, { ...config, maxBatch: batch, maxContextTokens: stride });
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
  const output = gpu.buffers.create('Verify.output', batch * queryHeads * headDim * 4, usage);
  const scores = gpu.buffers.create('Verify.scores', batch * queryHeads * stride * 4, usage);
  try {
    await once(gpu, (pass) => decode.encode(pass, { ...decodeArgs(cache, output), scores }));
    const got = new Float32Array(await gpu.buffers.read(scores));
    const twin = decodeTwin({
      ...{ layout: cache.layout, queryHeads, batch, pool, tableStride: cache.tableStride },
      query: queryRows(cache, batch),
      blockTable: cache.table,
      contextLengths: cache.lengths,
    });
    twin.scores.forEach((row, i) => {
      checked(`${decode.variant} scores`, got.subarray(i * stride, i * stride + row.length), row);
    });
  } finally {
    decode.destroy();
    gpu.buffers.destroy(output, scores);
  }
}

function readRow(
  cache: FilledCache,
  { pool, ring }: Contents,
  part: 'k' | 'v',
  sequence: number,
  token: number,
  head: number,
): ArrayLike<number> {
  const { shape, layout, lengths } = cache;
  const { residualTokens, headDim } = shape;
  const length = lengths[sequence] ?? 0;
  const quantized =
    part === 'k'
      ? Math.floor(length / residualTokens) * residualTokens
      : Math.max(0, length - residualTokens);
  if (ring && token >= quantized) {
    const at = ringRow(shape, lengths.length - 1 - sequence, part, head, token);
    return Float64Array.from({ length: headDim }, (_, c) => {
      const word = ring[at + (c >> 1)] ?? 0;
      return f16Value(c % 2 === 0 ? word & 0xffff : word >>> 16);
    });
  }
  return decodeRow(pool, layout, part, head, slotOf(cache, sequence, token));
}
