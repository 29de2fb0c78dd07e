/**
 * The GPU worker's work, without the worker: answers `GpuWorkerApi` on whatever platform brings the adapter. The page's
 * worker gives it the browser's; the command line's native mode gives it a Dawn binding in Node.
 *
 * One thing is measured at a time: a second request is refused, and another tab is waited for.
 */
import type { Scenario } from '../core/scenario/schema.ts';
import type { Gpu } from '../gpu/context.ts';
import { isSoftwareAdapter } from '../gpu/software.ts';
import { describeAdapter } from '../lab/environment.ts';
import { NoAdapterError } from '../lab/errors.ts';
import type {
  HostFacts,
  LabHost,
  MemoryRisk,
  PowerPreference,
  Progress,
  TuningMemory,
} from '../lab/index.ts';
import type { GpuWorkerApi, Outcome } from './api.ts';
import { outcomeOf } from './outcome.ts';

export interface GpuPlatform {
  readonly requestAdapter: (power: PowerPreference) => Promise<GPUAdapter | null>;
  readonly facts: HostFacts;
  readonly now: () => number;
  readonly date: () => string;
  readonly newId: () => string;
  readonly tunings: TuningMemory;
  /** Bytes that the allocation probe got, by adapter. */
  readonly pools: PoolMemory;
  /** Runs the task while nobody else on this machine's browser measures; `onWaiting` where somebody does. */
  readonly alone: <T>(task: () => Promise<T>, onWaiting: () => void, signal: AbortSignal) => Promise<T>;
  /** Command line that asks; null in the page. */
  readonly command: string | null;
}

export interface PoolMemory {
  get(key: string): Promise<number | null>;
  set(key: string, bytes: number): Promise<void>;
}

/** A task that is asked for while another runs. */
export class BusyError extends Error {
  readonly code = 'busy';
  constructor() {
    super('Something is being measured already: wait for it or cancel it.');
    this.name = 'BusyError';
  }
}

/** Kernels and experiments: most of the worker's bytes, loaded when something is measured, not for an adapter's name. */
const measuring = () => import('./measuring.ts');

const PROGRESS_EVERY_MS = 100;
const WAITING: Progress = { fraction: null, message: 'Another tab is measuring; waiting for it to finish' };

export function createGpuService(platform: GpuPlatform): GpuWorkerApi {
  return new GpuService(platform);
}

class GpuService implements GpuWorkerApi {
  readonly #platform: GpuPlatform;
  #running: AbortController | null = null;
  #gpu: Gpu | null = null;

  constructor(platform: GpuPlatform) {
    this.#platform = platform;
  }

  describe(power: PowerPreference) {
    return outcomeOf(async () => {
      const adapter = await this.#adapter(power);
      const { info, features, limits } = adapter;
      const described = { info, features, limits, isFallback: isSoftwareAdapter(info) };
      return describeAdapter(described, { facts: this.#platform.facts, power }, null);
    });
  }

  check(power: PowerPreference, onProgress: (progress: Progress) => void) {
    return this.#alone(onProgress, async (signal, report) => {
      const { tunings } = this.#platform;
      const host = this.#host(power);
      const { runCheck } = await measuring();
      const run = await runCheck({ host, tunings, signal, onProgress: report });
      const pool = run.measurements.find(({ id }) => id === 'largest-pool')?.value ?? null;
      if (pool !== null) await this.#platform.pools.set(poolKey(await this.#adapter(power), power), pool);
      return run;
    });
  }

  risk(scenario: Scenario): Promise<Outcome<MemoryRisk>> {
    return outcomeOf(async () => {
      const power = scenario.hardware.adapter;
      const adapter = await this.#adapter(power);
      const { info, limits } = adapter;
      const isFallback = isSoftwareAdapter(info);
      const { assessRisk, availableMemory, reduceForSoftware } = await measuring();
      const available = availableMemory({
        isFallback,
        maxBufferBytes: Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize),
        hostMemoryBytes: this.#platform.facts.hostMemoryBytes,
        measuredBytes: await this.#platform.pools.get(poolKey(adapter, power)),
      });
      const reduced = isFallback ? reduceForSoftware(scenario) : null;
      if (reduced && !reduced.ok) throw new RangeError(reduced.sentence);
      return assessRisk(reduced ? reduced.scenario : scenario, available);
    });
  }

  run(scenario: Scenario, { force }: { readonly force: boolean }, onProgress: (progress: Progress) => void) {
    return this.#alone(onProgress, async (signal, report) => {
      const power = scenario.hardware.adapter;
      const measuredBytes = await this.#platform.pools.get(poolKey(await this.#adapter(power), power));
      const { tunings } = this.#platform;
      const host = this.#host(power);
      const { runScenario } = await measuring();
      return runScenario(scenario, { host, tunings, signal, onProgress: report, force, measuredBytes });
    });
  }

  attention(shape: Parameters<GpuWorkerApi['attention']>[0]) {
    return this.#alone(null, async (signal) => {
      const { tunings } = this.#platform;
      const { measureAttention } = await measuring();
      return measureAttention(shape, { host: this.#host('high-performance'), tunings, signal });
    });
  }

  cancel(): void {
    this.#running?.abort();
  }

  loseDevice(): void {
    this.#gpu?.device.destroy();
  }

  /** Takes the machine for one task; its progress goes out at most ten times a second. */
  #alone<T>(
    onProgress: ((progress: Progress) => void) | null,
    task: (signal: AbortSignal, report: (progress: Progress) => void) => Promise<T>,
  ): Promise<Outcome<T>> {
    return outcomeOf(async () => {
      if (this.#running) throw new BusyError();
      const running = (this.#running = new AbortController());
      const { alone, now } = this.#platform;
      const report = throttled(onProgress ?? (() => undefined), now);
      try {
        return await alone(
          () => task(running.signal, report),
          () => report(WAITING),
          running.signal,
        );
      } finally {
        this.#running = null;
      }
    });
  }

  #host(power: PowerPreference): LabHost {
    const { facts, now, date, newId, command } = this.#platform;
    return {
      ...{ facts, power, now, date, newId, command },
      openGpu: async (options) => {
        const { openGpu } = await measuring();
        this.#gpu = await openGpu(await this.#adapter(power), options);
        return this.#gpu;
      },
    };
  }

  async #adapter(power: PowerPreference): Promise<GPUAdapter> {
    const adapter = await this.#platform.requestAdapter(power);
    if (!adapter) throw new NoAdapterError();
    return adapter;
  }
}

function poolKey({ info }: GPUAdapter, power: PowerPreference): string {
  return [info.vendor, info.architecture, info.device, info.description, power].join('|');
}

/** Passes on what carries a partial result, the rest at most ten times a second. */
function throttled(
  onProgress: (progress: Progress) => void,
  now: () => number,
): (progress: Progress) => void {
  let lastMs = -Infinity;
  return (progress) => {
    const atMs = now();
    if (progress.partial === undefined && atMs - lastMs < PROGRESS_EVERY_MS) return;
    lastMs = atMs;
    onProgress(progress);
  };
}
