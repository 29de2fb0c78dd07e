/**
 * The GPU half of an engine: cache, buffers, forward pass and read-back, all of one size. It runs batches and knows no
 * request.
 */
import type { Gpu } from '../gpu/context.ts';
import { contextBound } from './context-bound.ts';
import { Cuts, evicts } from './eviction/cuts.ts';
import type { EngineHooks, EngineSettings } from './engine-types.ts';
import { Forward } from './forward.ts';
import { KvCache } from './kv-cache.ts';
import { blockPlaces } from './places.ts';
import { Readback, type PendingStep } from './readback.ts';
import { StepBatch, type StepLimits } from './step-batch.ts';
import { createStepBuffers, type StepBuffers } from './step-buffers.ts';
import type { LoadedModel } from './weights-types.ts';

/** Slots of running sequences: one that ended may stand in the step on its way, beside the one in its place. */
export function slotCount(settings: EngineSettings): number {
  return evicts(settings) ? settings.maxSequences : 2 * settings.maxSequences;
}

/** Blocks that the buffers have room for. */
function buffered({ numBlocks, spareBlocks = 0 }: EngineSettings): number {
  return numBlocks + spareBlocks;
}

export class Machine {
  readonly cache: KvCache;
  readonly buffers: StepBuffers;
  readonly forward: Forward;
  /** Where each block of the pool lies in the buffers. */
  readonly physical: Uint32Array;
  /** What happens to sequences over their budget; null without eviction. */
  readonly cuts: Cuts | null;
  readonly #gpu: Gpu;
  readonly #vocab: number;
  readonly #limits: StepLimits;
  readonly #readback: Readback;

  private constructor(
    gpu: Gpu,
    model: LoadedModel,
    settings: EngineSettings,
    limits: StepLimits,
    parts: {
      readonly cache: KvCache;
      readonly buffers: StepBuffers;
      readonly forward: Forward;
      readonly readback: Readback;
    },
  ) {
    this.#gpu = gpu;
    this.#vocab = model.config.vocab;
    this.#limits = limits;
    this.cache = parts.cache;
    this.buffers = parts.buffers;
    this.forward = parts.forward;
    this.#readback = parts.readback;
    this.physical = blockPlaces(buffered(settings), settings.shuffleSeed);
    this.cuts = this.#createCuts();
  }

  /** @throws GpuOutOfMemoryError; nothing is kept then. */
  static async create(
    gpu: Gpu,
    model: LoadedModel,
    settings: EngineSettings,
    hooks: EngineHooks,
  ): Promise<Machine> {
    const limits = stepLimits(model, settings);
    const slots = slotCount(settings);
    const made: { destroy(): void }[] = [];
    const keep = <T extends { destroy(): void }>(part: T): T => (made.push(part), part);
    try {
      const { kvFormat: format, blockSize, residualTokens } = settings;
      const shape = { format, blockSize, numBlocks: buffered(settings), slots, residualTokens };
      const cache = keep(await KvCache.create(gpu, model.config, shape));
      const buffers = keep(createStepBuffers(gpu, model.config, limits, slots));
      const forward = keep(await Forward.create({ gpu, model, settings, limits, cache, buffers, hooks }));
      const readback = keep(new Readback(gpu, settings.maxSequences));
      return new Machine(gpu, model, settings, limits, { cache, buffers, forward, readback });
    } catch (error) {
      for (const part of made.reverse()) part.destroy();
      throw error;
    }
  }

  newBatch(blocksOf: (row: number) => readonly number[]): StepBatch {
    return new StepBatch(this.#limits, blocksOf, this.physical);
  }

  /** Encodes and submits a step. @throws LaunchError where a size does not fit */
  submit(batch: StepBatch, timed: boolean): PendingStep {
    const { device } = this.#gpu;
    const { buffers, forward } = this;
    buffers.upload(batch);
    forward.attention.prepare(batch);
    const pending = this.#readback.begin(timed);
    const encoder = device.createCommandEncoder({ label: 'Engine.step' });
    forward.encode(encoder, batch, pending.timestamps);
    const wantsLogits = batch.samples.some(({ sequence }) => sequence.request.onLogits);
    pending.encode(encoder, {
      sampled: buffers.sampled,
      samples: batch.samples.length,
      logits: buffers.logits,
      logitsWords: wantsLogits ? this.#vocab : 0,
    });
    device.queue.submit([encoder.finish()]);
    return pending;
  }

  #createCuts(): Cuts | null {
    const { choice } = this.forward.attention;
    if (!choice?.evictor) return null;
    const { shape, evictor } = choice;
    return new Cuts({ gpu: this.#gpu, shape, evictor, cache: this.cache, physical: this.physical });
  }

  destroy(): void {
    this.cuts?.destroy();
    for (const part of [this.#readback, this.forward, this.buffers, this.cache]) part.destroy();
  }
}

function stepLimits({ config }: LoadedModel, settings: EngineSettings): StepLimits {
  const rowsBySlot = evicts(settings);
  return {
    // Rows of slots that nobody has stand between the others.
    maxTokens: settings.tokenBudget + (rowsBySlot ? settings.maxSequences : 0),
    rowsBySlot,
    maxSequences: settings.maxSequences,
    tableStride: Math.ceil(contextBound(settings.maxContextTokens) / settings.blockSize),
    blockSize: settings.blockSize,
    positionOffset: config.positions.kind === 'learned' ? config.positions.offset : 0,
  };
}
