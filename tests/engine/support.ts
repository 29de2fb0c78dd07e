/** The two small trained models and what a float64 reference makes of them, on a test's GPU. */
import { createEngine, type Engine, type EngineOptions } from '../../src/engine/engine.ts';
import type { EngineSettings, GenerationRequest, Sampling } from '../../src/engine/engine-types.ts';
import { memorySource } from '../../src/engine/files/byte-source.ts';
import { openLlama2c } from '../../src/engine/weights/llama2c.ts';
import { loadModel } from '../../src/engine/weights/loader.ts';
import { openModelFolder } from '../../src/engine/weights/open.ts';
import type { TensorSource } from '../../src/engine/weights/tensor-source.ts';
import type { LoadedModel } from '../../src/engine/weights-types.ts';
import type { Gpu } from '../../src/gpu/context.ts';
import { referenceBytes } from '../reference-data.ts';

export const GREEDY: Sampling = { temperature: 0, topP: 1, topK: 0, seed: 1 };

export const SETTINGS: EngineSettings = {
  kvFormat: 'f32',
  blockSize: 16,
  numBlocks: 64,
  maxSequences: 8,
  tokenBudget: 64,
  longPrefillTokens: 0,
  maxContextTokens: 512,
  prefixCaching: true,
  layout: 'paged',
  tier: 'auto',
  eviction: { policy: 'none', budgetTokens: 64 },
  residualTokens: 32,
  offload: 'none',
  hostBytes: 0,
  shuffleSeed: 0,
};

/** A model of the reference data: `stories260K` or `tinystories-656k`. */
export async function referenceModel(gpu: Gpu, name: string): Promise<LoadedModel> {
  return loadModel(gpu, await referenceSource(name), { weightFormat: 'f32', budgetBytes: 2 ** 30 });
}

export async function referenceSource(name: string): Promise<TensorSource> {
  if (name === 'stories260K') {
    const bytes = await referenceBytes('weights/stories260K.bin');
    return openLlama2c(memorySource('stories260K.bin', bytes));
  }
  const files = ['config.json', 'generation_config.json', 'model.safetensors'];
  const sources = new Map(
    await Promise.all(
      files.map(async (file) => {
        const bytes = await referenceBytes(`weights/${name}/${file}`);
        return [file, memorySource(file, bytes)] as const;
      }),
    ),
  );
  return openModelFolder({ name, file: (file) => Promise.resolve(sources.get(file) ?? null) });
}

export interface Golden {
  readonly prompt: readonly number[];
  readonly greedy_tokens: readonly number[];
}

export async function goldenOf(name: string): Promise<Golden> {
  const text = new TextDecoder().decode(await referenceBytes('weights/golden_greedy.json'));
  const all = JSON.parse(text) as Record<string, Golden>;
  const golden = all[name];
  if (!golden) throw new Error(`golden_greedy.json has no ${name}.`);
  return golden;
}

export function greedy(promptIds: readonly number[], maxTokens: number): GenerationRequest {
  return { promptIds, maxTokens, sampling: GREEDY, stopTokens: [] };
}

export async function makeEngine(
  gpu: Gpu,
  model: LoadedModel,
  change: Partial<EngineSettings> = {},
  options: Partial<EngineOptions> = {},
): Promise<Engine> {
  return createEngine(gpu, model, { ...SETTINGS, ...change }, { now: () => performance.now(), ...options });
}

/** Steps until nothing is left, and checks the pool after each. @returns all outputs, by request */
export async function drain(engine: Engine, requests: readonly number[]): Promise<number[][]> {
  while (await engine.step()) engine.check();
  return requests.map((request) => [...engine.outputOf(request)]);
}
