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
import type {
  HostFacts,
  LabHost,
  MemoryRisk,
  PowerPreference,
  Progress,
  TuningMemory,
} from '../lab/index.ts';
import type { GpuWorkerApi, Outcome } from './api.ts';
import { adapterOf, labHost } from './lab-host.ts';
import { outcomeOf } from './outcome.ts';
import { Turn, type TurnPlatform } from './turn.ts';

export interface GpuPlatform extends TurnPlatform {
  readonly requestAdapter: (power: PowerPreference) => Promise<GPUAdapter | null>;
  readonly facts: HostFacts;
  readonly date: () => string;
  readonly newId: () => string;
  readonly tunings: TuningMemory;
  /** Bytes that the allocation probe got, by adapter. */
  readonly pools: PoolMemory;
  /** Command line that asks; null in the page. */
  readonly command: string | null;
}

export interface PoolMemory {
  get(key: string): Promise<number | null>;
  set(key: string, bytes: number): Promise<void>;
}

/** Kernels and experiments: most of the worker's bytes, loaded when something is measured, not for an adapter's name. */
const measuring = () => import('./measuring.ts');

/** @param turn shared with the other services of the worker */
export function createGpuService(platform: GpuPlatform, turn: Turn = new Turn(platform)): GpuWorkerApi {
  return new GpuService(platform, turn);
}

class GpuService implements GpuWorkerApi {
  readonly #platform: GpuPlatform;
  readonly #turn: Turn;
  #gpu: Gpu | null = null;

  constructor(platform: GpuPlatform, turn: Turn) {
    this.#platform = platform;
    this.#turn = turn;
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
    return this.#turn.take(onProgress, async (signal, report) => {
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
    return this.#turn.take(onProgress, async (signal, report) => {
      const power = scenario.hardware.adapter;
      const measuredBytes = await this.#platform.pools.get(poolKey(await this.#adapter(power), power));
      const { tunings } = this.#platform;
      const host = this.#host(power);
      const { runScenario } = await measuring();
      return runScenario(scenario, { host, tunings, signal, onProgress: report, force, measuredBytes });
    });
  }

  attention(shape: Parameters<GpuWorkerApi['attention']>[0]) {
    return this.#turn.take(null, async (signal) => {
      const { tunings } = this.#platform;
      const { measureAttention } = await measuring();
      return measureAttention(shape, { host: this.#host('high-performance'), tunings, signal });
    });
  }

  cancel(): void {
    this.#turn.cancel();
  }

  loseDevice(): void {
    this.#gpu?.device.destroy();
  }

  #host(power: PowerPreference): LabHost {
    return labHost(this.#platform, power, async (adapter, options) => {
      const { openGpu } = await measuring();
      this.#gpu = await openGpu(adapter, options);
      return this.#gpu;
    });
  }

  #adapter(power: PowerPreference): Promise<GPUAdapter> {
    return adapterOf(this.#platform, power);
  }
}

function poolKey({ info }: GPUAdapter, power: PowerPreference): string {
  return [info.vendor, info.architecture, info.device, info.description, power].join('|');
}
