/** The selection kernel against keepBest and compactionMoves: index by index, ties, signs, NaN and infinities included. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compactionMoves } from '../../../src/core/eviction/moves.ts';
import { keepBest, range } from '../../../src/core/eviction/select.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { createTopK, type TopKArgs } from '../../../src/gpu/kernels/topk.ts';
import { inErrorScope, openTestGpu } from '../../support/gpu.ts';

let gpus: Record<'auto' | 'no-subgroups', Gpu>;
beforeAll(async () => {
  gpus = { auto: await openTestGpu(), 'no-subgroups': await openTestGpu({ subgroups: false }) };
});

const DRAWS: Record<string, (random: Random) => number> = {
  'distinct scores': (random) => random.normal(),
  'many ties': (random) => random.below(4) - 2,
  'one value': () => 0.25,
  'signed zeros': (random) => (random.below(2) ? 0 : -0),
  'tiny and huge': (random) => random.normal() * 10 ** (random.below(60) - 30),
  'not a number here and there': (random) =>
    [NaN, Infinity, -Infinity, random.normal()][random.below(4)] ?? 0,
  probabilities: (random) => random.uniform() ** 8,
};

interface Options {
  readonly budget: number;
  readonly protect?: { first: number; last: number };
  readonly rowsPerLength?: number;
  readonly entryTokens?: number;
}

async function select(
  gpu: Gpu,
  scores: Float32Array,
  lengths: readonly number[],
  stride: number,
  options: Options,
) {
  const rows = scores.length / stride;
  const { STORAGE, COPY_SRC } = GPUBufferUsage;
  const topK = await createTopK(gpu, { moves: true });
  const keptStride = Math.max(1, options.budget);
  const create = (name: string, words: number) =>
    gpu.buffers.create(`Test.${name}`, words * 4, STORAGE | COPY_SRC);
  const args: TopKArgs = {
    scores: gpu.buffers.upload('Test.scores', scores),
    lengths: gpu.buffers.upload('Test.lengths', Uint32Array.from(lengths)),
    kept: create('kept', rows * keptStride),
    counts: create('counts', rows * 2),
    moves: create('moves', rows * keptStride * 2),
    rows,
    scoreStride: stride,
    keptStride,
    ...options,
  };
  return inErrorScope(gpu, async () => {
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    topK.encode(pass, args);
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
    const read = async (buffer: GPUBuffer) => new Uint32Array(await gpu.buffers.read(buffer));
    const [kept, counts, moves] = [
      await read(args.kept),
      await read(args.counts),
      await read(args.moves ?? args.kept),
    ];
    return range(0, rows).map((row) => {
      const [numKept = 0, numMoves = 0] = counts.slice(row * 2);
      const at = row * keptStride;
      return {
        kept: [...kept.slice(at, at + numKept)],
        moves: range(at, at + numMoves).map((m) => ({ from: moves[m * 2], to: moves[m * 2 + 1] })),
      };
    });
  });
}

function twin(scores: Float32Array, lengths: readonly number[], stride: number, options: Options) {
  const { rowsPerLength = 1, entryTokens = 1, protect = { first: 0, last: 0 } } = options;
  return range(0, scores.length / stride).map((row) => {
    const entries = Math.ceil((lengths[Math.floor(row / rowsPerLength)] ?? 0) / entryTokens);
    const kept = keepBest(
      scores.subarray(row * stride, (row + 1) * stride),
      entries,
      options.budget,
      protect,
    );
    return { kept, moves: compactionMoves(kept) };
  });
}

describe.each(['auto', 'no-subgroups'] as const)('top-k selection, %s', (tier) => {
  it.each(Object.keys(DRAWS))('of %s', async (name) => {
    const random = createRandom(5);
    const draw = DRAWS[name] ?? (() => 0);
    const lengths = [0, 1, 15, 16, 17, 63, 64, 65, 200, 257];
    const stride = 260;
    const scores = Float32Array.from({ length: lengths.length * stride }, () => draw(random));
    for (const options of [
      { budget: 16 },
      { budget: 64, protect: { first: 0, last: 32 } },
      { budget: 20, protect: { first: 4, last: 9 } },
      { budget: 5, protect: { first: 4, last: 9 } },
      { budget: 1 },
    ]) {
      expect(await select(gpus[tier], scores, lengths, stride, options)).toEqual(
        twin(scores, lengths, stride, options),
      );
    }
  });

  it('of 32 768 entries', async () => {
    const random = createRandom(6);
    const scores = Float32Array.from({ length: 2 * 32768 }, () => Math.fround(random.below(5000) / 5000));
    const options = { budget: 2048, protect: { first: 0, last: 64 } };
    expect(await select(gpus[tier], scores, [32768, 30011], 32768, options)).toEqual(
      twin(scores, [32768, 30011], 32768, options),
    );
  });

  it('of pages, with one length for the heads of a sequence', async () => {
    const random = createRandom(8);
    const scores = Float32Array.from({ length: 6 * 20 }, () => random.normal());
    const options = { budget: 5, protect: { first: 0, last: 1 }, rowsPerLength: 3, entryTokens: 16 };
    expect(await select(gpus[tier], scores, [300, 33], 20, options)).toEqual(
      twin(scores, [300, 33], 20, options),
    );
  });
});

describe('top-k selection', () => {
  it('names both numbers when the kept indices do not fit', async () => {
    const options = { budget: 16, keptStride: 8 };
    await expect(select(gpus.auto, new Float32Array(64), [64], 64, options)).rejects.toThrow(
      /budget of 16.*rows of 8/,
    );
  });
});
