/** The data of one case on the GPU: the same random keys and values for every format, appended by our own kernel. */
import { kvBytesPerTokenPerLayer, kvLayout, type KvFormat } from '../src/core/kv/formats.ts';
import { ringWords } from '../src/core/kv/kivi.ts';
import { createRandom } from '../src/core/random.ts';
import type { Gpu } from '../src/gpu/context.ts';
import { createPagedDecode, type PagedDecode } from '../src/gpu/kernels/decode.ts';
import { decodeTwin } from '../src/gpu/kernels/decode.twin.ts';
import { createRandomRows } from '../src/gpu/kernels/random-rows.ts';
import type { DecodeTier } from '../src/gpu/kernels/tuning.ts';
import { createAppender } from '../src/engine/appender.ts';
import { autotune, tierOf, volatileTuningMemory } from '../src/lab/autotune.ts';
import type { BenchCase } from './cases.ts';

const MIB = 1_048_576;
/** Every eighth channel of K is this much larger, as in real models; see KIVI, section 3. */
const OUTLIER = 8;
/** Newest tokens that int2 keeps in f16: KIVI's default. */
const RESIDUAL_TOKENS = 128;
const STORAGE = 0x80 | 0x4 | 0x8; // GPUBufferUsage.STORAGE | COPY_SRC | COPY_DST

/** As the lab tunes: once a shape, tier and format. */
const TUNING = { memory: volatileTuningMemory(), runtime: 'bench', now: () => performance.now() };

export interface Inputs {
  readonly query: GPUBuffer;
  /** f32 [batch·context][kvHeads][headDim] */
  readonly keys: GPUBuffer;
  readonly values: GPUBuffer;
  readonly output: GPUBuffer;
  readonly contextLengths: GPUBuffer;
}

export async function makeInputs(gpu: Gpu, shape: BenchCase): Promise<Inputs> {
  const { batch, queryHeads, kvHeads, headDim, context } = shape;
  const tokens = batch * context;
  const rows = async (heads: number, count: number, seed: number, outlier: number): Promise<GPUBuffer> => {
    const out = await gpu.buffers.tryCreate('Bench.rows', count * heads * headDim * 4, STORAGE);
    const random = await createRandomRows(gpu, { heads, headDim });
    await inPass(gpu, (pass) => random.encode(pass, { out, rows: count, seed, outlier }));
    return out;
  };
  return {
    query: await rows(queryHeads, batch, 1, 1),
    keys: await rows(kvHeads, tokens, 2, OUTLIER),
    values: await rows(kvHeads, tokens, 3, 1),
    output: gpu.buffers.create('Bench.output', batch * queryHeads * headDim * 4, STORAGE),
    contextLengths: gpu.buffers.upload('Bench.contextLengths', new Uint32Array(batch).fill(context)),
  };
}

/** A cache in one format, in one order of blocks, in enough copies that repeated calls do not find it in a cache. */
export interface Pools {
  readonly shape: BenchCase;
  readonly format: KvFormat;
  readonly copies: readonly GPUBuffer[];
  readonly table: Uint32Array;
  readonly tableBuffer: GPUBuffer;
  readonly tableStride: number;
  /** int2: the rings of the newest tokens, and each sequence's own. */
  readonly residual?: { readonly residual: GPUBuffer; readonly residualSlots: GPUBuffer };
  /** Bytes of K and V that one call reads. */
  readonly kvBytes: number;
}

export async function makePools(
  gpu: Gpu,
  shape: BenchCase,
  format: KvFormat,
  order: 'shuffled' | 'ordered',
  inputs: Inputs,
): Promise<Pools> {
  const { batch, context, blockSize } = shape;
  const tableStride = Math.ceil(context / blockSize);
  const append = await createAppender(gpu, { ...shape, format, residualTokens: RESIDUAL_TOKENS });
  const blocks = Array.from({ length: batch * tableStride }, (_, block) => block);
  const table = Uint32Array.from(order === 'shuffled' ? createRandom(7).shuffled(blocks) : blocks);
  const poolBytes = table.length * kvLayout(format, shape).blockBytes;
  const pool = await gpu.buffers.tryCreate('Bench.pool', poolBytes, STORAGE);
  const slots = Int32Array.from({ length: batch * context }, (_, token) => {
    const sequence = Math.floor(token / context);
    const position = token % context;
    const block = table[sequence * tableStride + Math.floor(position / blockSize)] ?? 0;
    return block * blockSize + (position % blockSize);
  });
  const slotBuffer = gpu.buffers.upload('Bench.slots', slots);
  const tableBuffer = gpu.buffers.upload('Bench.table', table);
  const starts = Uint32Array.from({ length: batch + 1 }, (_, sequence) => sequence * context);
  const queryStarts = gpu.buffers.upload('Bench.starts', starts);
  const rings = format === 'int2' ? await makeRings(gpu, shape) : null;
  const residualSlots =
    rings?.residualSlots ?? gpu.buffers.upload('Bench.residualSlots', new Uint32Array(batch));
  await inPass(gpu, (pass) =>
    append.encode(pass, {
      key: inputs.keys,
      value: inputs.values,
      pool,
      ring: rings?.residual,
      slots: slotBuffer,
      tokens: slots.length,
      sequences: {
        ...{ blockTable: tableBuffer, tableStride, queryStarts, residualSlots, batch },
        contextLengths: inputs.contextLengths,
        maxNewTokens: context,
      },
    }),
  );
  gpu.buffers.destroy(slotBuffer, queryStarts);
  if (!rings) gpu.buffers.destroy(residualSlots);
  return {
    shape,
    format,
    copies: await rotate(gpu, pool),
    table,
    tableBuffer,
    tableStride,
    ...(rings && { residual: rings }),
    kvBytes: batch * context * kvBytesPerTokenPerLayer(format, shape),
  };
}

async function makeRings(gpu: Gpu, { batch, kvHeads, headDim }: BenchCase) {
  const words = batch * ringWords({ kvHeads, headDim, residualTokens: RESIDUAL_TOKENS });
  return {
    residual: await gpu.buffers.tryCreate('Bench.residual', words * 4, STORAGE),
    residualSlots: gpu.buffers.upload(
      'Bench.residualSlots',
      Uint32Array.from({ length: batch }, (_, i) => i),
    ),
  };
}

/** Copies of the pool until they exceed a last-level cache together. */
async function rotate(gpu: Gpu, pool: GPUBuffer): Promise<GPUBuffer[]> {
  const footprint = (gpu.isFallback ? 96 : 256) * MIB;
  const copies = [pool];
  while (copies.length * pool.size < footprint && copies.length < 16) {
    const copy = await gpu.buffers.tryCreate('Bench.pool', pool.size, STORAGE);
    const encoder = gpu.device.createCommandEncoder();
    encoder.copyBufferToBuffer(pool, 0, copy, 0, pool.size);
    gpu.device.queue.submit([encoder.finish()]);
    copies.push(copy);
  }
  await gpu.device.queue.onSubmittedWorkDone();
  return copies;
}

export interface Contender {
  readonly format: KvFormat;
  readonly layout: 'paged' | 'contiguous';
  readonly tier: DecodeTier;
  readonly variant: string;
  readonly kvBytes: number;
  /** Largest difference from the double-precision twin over the first sequence. */
  readonly maxAbsError: number;
  encode(pass: GPUComputePassEncoder, call: number): void;
  destroy(): void;
}

/** A kernel on a cache, checked against its twin before anybody times it. */
export async function makeContender(
  gpu: Gpu,
  pools: Pools,
  inputs: Inputs,
  layout: 'paged' | 'contiguous',
  tier: 'auto' | DecodeTier,
): Promise<Contender> {
  const { shape, format, copies, tableBuffer, tableStride, kvBytes } = pools;
  const chosen = tierOf(gpu, tier);
  const tuning = await autotune(gpu, chosen, { ...shape, format }, TUNING);
  const kernel = await createPagedDecode(gpu, {
    ...shape,
    format,
    layout,
    tier: chosen,
    tuning,
    maxBatch: shape.batch,
    maxContextTokens: shape.context,
    ...(format === 'int2' && { residualTokens: RESIDUAL_TOKENS }),
  });
  const encode = (pass: GPUComputePassEncoder, call: number): void => {
    const pool = copies[call % copies.length];
    if (!pool) throw new Error('A case has no pool.');
    kernel.encode(pass, {
      query: inputs.query,
      pool,
      ...(layout === 'paged' ? { blockTable: tableBuffer } : {}),
      ...pools.residual,
      contextLengths: inputs.contextLengths,
      output: inputs.output,
      batch: shape.batch,
      maxContextTokens: shape.context,
      tableStride,
    });
  };
  const maxAbsError = await compareWithTwin(gpu, kernel, pools, inputs, layout, encode);
  return {
    format,
    layout,
    tier: kernel.tier,
    variant: kernel.variant,
    kvBytes,
    maxAbsError,
    encode,
    destroy: () => kernel.destroy(),
  };
}

async function compareWithTwin(
  gpu: Gpu,
  kernel: PagedDecode,
  pools: Pools,
  inputs: Inputs,
  layout: 'paged' | 'contiguous',
  encode: Contender['encode'],
): Promise<number> {
  const { queryHeads, headDim, context } = pools.shape;
  await inPass(gpu, (pass) => encode(pass, 0));
  const rowBytes = queryHeads * headDim * 4;
  const output = new Float32Array(await gpu.buffers.read(inputs.output, 0, rowBytes));
  const query = new Float32Array(await gpu.buffers.read(inputs.query, 0, rowBytes));
  const [pool] = pools.copies;
  if (!pool) throw new Error('A case has no pool.');
  const { residual } = pools;
  const expected = decodeTwin({
    ...(residual && {
      residual: {
        words: new Uint32Array(await gpu.buffers.read(residual.residual)),
        slots: [0],
        tokens: RESIDUAL_TOKENS,
      },
    }),
    layout: kernel.layout,
    queryHeads,
    batch: 1,
    query,
    pool: new Uint32Array(await gpu.buffers.read(pool)),
    blockTable: layout === 'paged' ? pools.table : null,
    tableStride: pools.tableStride,
    contextLengths: [context],
  }).output;
  return output.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected[i] ?? Infinity))), 0);
}

export async function inPass(gpu: Gpu, body: (pass: GPUComputePassEncoder) => void): Promise<void> {
  const encoder = gpu.device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  body(pass);
  pass.end();
  gpu.device.queue.submit([encoder.finish()]);
  await gpu.device.queue.onSubmittedWorkDone();
}
