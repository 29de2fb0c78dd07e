/** Engines for tests: the two trained models of the reference data on a test's GPU, small settings, greedy requests. */
import { createEngine, type Engine, type EngineOptions } from '../../src/engine/engine.ts';
import type { EngineSettings, GenerationRequest, Sampling } from '../../src/engine/engine-types.ts';
import { loadModel } from '../../src/engine/weights/loader.ts';
import type { TensorSource } from '../../src/engine/weights/tensor-source.ts';
import type { LoadedModel } from '../../src/engine/weights-types.ts';
import type { Gpu } from '../../src/gpu/context.ts';
import { golden, openStories260K, openTinystories, type GoldenModel } from '../support/reference-models.ts';

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

export type ReferenceName = 'stories260K' | 'tinystories-656k';

const OPEN: Record<ReferenceName, () => Promise<TensorSource>> = {
  stories260K: openStories260K,
  'tinystories-656k': openTinystories,
};

/** A model of the reference data, in f32. */
export async function referenceModel(gpu: Gpu, name: ReferenceName): Promise<LoadedModel> {
  return loadModel(gpu, await OPEN[name](), { weightFormat: 'f32', budgetBytes: 2 ** 30 });
}

export async function goldenOf(name: ReferenceName): Promise<GoldenModel> {
  return (await golden())[name];
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
