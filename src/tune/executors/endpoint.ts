/**
 * A real server as the tuner's executor: settings that go with each request (how many are in flight, whether a prompt may be
 * found in the prefix cache), and, where whoever calls can start the server anew, those that its start command names.
 *
 * A measurement is one load of a cell's requests, as kvlab load sends them; lengths are those of the seed for every
 * candidate, texts are not, so that no cache knows them from the one before. Memory is what the started server's process
 * held at its highest; a server that was not started here does not tell it, and then it is 0 and weighs the same for all.
 */
import { summarizeLoad } from '../../core/metrics/load/summary.ts';
import type { LoadedServer, ServerKind } from '../../core/run/load.ts';
import type { TuneMetrics } from '../../core/run/tune.ts';
import { DEFAULT_LOAD } from '../../core/scenario/load/defaults.ts';
import { loadOf } from '../../core/scenario/tune/load.ts';
import type { TuneCell } from '../../core/scenario/tune/profiles.ts';
import { resolveTuning, type Tuning } from '../../core/scenario/tune/resolved.ts';
import {
  TUNE_AXES,
  type TuneAxis,
  type TuneScenario,
  type TuneSettings,
} from '../../core/scenario/tune/schema.ts';
import { EndpointError, probe, runLoad, type Endpoint } from '../../endpoints/index.ts';
import { withDeadline } from '../deadline.ts';
import { InfeasibleError, memorySentence, type Measurement, type TuneExecutor } from '../executor.ts';

export interface RunningServer {
  readonly endpoint: Endpoint;
  /** Bytes of its processes at their highest; null where nobody can say. */
  readonly peakBytes: () => number | null;
  /** From the start command until it answered; null for one that was there. */
  readonly startupMs: number | null;
}

/** A server that can be had with these settings. */
export interface TunedServer {
  /** Axes that starting it sets; none for a server that is simply there. */
  readonly axes: readonly TuneAxis[];
  /** @throws EndpointError, or InfeasibleError where it does not start with these settings */
  running(settings: TuneSettings, signal: AbortSignal): Promise<RunningServer>;
  close(): Promise<void>;
}

/** A server that is there, whatever the settings. */
export function thereAlready(endpoint: Endpoint): TunedServer {
  const running = { endpoint, peakBytes: () => null, startupMs: null };
  return { axes: [], running: () => Promise.resolve(running), close: () => Promise.resolve() };
}

/** Servers that leave a prompt out of their prefix cache where a request asks for it. */
const SALTED: ReadonlySet<ServerKind> = new Set<ServerKind>(['llama.cpp', 'vllm']);
const NO_OBJECTIVES = { ttftMs: null, tpotMs: null, e2eMs: null };
/** Requests before the first measurement of a server that was just started. */
const WARM_UP = 2;

/** @throws EndpointError where nobody answers */
export async function createEndpointExecutor(
  scenario: TuneScenario,
  server: TunedServer,
  options: { readonly client: string; readonly connections?: number; readonly signal: AbortSignal },
): Promise<TuneExecutor> {
  const tuning = resolveTuning(scenario);
  const first = await server.running(tuning.baseline, options.signal);
  return new EndpointExecutor(tuning, server, await probe(first.endpoint), options);
}

class EndpointExecutor implements TuneExecutor {
  readonly kind = 'endpoint';
  readonly origin = 'measured';
  readonly drifts = true;
  readonly environment = null;
  readonly #tuning: Tuning;
  readonly #server: TunedServer;
  readonly #told: LoadedServer;
  readonly #options: { readonly client: string; readonly connections?: number };
  readonly #startup = new Map<string, number>();
  #loads = 0;

  constructor(
    tuning: Tuning,
    server: TunedServer,
    told: LoadedServer,
    options: { readonly client: string; readonly connections?: number },
  ) {
    this.#tuning = tuning;
    this.#server = server;
    this.#told = told;
    this.#options = options;
  }

  get about(): string {
    const { kind, version } = this.#told;
    const { requests, users } = this.#tuning.load;
    const memory =
      this.#server.axes.length > 0 ? 'started anew for each candidate' : 'its memory is not told';
    return `Measured over HTTP on a ${kind} server${version === null ? '' : ` ${version}`}, ${memory}: ${requests} requests a measurement of ${users} users, from ${this.#options.client}.`;
  }

  maxTokens(): number {
    return this.#told.maxModelTokens ?? 0;
  }

  refuses(settings: TuneSettings): string | null {
    const { baseline } = this.#tuning;
    const started = this.#server.axes;
    const changed = TUNE_AXES.filter((axis) => settings[axis] !== baseline[axis] && !started.includes(axis));
    for (const axis of changed) {
      if (axis === 'maxSequences') continue;
      if (axis === 'prefixCaching' && SALTED.has(this.#told.kind)) continue;
      return axis === 'prefixCaching'
        ? `A ${this.#told.kind} server takes no prefixCaching by the request; start it anew with {prefixCaching} in --start.`
        : `${axis} is no setting of a request; start the server anew with {${axis}} in --start.`;
    }
    return null;
  }

  async measure({ settings, cell, seed, signal }: Measurement): Promise<TuneMetrics> {
    const { measurementSeconds, memoryGB } = this.#tuning.scenario.budget;
    try {
      const metrics = await withDeadline(signal, measurementSeconds, (limited) =>
        this.#measured(settings, cell, seed, limited),
      );
      const limit = memoryGB === null ? Infinity : memoryGB * 1e9;
      if (metrics.memoryBytes > limit) throw new InfeasibleError(memorySentence(metrics.memoryBytes, limit));
      return metrics;
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof EndpointError && error.kind === 'bad request'
        ? new InfeasibleError(error.message)
        : error;
    }
  }

  startupMs(settings: TuneSettings): number | null {
    return this.#startup.get(JSON.stringify(settings)) ?? null;
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  async #measured(
    settings: TuneSettings,
    cell: TuneCell,
    seed: number,
    signal: AbortSignal,
  ): Promise<TuneMetrics> {
    const key = JSON.stringify(settings);
    const { endpoint, peakBytes, startupMs } = await this.#server.running(settings, signal);
    const isNew = startupMs !== null && !this.#startup.has(key);
    if (startupMs !== null) this.#startup.set(key, startupMs);
    const load = this.#loads++;
    const { client, connections } = this.#options;
    const scenario = {
      ...loadOf(this.#tuning, settings, cell),
      seed,
      measurement: {
        ...DEFAULT_LOAD.measurement,
        calibrationRepeats: 0,
        warmupRequests: isNew || load === 0 ? WARM_UP : 0,
      },
    };
    const run = await runLoad(scenario, endpoint, {
      signal,
      trace: null,
      texts: load,
      ...(connections === undefined ? {} : { connections }),
      stamp: { id: 'tune', createdAt: '', appVersion: '', command: null, client },
    });
    signal.throwIfAborted();
    const record = run.points[0]?.repetitions[0]?.measured;
    const reason = run.points[0]?.reason ?? record?.faults[0]?.sentence ?? 'The server gave no answer.';
    if (record === undefined) throw new InfeasibleError(reason);
    const { summary, failed } = summarizeLoad(record, NO_OBJECTIVES);
    if (failed > 0 || summary.ttftMs === null)
      throw new InfeasibleError(`${failed} requests failed: ${reason}`);
    return {
      ttftMs: summary.ttftMs.mean,
      tpotMs: summary.tpotMs?.mean ?? 0,
      outputTokensPerSecond: summary.outputTokensPerSecond,
      memoryBytes: peakBytes() ?? 0,
    };
  }
}
