/** What an experiment's engine is made of: launchers, the caches of all layers, the source of tokens. */
import type { Scenario } from '../core/scenario/schema.ts';
import type { Gpu } from '../gpu/context.ts';
import { createBlockCopy, type BlockCopy } from '../gpu/kernels/block-copy.ts';
import { createPagedDecode, type PagedDecode } from '../gpu/kernels/decode.ts';
import { createPrefill, type Prefill } from '../gpu/kernels/prefill.ts';
import type { DecodeTuning } from '../gpu/kernels/tuning.ts';
import { createAppender, type Appender } from '../engine/appender.ts';
import type { Evictor } from '../engine/eviction/evictor.ts';
import type { PageReader } from '../engine/eviction/page-reader.ts';
import { UnsupportedError } from './errors.ts';
import { evictorFor, pageReaderFor } from './eviction.ts';
import { allocateLayers, type LayerBuffers } from './layer-buffers.ts';
import { CONTEXT_STEP, type MemoryPlan } from './memory-plan.ts';
import { createTokenSource, type TokenSource } from './token-source.ts';

export interface EngineOptions {
  readonly scenario: Scenario;
  readonly plan: MemoryPlan;
  readonly tuning: DecodeTuning | null;
}

/** @throws GpuOutOfMemoryError, UnsupportedError; nothing is kept then. */
export async function createEngineParts(gpu: Gpu, options: EngineOptions): Promise<EngineParts> {
  const { scenario, plan, tuning } = options;
  const { model, engine } = scenario;
  const { queryHeads, kvHeads, headDim } = model;
  if (engine.tier === 'cpu') {
    throw new UnsupportedError(
      'engine.tier cpu has no experiments: it is the plain twin, for comparison in the attention command.',
    );
  }
  const { blockSize, kvFormat: format, residualTokens } = engine;
  if (format === 'int2' && engine.layout === 'paged' && scenario.workload.sharedPrefixTokens > 0) {
    throw new UnsupportedError(
      'int2 keeps the newest tokens of each sequence apart in f16, so a prefix can’t be shared; choose int4.',
    );
  }
  const shape = { headDim, queryHeads, kvHeads, blockSize, format };
  const ring = format === 'int2' ? { residualTokens } : {};
  const maxContextTokens = Math.ceil(plan.maxContextTokens / CONTEXT_STEP) * CONTEXT_STEP;
  const [append, prefill, copy, source] = await Promise.all([
    createAppender(gpu, { ...shape, residualTokens }),
    createPrefill(gpu, { ...shape, ...ring }),
    createBlockCopy(gpu, { blockWords: plan.layout.blockWords }),
    createTokenSource(gpu, {
      ...{ queryHeads, kvHeads, headDim },
      rows: Math.max(plan.chunkTokens, plan.sequences.length),
      sets: plan.sourceSets,
      seed: scenario.seed,
    }),
  ]);
  const parts: { destroy(): void }[] = [source];
  const keep = <T extends { destroy(): void }>(part: T): T => (parts.push(part), part);
  try {
    const evictor = await evictorFor(gpu, scenario, plan);
    if (evictor) keep(evictor);
    const reader = await pageReaderFor(gpu, scenario, plan);
    if (reader) keep(reader);
    const config = {
      ...shape,
      ...ring,
      layout: engine.layout,
      tier: engine.tier,
      ...(tuning && { tuning }),
      maxBatch: plan.sequences.length,
      maxContextTokens,
    };
    const windowed = engine.windowTokens > 0 || (evictor !== null && evictor.window !== null);
    const decode = keep(await createPagedDecode(gpu, { ...config, windowed }));
    const scoring = evictor?.emitsScores
      ? keep(await createPagedDecode(gpu, { ...config, emitScores: true }))
      : null;
    const layers = keep(await allocateLayers(gpu, model.layers, plan));
    return { append, prefill, copy, decode, scoring, evictor, reader, source, layers };
  } catch (error) {
    for (const part of parts) part.destroy();
    throw error;
  }
}

export interface EngineParts {
  readonly append: Appender;
  readonly prefill: Prefill;
  readonly copy: BlockCopy;
  readonly decode: PagedDecode;
  /** Decode that also writes probabilities, for policies that rank by attention. */
  readonly scoring: PagedDecode | null;
  readonly evictor: Evictor | null;
  /** Quest: chooses what decode reads. */
  readonly reader: PageReader | null;
  readonly source: TokenSource;
  readonly layers: LayerBuffers;
}
