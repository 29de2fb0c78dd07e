/**
 * The model's part of the GPU worker, without the worker: holds the loaded model and answers `ModelWorkerApi`.
 *
 * Boundary: turns and errors. Loading and generating are the lab's (src/lab/model), in a chunk of their own that is
 * fetched when a model is first asked for.
 */
import type { ModelSession } from '../lab/model/session.ts';
import type { Outcome } from './api.ts';
import type { GpuPlatform } from './gpu-service.ts';
import { labHost } from './lab-host.ts';
import type { ModelWorkerApi } from './model-api.ts';
import { outcomeOf } from './outcome.ts';
import { tuneNews } from './tune-news.ts';
import type { Turn } from './turn.ts';

const modelling = () => import('./modelling.ts');
const qualityLab = () => import('./model-quality.ts');
const servingLab = () => import('./model-serving.ts');
const tuningLab = () => import('./model-tuning.ts');
const autopilot = () => import('./model-autopilot.ts');

/** Something was asked of a model before one was loaded. */
export class NoModelError extends Error {
  readonly code = 'no-model';
  constructor() {
    super('No model is loaded: load one first.');
    this.name = 'NoModelError';
  }
}

export function createModelService(platform: GpuPlatform, turn: Turn): ModelWorkerApi {
  return new ModelService(platform, turn);
}

class ModelService implements ModelWorkerApi {
  readonly #platform: GpuPlatform;
  readonly #turn: Turn;
  #session: ModelSession | null = null;
  /** An autopilot that runs, as its buttons reach it. */
  #steering: { goOn(): void; stop(): void } | null = null;

  constructor(platform: GpuPlatform, turn: Turn) {
    this.#platform = platform;
    this.#turn = turn;
  }

  load(...[source, wish, onProgress]: Parameters<ModelWorkerApi['load']>) {
    return this.#turn.take(onProgress, async (signal, onUpdate) => {
      onUpdate({ fraction: null, message: 'Loading the engine' });
      const { ModelSession, openGpu } = await modelling();
      // The memory of the old model is the new one's.
      this.#drop();
      const host = labHost(this.#platform, wish.power, openGpu);
      this.#session = await ModelSession.load(host, source, wish, { signal, onUpdate });
      return this.#session.facts;
    });
  }

  unload(): Promise<Outcome<null>> {
    return this.#turn.take(null, () => {
      this.#drop();
      return Promise.resolve(null);
    });
  }

  describe() {
    return outcomeOf(() => Promise.resolve(this.#session?.facts ?? null));
  }

  generate(...[wish, onUpdate]: Parameters<ModelWorkerApi['generate']>) {
    return this.#turn.take(null, (signal) => this.#loaded().generate(wish, { signal, onUpdate }));
  }

  quality(...[scenario, text, onProgress]: Parameters<ModelWorkerApi['quality']>) {
    return this.#turn.take(onProgress, async (signal, onUpdate: typeof onProgress) => {
      const session = this.#loaded();
      const { runQuality, textIds } = await qualityLab();
      const ids = text === null ? null : textIds(text, session);
      return runQuality(scenario, session.lend({ signal, onUpdate }), {
        textIds: ids,
        onPartial: ({ fraction, message }, partial) => onUpdate({ fraction, message, partial }),
      });
    });
  }

  serve(...[scenario, onProgress]: Parameters<ModelWorkerApi['serve']>) {
    return this.#turn.take(onProgress, async (signal, onUpdate: typeof onProgress) => {
      const session = this.#loaded();
      const { runServing, peerOf } = await servingLab();
      return runServing(scenario, session.lend({ signal, onUpdate }), {
        peer: peerOf(session.folder),
        onPartial: ({ fraction, message }, partial) => onUpdate({ fraction, message, partial }),
      });
    });
  }

  tune(...[scenario, resume, onProgress]: Parameters<ModelWorkerApi['tune']>) {
    return this.#turn.take(onProgress, async (signal, onUpdate: typeof onProgress) => {
      const session = scenario.executor === 'engine' ? this.#loaded() : null;
      const { tuneOnGpu, openGpu, peerOf } = await tuningLab();
      return tuneOnGpu(scenario, {
        host: labHost(this.#platform, scenario.hardware.adapter, openGpu),
        session,
        peer: peerOf(session?.folder ?? null),
        signal,
        resume,
        onProgress: tuneNews(onUpdate, this.#platform.now),
      });
    });
  }

  autopilot(...[scenario, hold, onNews]: Parameters<ModelWorkerApi['autopilot']>) {
    return this.#turn.take(onNews, async (signal, onUpdate: typeof onNews) => {
      const session = this.#loaded();
      const { Going, steerEngine } = await autopilot();
      const going = new Going();
      this.#steering = going;
      try {
        const context = session.lend({ signal, onUpdate: () => undefined });
        return await steerEngine(scenario, context, { going, hold, onNews: onUpdate });
      } finally {
        this.#steering = null;
      }
    });
  }

  goOn(): void {
    this.#steering?.goOn();
  }

  stopAutopilot(): void {
    this.#steering?.stop();
  }

  cancel(): void {
    this.#turn.cancel();
  }

  loseDevice(): void {
    this.#session?.loseDevice();
  }

  #loaded(): ModelSession {
    if (this.#session === null) throw new NoModelError();
    return this.#session;
  }

  #drop(): void {
    this.#session?.unload();
    this.#session = null;
  }
}
