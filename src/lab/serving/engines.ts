/**
 * Engines of a run: points that differ in their load only share one, so that repetitions of all points can take turns.
 * As many are kept as their caches fit into the memory; the one that was used longest ago goes first.
 */
import { createEngine, type Engine } from '../../engine/engine.ts';
import type { EngineSettings } from '../../engine/engine-types.ts';
import type { ModelOnGpu } from '../model/context.ts';

export interface EngineMaker {
  readonly on: ModelOnGpu;
  readonly now: () => number;
  /** Bytes that all caches may take together. */
  readonly budgetBytes: number;
}

export class Engines {
  #maker: EngineMaker;
  /** By their settings, the newest used last. */
  readonly #kept = new Map<string, Engine>();

  constructor(maker: EngineMaker) {
    this.#maker = maker;
  }

  /** An engine without requests and with an empty cache. @throws EngineSettingsError, GpuOutOfMemoryError */
  async fresh(settings: EngineSettings): Promise<Engine> {
    const key = JSON.stringify(settings);
    const found = this.#kept.get(key);
    if (found) {
      this.#kept.delete(key);
      this.#kept.set(key, found);
      await found.reset();
      return found;
    }
    this.#makeRoom();
    const { on, now } = this.#maker;
    const made = await createEngine(on.gpu, on.model, settings, { now, timed: true });
    this.#kept.set(key, made);
    return made;
  }

  /** Goes on with another device; what was made on the lost one is gone. */
  reopen(on: ModelOnGpu): void {
    this.#kept.clear();
    this.#maker = { ...this.#maker, on };
  }

  close(): void {
    for (const engine of this.#kept.values()) engine.destroy();
    this.#kept.clear();
  }

  /** Half of the budget is for the engine that comes. */
  #makeRoom(): void {
    const bytesOf = (engine: Engine): number => engine.bytes.cache + engine.bytes.work;
    let bytes = [...this.#kept.values()].reduce((sum, engine) => sum + bytesOf(engine), 0);
    for (const [key, engine] of this.#kept) {
      if (bytes <= this.#maker.budgetBytes / 2) return;
      bytes -= bytesOf(engine);
      engine.destroy();
      this.#kept.delete(key);
    }
  }
}
