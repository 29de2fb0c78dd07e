import { beforeAll, describe, expect, it } from 'vitest';
import { kvLayout, type KvFormat } from '../../../src/core/kv/formats.ts';
import { createRandom } from '../../../src/core/random.ts';
import { encodedRope, ropeFrequencies } from '../../../src/engine/rope-frequencies.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { createAppend } from '../../../src/gpu/kernels/append.ts';
import { createRope } from '../../../src/gpu/kernels/rope.ts';
import { ropeTwin, type RopeInput } from '../../../src/gpu/kernels/rope.twin.ts';
import type { RopeConfig } from '../../../src/gpu/kernels/transformer-config.ts';
import { inErrorScope, openTestGpu } from '../../support/gpu.ts';
import { runPass } from './run-pass.ts';

let gpus: Record<'auto' | 'no-subgroups', Gpu>;
beforeAll(async () => {
  gpus = { auto: await openTestGpu(), 'no-subgroups': await openTestGpu({ subgroups: false, f16: false }) };
});

const BASE: RopeConfig = {
  queryHeads: 4,
  kvHeads: 2,
  headDim: 16,
  paddedHeadDim: 16,
  rotaryDim: 16,
  layout: 'half',
  qkNorm: false,
  epsilon: 1e-6,
  queryScale: 1,
  magnitude: 1,
};

const CASES: Record<string, Partial<RopeConfig>> = {
  'half, as Llama': {},
  'interleaved, padded from 8 to 16 channels': {
    layout: 'interleaved',
    headDim: 8,
    rotaryDim: 8,
    queryScale: Math.SQRT2,
  },
  'half, padded': { headDim: 8, rotaryDim: 8, queryScale: Math.SQRT2 },
  'with QK norm, as Qwen3': { headDim: 32, paddedHeadDim: 32, rotaryDim: 32, qkNorm: true },
  'partial, as Phi': { headDim: 20, paddedHeadDim: 32, rotaryDim: 8, kvHeads: 4 },
  'partial and interleaved': { headDim: 20, paddedHeadDim: 32, rotaryDim: 12, layout: 'interleaved' },
  'without rotation, as GPT-2': { rotaryDim: 0, kvHeads: 4 },
  'with a magnitude, as YaRN': { magnitude: 1.2, kvHeads: 1 },
};

const POSITIONS = Uint32Array.of(0, 1, 7, 511, 4095, 131071, 1_000_003);

async function runRope(gpu: Gpu, config: RopeConfig, frequencies: Uint32Array, args: RopeInput) {
  const { queryHeads, kvHeads, paddedHeadDim, qkNorm } = config;
  const tokens = args.positions.length;
  const kernel = await createRope(gpu, config);
  const buffer = (name: string, heads: number) =>
    gpu.buffers.upload(`Test.${name}`, new Float32Array(tokens * heads * paddedHeadDim).fill(77));
  const norms = qkNorm && {
    queryNorm: gpu.buffers.upload('Test.queryNorm', Float32Array.from(args.queryNorm ?? [])),
    keyNorm: gpu.buffers.upload('Test.keyNorm', Float32Array.from(args.keyNorm ?? [])),
  };
  const buffers = {
    input: gpu.buffers.upload('Test.input', Float32Array.from(args.input)),
    positions: gpu.buffers.upload('Test.positions', Uint32Array.from(args.positions)),
    frequencies: gpu.buffers.upload('Test.frequencies', frequencies),
    query: buffer('query', queryHeads),
    key: buffer('key', kvHeads),
    value: buffer('value', kvHeads),
    ...norms,
  };
  return inErrorScope(gpu, async () => {
    runPass(gpu, (pass) => kernel.encode(pass, { ...buffers, tokens }));
    const read = async (from: GPUBuffer, heads: number) =>
      new Float32Array(await gpu.buffers.read(from)).slice(0, tokens * heads * paddedHeadDim);
    const [query, key, value] = [
      await read(buffers.query, queryHeads),
      await read(buffers.key, kvHeads),
      await read(buffers.value, kvHeads),
    ];
    gpu.buffers.destroy(...Object.values(buffers));
    return { query, key, value };
  });
}

describe.each(['auto', 'no-subgroups'] as const)('rope, %s', (tier) => {
  it.each(Object.keys(CASES))('%s', async (name) => {
    const config = { ...BASE, ...CASES[name] };
    const { queryHeads, kvHeads, headDim, rotaryDim } = config;
    const random = createRandom(5);
    const draw = (length: number) => Float32Array.from({ length }, () => random.normal());
    const positions = {
      kind: 'rope',
      theta: 10_000,
      layout: config.layout,
      rotaryDim,
      scaling: null,
    } as const;
    const args = {
      input: draw(POSITIONS.length * (queryHeads + 2 * kvHeads) * headDim),
      positions: POSITIONS,
      frequencies: ropeFrequencies(positions),
      queryNorm: draw(headDim),
      keyNorm: draw(headDim),
    };
    const actual = await runRope(gpus[tier], config, encodedRope({ positions }), args);
    const expected = ropeTwin(config, args);
    for (const part of ['query', 'key', 'value'] as const) {
      expect(actual[part].length).toBe(expected[part].length);
      const width = config.paddedHeadDim * (part === 'query' ? queryHeads : kvHeads);
      expected[part].forEach((x, i) => {
        // An angle is within position · 2^-33 turns.
        const position = POSITIONS[Math.floor(i / width)] ?? 0;
        const tolerance = 4e-6 + position * 2 ** -33 * 2 * Math.PI * 8;
        expect(Math.abs((actual[part][i] ?? NaN) - x), `${part} ${i}`).toBeLessThan(tolerance);
      });
    }
  });
});

describe('rope into a cache', () => {
  const FORMATS = ['f32', 'f16'] as const;
  const NAMES = ['half, padded', 'interleaved, padded from 8 to 16 channels', 'partial, as Phi'] as const;
  const cases = FORMATS.flatMap((format) => NAMES.map((name) => ({ format, name })));

  it.each(cases)('$format, $name: what append writes', async ({ format, name }) => {
    const gpu = gpus['no-subgroups'];
    const config = { ...BASE, ...CASES[name] };
    const { kvHeads, paddedHeadDim, queryHeads, headDim } = config;
    const shape = { kvHeads, headDim: paddedHeadDim, blockSize: 8 };
    const layout = kvLayout(format, shape);
    const random = createRandom(6);
    // Tokens out of order over two of three blocks, and one that is skipped.
    const slots = Int32Array.of(17, 2, -1, 0, 23, 3, 16);
    const tokens = slots.length;
    const words = (count: number) => new Float32Array(count).fill(77);
    const upload = (data: Float32Array | Uint32Array | Int32Array) => gpu.buffers.upload('Test.rope', data);
    const made = {
      input: upload(
        Float32Array.from({ length: tokens * (queryHeads + 2 * kvHeads) * headDim }, () => random.normal()),
      ),
      positions: upload(POSITIONS),
      frequencies: upload(Uint32Array.from({ length: config.rotaryDim / 2 }, (_, i) => 2 ** (30 - i))),
      query: upload(words(tokens * queryHeads * paddedHeadDim)),
      key: upload(words(tokens * kvHeads * paddedHeadDim)),
      value: upload(words(tokens * kvHeads * paddedHeadDim)),
      slots: upload(slots),
    };
    const pools = [0, 1].map(() => upload(words((3 * layout.blockBytes) / 4)));
    const [expected, actual] = pools;
    if (!expected || !actual) throw new Error('Two pools.');
    const [apart, append, fused] = await Promise.all([
      createRope(gpu, config),
      createAppend(gpu, { format, ...shape }),
      createRope(gpu, { ...config, cache: layout }),
    ]);
    await inErrorScope(gpu, async () => {
      runPass(gpu, (pass) => {
        apart.encode(pass, { ...made, tokens });
        append.encode(pass, { ...made, pool: expected, tokens });
      });
      const query = await gpu.buffers.read(made.query);
      gpu.device.queue.writeBuffer(made.query, 0, words(query.byteLength / 4));
      runPass(gpu, (pass) => fused.encode(pass, { ...made, pool: actual, tokens }));
      expect(new Float32Array(await gpu.buffers.read(made.query))).toEqual(new Float32Array(query));
      const [wanted, found] = [await gpu.buffers.read(expected), await gpu.buffers.read(actual)];
      expect(new Uint32Array(found)).toEqual(new Uint32Array(wanted));
    });
    gpu.buffers.destroy(...Object.values(made), ...pools);
  });

  it('only where whole words of plain numbers are written', async () => {
    const cache = (format: KvFormat) => kvLayout(format, { kvHeads: 2, headDim: 16, blockSize: 8 });
    const shapes = [
      { ...BASE, cache: cache('int8') },
      { ...BASE, rotaryDim: 6, cache: cache('f16') },
      { ...BASE, kvHeads: 4, cache: cache('f32') },
    ];
    const [quantized, odd, others] = shapes.map((shape) => createRope(gpus.auto, shape));
    await expect(quantized).rejects.toThrow(/cache of int8/);
    await expect(odd).rejects.toThrow(/6 of them turned.*f16/);
    await expect(others).rejects.toThrow(/2 heads of 16 channels instead of 4 of 16/);
  });
});

describe('rope refuses', () => {
  it('dimensions that do not fit one another', async () => {
    await expect(createRope(gpus.auto, { ...BASE, headDim: 24 })).rejects.toThrow(/24 channels.*16/);
    await expect(createRope(gpus.auto, { ...BASE, rotaryDim: 18 })).rejects.toThrow(/18 channels.*16/);
  });
});
