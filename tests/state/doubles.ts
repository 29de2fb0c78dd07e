/** Doubles of the page's ports, for tests of states without a DOM, a worker or a GPU. */
import type { AutopilotRun } from '../../src/core/run/autopilot.ts';
import type { QualityRun } from '../../src/core/run/quality.ts';
import type { CheckRun, Environment, LabRun } from '../../src/core/run/schema.ts';
import type { ServeRun } from '../../src/core/run/serve.ts';
import type { TuneRun } from '../../src/core/run/tune.ts';
import type { HostPort } from '../../src/state/gpu.svelte.ts';
import type { GpuWorkerApi, Outcome, Progress } from '../../src/workers/api.ts';
import type {
  GenerationResult,
  GenerationUpdate,
  GenerationWish,
  ModelFacts,
  ModelProgress,
  ModelSource,
  ModelWorkerApi,
} from '../../src/workers/model-api.ts';
import { environment } from '../charts/runs.ts';

/** A promise that the test settles by hand. */
export function deferred<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (e: unknown) => void;
} {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

export function failed<T>(code: string, message: string): Outcome<T> {
  return { ok: false, error: { code, message, data: null } };
}

/** A worker whose every answer the test gives. */
export class FakeWorker implements GpuWorkerApi {
  readonly checks = deferred<Outcome<CheckRun>>();
  readonly runs = deferred<Outcome<LabRun>>();
  description: Outcome<Environment> = { ok: true, value: environment };
  progress: (progress: Progress) => void = () => undefined;
  forced: boolean | null = null;
  cancelled = 0;

  describe(): Promise<Outcome<Environment>> {
    return Promise.resolve(this.description);
  }

  check(_power: string, onProgress: (progress: Progress) => void): Promise<Outcome<CheckRun>> {
    this.progress = onProgress;
    return this.checks.promise;
  }

  risk(): ReturnType<GpuWorkerApi['risk']> {
    const value = {
      risk: 'high',
      neededBytes: 95,
      availableBytes: 100,
      availableOrigin: 'assumed',
      advice: 'Shorten the context.',
    } as const;
    return Promise.resolve({ ok: true, value });
  }

  run(
    _scenario: unknown,
    options: { force: boolean },
    onProgress: (progress: Progress) => void,
  ): Promise<Outcome<LabRun>> {
    this.forced = options.force;
    this.progress = onProgress;
    return this.runs.promise;
  }

  attention(): ReturnType<GpuWorkerApi['attention']> {
    return Promise.resolve(failed('unused', 'Not asked by the page.'));
  }

  cancel(): void {
    this.cancelled += 1;
  }

  loseDevice(): void {}
}

/** The model's part of a worker, whose every answer the test gives. */
export class FakeModel implements ModelWorkerApi {
  loads = deferred<Outcome<ModelFacts>>();
  generations = deferred<Outcome<GenerationResult>>();
  readonly qualityRuns = deferred<Outcome<QualityRun>>();
  readonly serveRuns = deferred<Outcome<ServeRun>>();
  readonly tunings = deferred<Outcome<TuneRun>>();
  readonly autopilots = deferred<Outcome<AutopilotRun>>();
  held: ModelFacts | null = null;
  source: ModelSource | null = null;
  wish: GenerationWish | null = null;
  progress: (progress: ModelProgress) => void = () => undefined;
  update: (update: GenerationUpdate) => void = () => undefined;
  cancelled = 0;

  load(...[source, , onProgress]: Parameters<ModelWorkerApi['load']>): Promise<Outcome<ModelFacts>> {
    this.source = source;
    this.progress = onProgress;
    return this.loads.promise;
  }

  unload(): Promise<Outcome<null>> {
    return Promise.resolve({ ok: true, value: null });
  }

  describe(): Promise<Outcome<ModelFacts | null>> {
    return Promise.resolve({ ok: true, value: this.held });
  }

  generate(...[wish, onUpdate]: Parameters<ModelWorkerApi['generate']>): Promise<Outcome<GenerationResult>> {
    this.wish = wish;
    this.update = onUpdate;
    return this.generations.promise;
  }

  quality(): ReturnType<ModelWorkerApi['quality']> {
    return this.qualityRuns.promise;
  }

  serve(): ReturnType<ModelWorkerApi['serve']> {
    return this.serveRuns.promise;
  }

  tune(): ReturnType<ModelWorkerApi['tune']> {
    return this.tunings.promise;
  }

  autopilot(): ReturnType<ModelWorkerApi['autopilot']> {
    return this.autopilots.promise;
  }

  goOn(): void {}

  stopAutopilot(): void {}

  cancel(): void {
    this.cancelled += 1;
  }

  loseDevice(): void {}
}

export interface FakeHost extends HostPort {
  /** Another tab holds the GPU. */
  taken: boolean;
  resets: number;
  released: number;
  hide(): void;
}

export function fakeHost(
  worker: GpuWorkerApi,
  changes: Partial<HostPort> = {},
  model: ModelWorkerApi = new FakeModel(),
): FakeHost {
  const listeners = new Set<() => void>();
  const host: FakeHost = {
    worker: {
      api: () => Promise.resolve(worker),
      model: () => Promise.resolve(model),
      reset: () => void (host.resets += 1),
    },
    webgpu: 'present',
    acquire: () => Promise.resolve(host.taken ? null : () => void (host.released += 1)),
    onHidden: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    isHidden: () => false,
    memory: null,
    taken: false,
    resets: 0,
    released: 0,
    hide: () => listeners.forEach((listener) => listener()),
    ...changes,
  };
  return host;
}

/** A key-value memory that lives in the test. */
export function fakeMemory(): Storage {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
    clear: () => values.clear(),
    key: (index) => [...values.keys()][index] ?? null,
    get length() {
      return values.size;
    },
  };
}

/** Lets every settled promise be heard. */
export const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
