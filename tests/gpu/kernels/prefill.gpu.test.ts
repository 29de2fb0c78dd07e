/**
 * Prefill attention against its twin: ragged chunks, odd lengths, shuffled tables, inactive rows, windows with sinks,
 * every group size, head dimension, block size and format, with and without subgroups.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { KV_FORMATS, type KvFormat } from '../../../src/core/kv/formats.ts';
import { createRandom } from '../../../src/core/random.ts';
import { BLOCK_SIZES, HEAD_DIMS } from '../../../src/core/scenario/schema.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { LaunchError } from '../../../src/gpu/kernels/kernel.ts';
import { createPrefill, type PrefillArgs, type PrefillConfig } from '../../../src/gpu/kernels/prefill.ts';
import type { PrefillTuning } from '../../../src/gpu/kernels/prefill-tuning.ts';
import { prefillTwin } from '../../../src/gpu/kernels/prefill.twin.ts';
import { FULL_PRODUCT } from '../../support/full.ts';
import { inErrorScope, openTestGpu } from '../../support/gpu.ts';
import { pagedCache, worstError, type PagedCache } from '../../support/paged-cache.ts';
import { productsWithSmallHeads } from '../../support/products.ts';

let gpus: Record<'auto' | 'no-subgroups', Gpu>;
beforeAll(async () => {
  gpus = { auto: await openTestGpu(), 'no-subgroups': await openTestGpu({ subgroups: false }) };
});

/** f32 sums of hundreds of products, and exp2 of a few ulp; the quantization error is in the twin's input as well. */
const TOLERANCE = 2e-4;

interface Case {
  readonly headDim: number;
  readonly group: number;
  readonly blockSize: number;
  readonly format: KvFormat;
  readonly contexts: readonly number[];
  /** Newest tokens of each sequence that are queries of this step. */
  readonly queries: readonly number[];
  readonly windowTokens?: number;
  readonly sinkTokens?: number;
}

const KV_HEADS = 2;
/** Both forms are tested on every adapter, whichever it would choose. */
const TUNING = {
  rows: { form: 'rows', lanes: 4, rowVecs: 1, keys: 8 },
  tiles: { form: 'tiles' },
} satisfies Record<string, PrefillTuning>;
const RESIDUAL_TOKENS = 32;

function inputs(test: Case, table: 'shuffled' | 'ordered' = 'shuffled') {
  const random = createRandom(7);
  const { headDim, blockSize, format, contexts } = test;
  const cache = pagedCache({
    format,
    headDim,
    blockSize,
    contexts,
    kvHeads: KV_HEADS,
    random,
    table,
    residualTokens: Math.max(RESIDUAL_TOKENS, Math.min(32, blockSize)),
  });
  const queryStarts = new Uint32Array(test.queries.length + 1);
  test.queries.forEach((tokens, b) => (queryStarts[b + 1] = (queryStarts[b] ?? 0) + tokens));
  const totalTokens = queryStarts[test.queries.length] ?? 0;
  const own = random.fork('query');
  const query = Float32Array.from({ length: totalTokens * KV_HEADS * test.group * headDim }, () =>
    own.normal(),
  );
  return { cache, query, queryStarts, totalTokens };
}

function configOf(test: Case): PrefillConfig {
  const { headDim, blockSize, format, group } = test;
  return {
    headDim,
    blockSize,
    format,
    kvHeads: KV_HEADS,
    queryHeads: KV_HEADS * group,
    residualTokens: RESIDUAL_TOKENS,
  };
}

function expected(
  test: Case,
  cache: PagedCache,
  query: Float32Array,
  queryStarts: Uint32Array,
): Float64Array {
  return prefillTwin({
    query,
    queryStarts,
    keys: cache.key,
    values: cache.value,
    contextLengths: test.contexts,
    queryHeads: KV_HEADS * test.group,
    kvHeads: KV_HEADS,
    headDim: test.headDim,
    windowTokens: test.windowTokens ?? 0,
    sinkTokens: test.sinkTokens ?? 0,
  });
}

async function run(
  gpu: Gpu,
  test: Case,
  options: {
    table?: 'shuffled' | 'ordered';
    args?: Partial<PrefillArgs>;
    config?: Partial<PrefillConfig>;
  } = {},
) {
  const { cache, query, queryStarts, totalTokens } = inputs(test, options.table);
  const prefill = await createPrefill(gpu, { ...configOf(test), ...options.config });
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
  const upload = (name: string, data: ArrayBufferView) => gpu.buffers.upload(`Test.${name}`, data);
  // Whatever stands in the output before must be overwritten, masked rows included.
  const output = gpu.buffers.create('Test.output', query.byteLength, STORAGE | COPY_SRC | COPY_DST);
  gpu.device.queue.writeBuffer(output, 0, new Float32Array(query.length).fill(NaN));
  const args: PrefillArgs = {
    query: upload('query', query),
    pool: upload('pool', cache.pool),
    blockTable: upload('blockTable', cache.blockTable),
    queryStarts: upload('queryStarts', queryStarts),
    contextLengths: upload('contextLengths', cache.contextLengths),
    output,
    residual: upload('residual', cache.residual),
    residualSlots: upload('residualSlots', cache.residualSlots),
    batch: test.contexts.length,
    totalTokens,
    maxQueryTokens: Math.max(...test.queries),
    maxContextTokens: Math.max(...test.contexts),
    tableStride: cache.tableStride,
    windowTokens: test.windowTokens ?? 0,
    sinkTokens: test.sinkTokens ?? 0,
    ...options.args,
  };
  const dispatches = prefill.slices(args).length;
  const words = await inErrorScope(gpu, async () => {
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    prefill.encode(pass, args);
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
    return gpu.buffers.read(output, 0, query.byteLength);
  });
  const buffers = [args.query, args.pool, args.blockTable, args.queryStarts, args.contextLengths, output];
  gpu.buffers.destroy(...buffers);
  return { actual: new Float32Array(words), twin: expected(test, cache, query, queryStarts), dispatches };
}

const covering = productsWithSmallHeads(
  {
    tier: ['auto', 'no-subgroups'] as const,
    form: ['rows', 'tiles'] as const,
    headDim: HEAD_DIMS,
    group: [1, 2, 3, 4, 5, 6, 7, 8],
    blockSize: BLOCK_SIZES,
    format: KV_FORMATS,
  },
  [
    ['form', 'headDim', 'group', 'format'],
    ['form', 'headDim', 'blockSize', 'format'],
  ],
);

/** The covering set pairs int2's ring with one form only. */
const ringInTiles = {
  tier: 'auto',
  form: 'tiles',
  headDim: 64,
  group: 2,
  blockSize: 16,
  format: 'int2',
} as const;
const cases = FULL_PRODUCT ? covering : [...covering, ringInTiles];

describe('prefill attention agrees with its twin', () => {
  it.each(cases)('$tier, $form, head dim $headDim, group $group, block $blockSize, $format', async (axes) => {
    const { blockSize } = axes;
    // One token; a block less and more one; several blocks with an odd chunk; a chunk that is the whole prompt; inactive.
    const contexts = [1, blockSize - 1, blockSize + 1, 3 * blockSize + 5, 19, 0];
    const queries = [1, blockSize - 1, 3, 9, 19, 2];
    const { actual, twin } = await run(
      gpus[axes.tier],
      { ...axes, contexts, queries },
      { config: { tuning: TUNING[axes.form] } },
    );
    expect(worstError(actual, twin)).toBeLessThan(TOLERANCE);
  });
});

const ragged: Case = {
  headDim: 64,
  group: 4,
  blockSize: 16,
  format: 'f16',
  contexts: [77, 40, 130],
  queries: [33, 40, 5],
};

describe('prefill attention in other shapes', () => {
  it.each([
    { lanes: 32, rowVecs: 1, keys: 4 },
    { lanes: 8, rowVecs: 2, keys: 2 },
    { lanes: 4, rowVecs: 1, keys: 1 },
  ])('$lanes lanes of $rowVecs × 4 rows, $keys keys', async (shape) => {
    const tuning = { form: 'rows', ...shape } as const;
    const { actual, twin } = await run(
      gpus.auto,
      { ...ragged, windowTokens: 30, sinkTokens: 3 },
      { config: { tuning } },
    );
    expect(worstError(actual, twin)).toBeLessThan(TOLERANCE);
  });

  it('as this adapter has it by default', async () => {
    const { actual, twin } = await run(gpus.auto, ragged);
    expect(worstError(actual, twin)).toBeLessThan(TOLERANCE);
  });
});

describe.each(['rows', 'tiles'] as const)('prefill attention in %s', (form) => {
  const config = { tuning: TUNING[form] };

  it.each([
    { windowTokens: 1, sinkTokens: 0 },
    { windowTokens: 16, sinkTokens: 0 },
    { windowTokens: 7, sinkTokens: 4 },
    { windowTokens: 31, sinkTokens: 17 },
    { windowTokens: 500, sinkTokens: 4 },
  ])('sees a window of $windowTokens tokens and $sinkTokens sinks', async (window) => {
    const { actual, twin } = await run(gpus.auto, { ...ragged, ...window }, { config });
    expect(worstError(actual, twin)).toBeLessThan(TOLERANCE);
  });

  it('gives the same bits behind a permuted table as behind an ordered one', async () => {
    const shuffled = await run(gpus.auto, ragged, { config });
    const ordered = await run(gpus.auto, ragged, { table: 'ordered', config });
    expect(shuffled.actual).toEqual(ordered.actual);
  });

  it('gives the same bits in many small dispatches as in one', async () => {
    const whole = await run(gpus.auto, ragged, { config });
    const sliced = await run(gpus.auto, ragged, { args: { maxDispatchMacs: 1 }, config });
    expect(whole.dispatches).toBe(1);
    expect(sliced.dispatches).toBeGreaterThan(4);
    expect(sliced.actual).toEqual(whole.actual);
  });

  it('names both numbers when a buffer is too small or the table too short', async () => {
    await expect(run(gpus.auto, ragged, { args: { totalTokens: 1000 } })).rejects.toThrow(LaunchError);
    await expect(run(gpus.auto, ragged, { args: { maxContextTokens: 5000 } })).rejects.toThrow(
      /5000 tokens need 313 table entries; the stride is/,
    );
  });
});
