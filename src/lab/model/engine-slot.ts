/**
 * The engine of a session, kept between wishes that it can serve: its kernels are compiled and its prefix cache is warm.
 * Another cache, or a longer or broader wish, makes another engine; the old one's memory goes first.
 */
import { createEngine, type Engine } from '../../engine/engine.ts';
import type { GenerationRequest } from '../../engine/engine-types.ts';
import type { Gpu } from '../../gpu/context.ts';
import type { EnginePort } from './generate.ts';
import type { OpenedModel } from './open.ts';
import { engineSettings, type Demand } from './settings.ts';
import type { CacheWish } from './types.ts';

/** Requests after which an engine forgets what it has seen; its columns hold more. */
const RESET_AFTER = 8192;

export class EngineSlot {
  readonly #gpu: Gpu;
  readonly #opened: OpenedModel;
  readonly #now: () => number;
  #engine: Engine | null = null;
  #key = '';
  #cache = '';
  #demand: Demand = { sequences: 0, tokens: 0 };
  #submitted = 0;

  constructor(gpu: Gpu, opened: OpenedModel, now: () => number) {
    this.#gpu = gpu;
    this.#opened = opened;
    this.#now = now;
  }

  /** @throws WishError, EngineSettingsError, GpuOutOfMemoryError */
  async open(cache: CacheWish, demand: Demand): Promise<EnginePort> {
    const { model, facts } = this.#opened;
    const sameCache = JSON.stringify(cache) === this.#cache;
    // What was served with this cache before is served again without another engine.
    const covering = sameCache ? larger(this.#demand, demand) : demand;
    const room = { isFallback: facts.isFallback, poolBytes: facts.poolBytes };
    const settings = engineSettings(model.config, cache, covering, room);
    const key = JSON.stringify(settings);
    if (this.#engine === null || key !== this.#key) {
      this.close();
      this.#engine = await createEngine(this.#gpu, model, settings, { now: this.#now });
      this.#key = key;
    } else if (this.#submitted > RESET_AFTER) {
      await this.#engine.reset();
      this.#submitted = 0;
    }
    this.#cache = JSON.stringify(cache);
    this.#demand = covering;
    return this.#portOf(this.#engine);
  }

  close(): void {
    this.#engine?.destroy();
    this.#engine = null;
    this.#submitted = 0;
  }

  #portOf(engine: Engine): EnginePort {
    return {
      numBlocks: engine.settings.numBlocks,
      kvBytesPerToken: engine.kvBytesPerToken,
      submit: (request: GenerationRequest) => {
        this.#submitted++;
        return engine.submit(request);
      },
      step: () => engine.step(),
      cancel: (request) => engine.cancel(request),
      cacheOf: (request) => ({
        blocks: [...engine.blocksOf(request)],
        storedTokens: engine.residentTokens(request),
        evictedTokens: engine.evictedTokens(request),
      }),
    };
  }
}

function larger(a: Demand, b: Demand): Demand {
  return { sequences: Math.max(a.sequences, b.sequences), tokens: Math.max(a.tokens, b.tokens) };
}
