/**
 * Every family's forward pass on the GPU against the float64 pass, on small random models: logits at each position, while
 * the sequence is computed in chunks and then token by token beside a neighbour.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../src/engine/config.ts';
import { forwardTwin } from '../../src/engine/forward.twin.ts';
import { readHostWeights } from '../../src/engine/weights/host.ts';
import { loadModel } from '../../src/engine/weights/loader.ts';
import { randomModel } from '../../src/engine/weights/random.ts';
import type { WeightFormat } from '../../src/gpu/kernels/linear-config.ts';
import type { Gpu } from '../../src/gpu/context.ts';
import { NO_REFERENCE_MODELS } from '../support/reference-models.ts';
import { openTestGpu } from '../support/gpu.ts';
import { goldenOf, GREEDY, makeEngine, referenceModel } from './support.ts';

const LLAMA: ModelConfig = {
  family: 'llama',
  name: 'small llama',
  layers: 2,
  hidden: 48,
  intermediate: 80,
  queryHeads: 4,
  kvHeads: 2,
  headDim: 16,
  vocab: 96,
  maxPositionTokens: 512,
  norm: { kind: 'rms', epsilon: 1e-5 },
  positions: { kind: 'rope', theta: 10_000, layout: 'half', rotaryDim: 16, scaling: null },
  activation: 'silu',
  gated: true,
  parallelBlock: false,
  qkNorm: false,
  biases: { qkv: false, output: false, mlp: false, head: false },
  tiedEmbeddings: true,
  windowTokens: 0,
  bosToken: 1,
  eosTokens: [2],
};

const LEARNED = {
  norm: { kind: 'layer', epsilon: 1e-5 },
  kvHeads: 4,
  gated: false,
  biases: { qkv: true, output: true, mlp: true, head: false },
} as const;

const FAMILIES: readonly ModelConfig[] = [
  LLAMA,
  {
    ...LLAMA,
    name: 'llama with scaled positions',
    tiedEmbeddings: false,
    positions: {
      kind: 'rope',
      theta: 500_000,
      layout: 'half',
      rotaryDim: 16,
      scaling: {
        kind: 'llama3',
        factor: 8,
        lowFrequencyFactor: 1,
        highFrequencyFactor: 4,
        originalMaxPositions: 64,
      },
    },
  },
  { ...LLAMA, family: 'mistral', name: 'small mistral', windowTokens: 20 },
  { ...LLAMA, family: 'qwen2', name: 'small qwen2', biases: { ...LLAMA.biases, qkv: true } },
  {
    ...LLAMA,
    family: 'qwen3',
    name: 'small qwen3',
    headDim: 24,
    qkNorm: true,
    positions: { kind: 'rope', theta: 1e6, layout: 'half', rotaryDim: 24, scaling: null },
  },
  {
    ...LLAMA,
    ...LEARNED,
    family: 'gpt2',
    name: 'small gpt2',
    headDim: 12,
    activation: 'gelu-tanh',
    positions: { kind: 'learned', offset: 0 },
  },
  {
    ...LLAMA,
    ...LEARNED,
    family: 'opt',
    name: 'small opt',
    headDim: 12,
    activation: 'relu',
    positions: { kind: 'learned', offset: 2 },
  },
  {
    ...LLAMA,
    ...LEARNED,
    family: 'phi',
    name: 'small phi',
    headDim: 12,
    activation: 'gelu-tanh',
    parallelBlock: true,
    tiedEmbeddings: false,
    biases: { ...LEARNED.biases, head: true },
    positions: { kind: 'rope', theta: 10_000, layout: 'half', rotaryDim: 4, scaling: null },
  },
];

/** Logits here are sums of a few hundred terms near 1 in f32. */
const TOLERANCE = 1e-3;
const PROMPT = 40;
const TOKENS = 56;

function text(vocab: number): number[] {
  return Array.from({ length: TOKENS }, (_, i) => (i * 37 + 11) % vocab);
}

describe.each(['subgroups', 'no-subgroups'] as const)('logits of every family, %s', (tier) => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu(tier === 'subgroups' ? {} : { subgroups: false });
  });
  afterAll(() => gpu.device.destroy());

  it.each(FAMILIES)('$name', async (config) => {
    const source = randomModel(config, 5);
    const ids = text(config.vocab);
    const expected = forwardTwin(config, await readHostWeights(source), ids);
    const { worst, before, after } = await worstDifference(gpu, config, ids, expected, 'f32');
    expect(worst).toBeLessThan(TOLERANCE);
    expect(after).toBe(before);
  });

  // The linear layers' own tests have every format on both tiers.
  const formats = tier === 'subgroups' ? (['f16', 'int8', 'int4'] as const) : (['int4'] as const);
  it.each(formats)('weights as %s stay near those that were given', async (format) => {
    const source = randomModel(LLAMA, 5);
    const ids = text(LLAMA.vocab);
    const expected = forwardTwin(LLAMA, await readHostWeights(source), ids);
    const { worst } = await worstDifference(gpu, LLAMA, ids, expected, format);
    // Random weights are f16 numbers, so f16 loses nothing; int8 rounds by 1/254 of a group's largest, int4 by 1/14.
    const bounds = { f16: TOLERANCE, int8: 0.15, int4: 2 };
    expect(worst).toBeLessThan(bounds[format]);
    if (format === 'int4') expect(worst).toBeGreaterThan(bounds.int8);
  });
});

describe.skipIf(NO_REFERENCE_MODELS !== null)(
  `logits of the trained models${NO_REFERENCE_MODELS ? ` (${NO_REFERENCE_MODELS})` : ''}`,
  () => {
    it('are those of the float64 reference within 1e-3', async () => {
      const gpu = await openTestGpu();
      const stories = await goldenOf('stories260K');
      const first = await logitsOf(gpu, 'stories260K', stories.prompt);
      expectNear(first, stories.logits_pos0);
      const eleventh = await logitsOf(gpu, 'stories260K', stories.greedy_tokens.slice(0, 11));
      expectNear(eleventh, stories.logits_pos10_first16);
      const tiny = await goldenOf('tinystories-656k');
      expectNear(await logitsOf(gpu, 'tinystories-656k', tiny.prompt), tiny.logits_last_prompt_pos_first32);
      gpu.device.destroy();
    });
  },
);

async function worstDifference(
  gpu: Gpu,
  config: ModelConfig,
  ids: readonly number[],
  expected: readonly Float64Array[],
  weightFormat: WeightFormat,
) {
  const before = gpu.buffers.allocatedBytes;
  const model = await loadModel(gpu, randomModel(config, 5), { weightFormat, budgetBytes: 2 ** 28 });
  const engine = await makeEngine(gpu, model, {
    tokenBudget: 24,
    maxSequences: 2,
    blockSize: 8,
    shuffleSeed: 3,
  });
  let worst = 0;
  const compare = (from: number) => (index: number, logits: Float32Array) => {
    expected[from + index - 1]?.forEach((value, token) => {
      worst = Math.max(worst, Math.abs(value - (logits[token] ?? Infinity)));
    });
  };
  for (const prompt of [PROMPT, 7]) {
    engine.submit({
      promptIds: ids.slice(0, prompt),
      maxTokens: ids.length - prompt,
      sampling: GREEDY,
      forced: ids.slice(prompt),
      onLogits: compare(prompt),
    });
  }
  while (await engine.step()) engine.check();
  engine.destroy();
  model.weights.destroy();
  return { worst, before, after: gpu.buffers.allocatedBytes };
}

async function logitsOf(
  gpu: Gpu,
  name: 'stories260K' | 'tinystories-656k',
  promptIds: readonly number[],
): Promise<number[]> {
  const engine = await makeEngine(gpu, await referenceModel(gpu, name));
  let seen: number[] = [];
  const onLogits = (_: number, logits: Float32Array) => (seen = [...logits]);
  await engine.generate({ promptIds, maxTokens: 1, sampling: GREEDY, stopTokens: [], onLogits });
  engine.destroy();
  return seen;
}

function expectNear(actual: readonly number[], expected: readonly number[] | undefined): void {
  expect(expected?.length).toBeGreaterThan(0);
  expected?.forEach((value, i) => expect(Math.abs(value - (actual[i] ?? NaN))).toBeLessThan(1e-3));
}
