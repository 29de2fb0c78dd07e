import { beforeAll, describe, expect, it } from 'vitest';
import { kvLayout, type KvLayout } from '../../../src/core/kv/formats.ts';
import { residualTokens as splitOf, ringWords } from '../../../src/core/kv/kivi.ts';
import { createRandom } from '../../../src/core/random.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { createAppend } from '../../../src/gpu/kernels/append.ts';
import {
  residualAppendTwin,
  type ResidualAppendInput,
} from '../../../src/gpu/kernels/append-residual.twin.ts';
import { roundToF16 } from '../../../src/core/kv/small-float.ts';
import { combinations } from '../../support/full.ts';
import { inErrorScope, openTestGpu } from '../../support/gpu.ts';
import { SMALL_HEAD_DIMS } from '../../support/products.ts';
import { findPoolErrors, hardRows, type WrittenRow } from '../../support/kv-rows.ts';

const UNTOUCHED = 0xdeadbeef;

/** New tokens of each of three sequences, step by step; the third stays out at first, the second pauses. */
const STEPS = [
  [1, 20, 0],
  [1, 0, 0],
  [63, 1, 31],
  [1, 1, 1],
  [130, 1, 1],
  [1, 64, 1],
] as const;

const AXES = {
  residualTokens: [32, 64, 128] as const,
  headDim: [64, 80, 96, 128, 256] as const,
  blockSize: [8, 16, 32, 64, 128] as const,
  kvHeads: [1, 2, 3] as const,
};
const SMALL_AXES = { ...AXES, headDim: SMALL_HEAD_DIMS, blockSize: [16, 32] as const };
const CASES = [...combinations(AXES), ...combinations(SMALL_AXES)];

interface Cache {
  readonly layout: KvLayout;
  readonly residualTokens: number;
  readonly tableStride: number;
  readonly blockTable: Uint32Array;
  readonly residualSlots: Uint32Array;
}

/** Three sequences with shuffled blocks, and rings in another order than the sequences. */
function cacheOf(layout: KvLayout, residualTokens: number): Cache {
  const tableStride = Math.ceil(256 / layout.shape.blockSize);
  const blocks = createRandom(9).shuffled(Array.from({ length: 3 * tableStride }, (_, i) => i));
  return {
    layout,
    residualTokens,
    tableStride,
    blockTable: Uint32Array.from(blocks),
    residualSlots: Uint32Array.of(2, 0, 1),
  };
}

let gpu: Gpu;
/** A device without subgroups and shader-f16. */
let plain: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
  plain = await openTestGpu({ subgroups: false, f16: false });
});

function stepInput(
  cache: Cache,
  before: readonly number[],
  added: readonly number[],
  rows: Rows,
): ResidualAppendInput {
  const starts = [0];
  for (const count of added) starts.push((starts.at(-1) ?? 0) + count);
  const take = (part: 'k' | 'v') =>
    Float32Array.from(
      added.flatMap((count, b) => [...rows(part, b, before[b] ?? 0, (before[b] ?? 0) + count)]),
    );
  return {
    key: take('k'),
    value: take('v'),
    blockTable: cache.blockTable,
    tableStride: cache.tableStride,
    queryStarts: Uint32Array.from(starts),
    contextLengths: Uint32Array.from(added, (count, b) => (before[b] ?? 0) + count),
    residualSlots: cache.residualSlots,
    residualTokens: cache.residualTokens,
  };
}

/** Values of tokens [from, to) of a sequence, whatever the steps they come in. */
type Rows = (part: 'k' | 'v', sequence: number, from: number, to: number) => Float32Array;

function rowsOf(layout: KvLayout): Rows {
  const { kvHeads, headDim } = layout.shape;
  const width = kvHeads * headDim;
  const all = new Map<string, Float32Array>();
  return (part, sequence, from, to) => {
    const name = `${part}${sequence}`;
    const rows = all.get(name) ?? hardRows(createRandom(headDim).fork(name), 256 * kvHeads, headDim);
    all.set(name, rows);
    return rows.subarray(from * width, to * width);
  };
}

interface State {
  readonly pool: Uint32Array;
  readonly ring: Uint32Array;
}

function startState(cache: Cache): State {
  const { layout, tableStride, residualTokens } = cache;
  return {
    pool: new Uint32Array(3 * tableStride * layout.blockWords).fill(UNTOUCHED),
    ring: new Uint32Array(3 * ringWords({ ...layout.shape, residualTokens })).fill(UNTOUCHED),
  };
}

/** Runs the steps on the GPU, each in a submit of its own. */
async function runOnGpu(gpu: Gpu, cache: Cache, inputs: readonly ResidualAppendInput[]): Promise<State> {
  const { layout, residualTokens, tableStride } = cache;
  const append = await createAppend(gpu, { format: 'int2', ...layout.shape, residualTokens });
  const start = startState(cache);
  const pool = gpu.buffers.upload('test.pool', start.pool);
  const ring = gpu.buffers.upload('test.ring', start.ring);
  for (const input of inputs) {
    const upload = (values: ArrayLike<number>, float: boolean) =>
      gpu.buffers.upload('test.input', float ? Float32Array.from(values) : Uint32Array.from(values));
    const key = upload(input.key, true);
    const value = upload(input.value, true);
    const blockTable = upload(input.blockTable, false);
    const queryStarts = upload(input.queryStarts, false);
    const contextLengths = upload(input.contextLengths, false);
    const residualSlots = upload(input.residualSlots, false);
    const counts = Array.from(
      input.contextLengths,
      (_, b) => (input.queryStarts[b + 1] ?? 0) - (input.queryStarts[b] ?? 0),
    );
    const sequences = { blockTable, tableStride, queryStarts, contextLengths, residualSlots };
    const residual = { ring, ...sequences, batch: counts.length, maxNewTokens: Math.max(...counts) };
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    append.encode(pass, {
      key,
      value,
      pool,
      slots: key,
      tokens: input.queryStarts[counts.length] ?? 0,
      residual,
    });
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
    gpu.buffers.destroy(key, value, blockTable, queryStarts, contextLengths, residualSlots);
  }
  const words = async (buffer: GPUBuffer, bytes: number) =>
    new Uint32Array(await gpu.buffers.read(buffer, 0, bytes));
  const state = {
    pool: await words(pool, start.pool.byteLength),
    ring: await words(ring, start.ring.byteLength),
  };
  gpu.buffers.destroy(pool, ring);
  return state;
}

/** The inputs of steps that add `added[step][sequence]` tokens, inactive rows where a sequence has none yet. */
function inputsOf(cache: Cache, steps: readonly (readonly number[])[]): ResidualAppendInput[] {
  const rows = rowsOf(cache.layout);
  const lengths = [0, 0, 0];
  return steps.map((added) => {
    const input = stepInput(cache, lengths, added, rows);
    added.forEach((count, b) => (lengths[b] = (lengths[b] ?? 0) + count));
    return input;
  });
}

/** The rows that are quantized in the end, with the values they were quantized from. */
function quantizedRows(cache: Cache, lengths: readonly number[]): WrittenRow[] {
  const { layout, residualTokens, blockTable, tableStride } = cache;
  const { kvHeads, headDim, blockSize } = layout.shape;
  const rows = rowsOf(layout);
  const slotOf = (b: number, token: number) =>
    (blockTable[b * tableStride + Math.floor(token / blockSize)] ?? 0) * blockSize + (token % blockSize);
  return lengths.flatMap((length, b) => {
    const { quantizedKeys, quantizedValues } = splitOf(length, residualTokens);
    const of = (part: 'k' | 'v', count: number): WrittenRow[] =>
      Array.from({ length: count * kvHeads }, (_, i) => {
        const token = Math.floor(i / kvHeads);
        const all = rows(part, b, token, token + 1);
        const head = i % kvHeads;
        const values = all.subarray(head * headDim, (head + 1) * headDim).map(roundToF16);
        return { part, head, slot: slotOf(b, token), values };
      });
    return [...of('k', quantizedKeys), ...of('v', quantizedValues)];
  });
}

describe('int2 append writes the words of its twin', () => {
  for (const { residualTokens, headDim, blockSize, kvHeads } of CASES) {
    it(`head dim ${headDim}, blocks of ${blockSize}, residual ${residualTokens}, ${kvHeads} heads`, async () => {
      await inErrorScope(gpu, async () => {
        const cache = cacheOf(kvLayout('int2', { kvHeads, headDim, blockSize }), residualTokens);
        const inputs = inputsOf(cache, STEPS);
        const expected = startState(cache);
        for (const input of inputs) residualAppendTwin(expected.pool, expected.ring, cache.layout, input);
        const state = await runOnGpu(gpu, cache, inputs);
        const lengths = [0, 1, 2].map((b) => STEPS.reduce((sum, step) => sum + (step[b] ?? 0), 0));
        expect(
          findPoolErrors(state.pool, expected.pool, cache.layout, quantizedRows(cache, lengths)),
        ).toEqual([]);
        expect(state.ring.findIndex((word, i) => word !== expected.ring[i])).toBe(-1);
      });
    });
  }

  it('the words do not depend on how a prompt is cut into steps, on a device without optional features', async () => {
    const cache = cacheOf(kvLayout('int2', { kvHeads: 2, headDim: 64, blockSize: 16 }), 32);
    const total = [101, 33, 64];
    const whole = await runOnGpu(plain, cache, inputsOf(cache, [total]));
    const cut = await runOnGpu(
      plain,
      cache,
      inputsOf(cache, [
        [40, 1, 32],
        [1, 0, 31],
        [60, 32, 1],
      ]),
    );
    const single = Array.from({ length: 101 }, (_, t) => total.map((length) => (t < length ? 1 : 0)));
    const oneByOne = await runOnGpu(plain, cache, inputsOf(cache, single));
    expect(cut).toEqual(whole);
    expect(oneByOne).toEqual(whole);
  });
});
