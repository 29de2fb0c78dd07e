/**
 * A loaded model on a device: opened, asked to generate, lent to laboratories, opened again where the device was lost.
 *
 * The source stays at hand (files on disk, the browser's cache), so that weights can be uploaded again; nothing is kept
 * of them here. One task at a time: whoever calls sees to that.
 */
import type { Tokenizer } from '../../engine/tokenizer/types.ts';
import type { ModelFolder } from '../../engine/weights/open.ts';
import type { Gpu } from '../../gpu/context.ts';
import { DeviceLostError, NoAdapterError, NoDeviceBackError, unlessLost } from '../errors.ts';
import type { LabHost } from '../host.ts';
import type { ModelLabContext, ModelOnGpu } from './context.ts';
import { EngineSlot } from './engine-slot.ts';
import { generate } from './generate.ts';
import { openModel, type OpenedModel } from './open.ts';
import { promptIds } from './prompts.ts';
import type {
  GenerationResult,
  GenerationUpdate,
  GenerationWish,
  LoadWish,
  ModelFacts,
  ModelProgress,
  ModelSource,
} from './types.ts';

export interface TaskHooks<Update> {
  readonly signal: AbortSignal;
  readonly onUpdate: (update: Update) => void;
}

export class ModelSession {
  readonly #host: LabHost;
  readonly #source: ModelSource;
  readonly #wish: LoadWish;
  #gpu: Gpu;
  #opened: OpenedModel;
  #engine: EngineSlot;

  private constructor(host: LabHost, source: ModelSource, wish: LoadWish, gpu: Gpu, opened: OpenedModel) {
    this.#host = host;
    this.#source = source;
    this.#wish = wish;
    this.#gpu = gpu;
    this.#opened = opened;
    this.#engine = new EngineSlot(gpu, opened, host.now);
  }

  /** @throws ModelError and the GPU's own errors; nothing is kept on the device then. */
  static async load(
    host: LabHost,
    source: ModelSource,
    wish: LoadWish,
    { signal, onUpdate }: TaskHooks<ModelProgress>,
  ): Promise<ModelSession> {
    const gpu = await host.openGpu();
    const opened = await openOn(gpu, host, source, wish, { signal, onUpdate });
    return new ModelSession(host, source, wish, gpu, opened);
  }

  get facts(): ModelFacts {
    return this.#opened.facts;
  }

  get tokenizer(): Tokenizer | null {
    return this.#opened.tokenizer;
  }

  /** The files that the model came from, where they are a folder's or a repository's. */
  get folder(): ModelFolder | null {
    return this.#opened.folder;
  }

  /** The device as a browser would lose it, for tests. */
  loseDevice(): void {
    this.#gpu.device.destroy();
  }

  /** @throws WishError, DeviceLostError when the device is lost again and again, and the engine's own errors. */
  async generate(
    wish: GenerationWish,
    { signal, onUpdate }: TaskHooks<GenerationUpdate>,
  ): Promise<GenerationResult> {
    const { model, tokenizer } = this.#opened;
    const prompts = promptIds(wish.prompts, model.config, tokenizer);
    const demand = {
      sequences: prompts.length * wish.samples,
      tokens: Math.max(...prompts.map((ids) => ids.length)) + wish.maxTokens,
    };
    const open = () => this.#engine.open(wish.cache, demand);
    return generate(await open().catch((error: unknown) => this.#recovered(error, open)), prompts, wish, {
      now: this.#host.now,
      signal,
      tokenizer,
      onUpdate,
      recover: (error) => this.#recover(error, open),
    });
  }

  /** What a laboratory gets; its engine slot is emptied first, so that the memory is the laboratory's. */
  lend({ signal, onUpdate }: TaskHooks<ModelProgress>): ModelLabContext {
    this.#engine.close();
    const now = (): ModelOnGpu => ({
      gpu: this.#gpu,
      model: this.#opened.model,
      tokenizer: this.#opened.tokenizer,
    });
    return {
      ...now(),
      facts: this.facts,
      host: this.#host,
      signal,
      onProgress: onUpdate,
      reopened: async () => {
        await this.#reopen();
        return now();
      },
    };
  }

  /** The same model beside the loaded one, with its weights in another format; gone with a lost device. */
  async withWeights(
    weightFormat: LoadWish['weightFormat'],
    hooks: TaskHooks<ModelProgress>,
  ): Promise<{ readonly on: ModelOnGpu; readonly facts: ModelFacts; readonly close: () => void }> {
    const gpu = this.#gpu;
    const wish = { ...this.#wish, weightFormat };
    const opened = await unlessLost(gpu.device, () => openModel(gpu, this.#host, this.#source, wish, hooks));
    const { model, tokenizer, facts } = opened;
    return { on: { gpu, model, tokenizer }, facts, close: () => model.weights.destroy() };
  }

  unload(): void {
    this.#engine.close();
    this.#opened.model.weights.destroy();
    this.#gpu.device.destroy();
  }

  async #recovered<T>(error: unknown, open: () => Promise<T>): Promise<T> {
    const engine = await this.#recover(error, open);
    if (engine === null) throw error;
    return engine;
  }

  /** Another engine on another device, where this one's was lost; null for any other error. */
  async #recover<T>(error: unknown, open: () => Promise<T>): Promise<T | null> {
    if (!(await isLost(this.#gpu.device, error))) return null;
    await this.#reopen();
    return open();
  }

  async #reopen(): Promise<void> {
    // What is left of the old device is of no use to anybody; its destruction frees what a browser still counts.
    this.#gpu.device.destroy();
    this.#gpu = await this.#host.openGpu().catch((error: unknown): never => {
      throw error instanceof NoAdapterError ? new NoDeviceBackError() : error;
    });
    const quiet = { signal: new AbortController().signal, onUpdate: () => undefined };
    this.#opened = await openOn(this.#gpu, this.#host, this.#source, this.#wish, quiet);
    this.#engine = new EngineSlot(this.#gpu, this.#opened, this.#host.now);
  }
}

/** Opens the model; a device that got none is given back. */
async function openOn(
  gpu: Gpu,
  host: LabHost,
  source: ModelSource,
  wish: LoadWish,
  hooks: TaskHooks<ModelProgress>,
): Promise<OpenedModel> {
  try {
    return await unlessLost(gpu.device, () => openModel(gpu, host, source, wish, hooks));
  } catch (error) {
    gpu.device.destroy();
    throw error;
  }
}

/** How long a dying device may take to say so, after the first error that it caused. */
const LOSS_PATIENCE_MS = 50;

async function isLost(device: GPUDevice, error: unknown): Promise<boolean> {
  if (error instanceof DeviceLostError) return true;
  if (error instanceof Error && 'code' in error && error.code === 'device-lost') return true;
  const patience = new Promise<false>((resolve) => setTimeout(() => resolve(false), LOSS_PATIENCE_MS));
  return Promise.race([device.lost.then(() => true), patience]);
}
