/**
 * The engine with the loaded model as the tuner's executor: a load on real kernels, measured.
 *
 * One engine a candidate, made for the longest cell of the profile and kept while there is room; its first load is not
 * counted. Other weight formats are loaded beside the model when they are first asked for. A device that was lost is
 * opened again once a measurement.
 *
 * Memory is what the candidate asks of the device: its weights, its work buffers and the KV blocks that sequences held at
 * the moment of the highest use, for reservations all that was reserved.
 */
import { servedRepetition } from '../../core/metrics/serving/served.ts';
import type { ServeRecord } from '../../core/run/serve.ts';
import type { TuneMetrics } from '../../core/run/tune.ts';
import { SERVE_WEIGHTS, type ServeScenario } from '../../core/scenario/serve/schema.ts';
import type { TuneCell } from '../../core/scenario/tune/profiles.ts';
import { longestText, resolveTuning, type Tuning } from '../../core/scenario/tune/resolved.ts';
import type { TuneScenario, TuneSettings } from '../../core/scenario/tune/schema.ts';
import { keptTokens, servingOf } from '../../core/scenario/tune/serving.ts';
import { settingsKey } from '../../core/scenario/tune/space.ts';
import type { RequestTable } from '../../core/schedule/requests.ts';
import { generateRequests } from '../../core/workload/generate.ts';
import type { EngineSettings } from '../../engine/engine-types.ts';
import { describeEnvironment } from '../../lab/environment.ts';
import type { ModelLabContext, ModelOnGpu } from '../../lab/model/context.ts';
import type { ModelFacts } from '../../lab/model/types.ts';
import type { GenerationBackend } from '../../lab/serving/backend.ts';
import { drive } from '../../lab/serving/drive.ts';
import { Engines } from '../../lab/serving/engines.ts';
import { promptWriter, type PromptWriter } from '../../lab/serving/prompts.ts';
import { idleUntil, RealEngine } from '../../lab/serving/real-engine.ts';
import { driveSerially } from '../../lab/serving/serial.ts';
import { engineSettings } from '../../lab/serving/settings.ts';
import { withDeadline } from '../deadline.ts';
import { InfeasibleError, memorySentence, type Measurement, type TuneExecutor } from '../executor.ts';

type Weights = ModelFacts['weightFormat'];

/** The model with other weights, beside the one that is loaded. */
export interface OtherWeights {
  readonly on: ModelOnGpu;
  readonly facts: ModelFacts;
  readonly close: () => void;
}

export interface EngineExecutorOptions {
  /** Opens the other engine on the model that is loaded; a sentence says why there is none. */
  readonly peer: (() => Promise<GenerationBackend>) | string;
  /** Loads the model again in another format; null: not here. */
  readonly withWeights: ((format: Weights) => Promise<OtherWeights>) | null;
}

const OBJECTIVES = { ttftMs: null, tpotMs: null, e2eMs: null };

/** Codes of errors that are the candidate's own: it can't run here. */
const CANDIDATES_OWN: ReadonlySet<unknown> = new Set([
  'engine-settings',
  'gpu-out-of-memory',
  'out-of-memory',
  'request',
  'unsupported',
  'engine-stalled',
]);

export function createEngineExecutor(
  scenario: TuneScenario,
  context: ModelLabContext,
  options: EngineExecutorOptions,
): TuneExecutor {
  return new EngineExecutor(scenario, context, options);
}

interface Loaded {
  readonly facts: ModelFacts;
  readonly engines: Engines;
  readonly close: () => void;
}

class EngineExecutor implements TuneExecutor {
  readonly kind = 'engine';
  readonly origin = 'measured';
  readonly drifts = true;
  readonly #tuning: Tuning;
  readonly #context: ModelLabContext;
  readonly #options: EngineExecutorOptions;
  readonly #loaded = new Map<Weights, Loaded>();
  readonly #startup = new Map<string, number>();
  readonly #warm = new Set<string>();
  #peer: GenerationBackend | null = null;

  constructor(scenario: TuneScenario, context: ModelLabContext, options: EngineExecutorOptions) {
    this.#tuning = resolveTuning(scenario);
    this.#context = context;
    this.#options = options;
    const { facts, host } = context;
    const engines = new Engines({ on: context, now: host.now, budgetBytes: facts.poolBytes });
    this.#loaded.set(facts.weightFormat, { facts, engines, close: () => engines.close() });
  }

  get about(): string {
    const { facts } = this.#context;
    return `Measured on ${facts.adapter} with ${facts.config.name}: real kernels, ${this.#tuning.load.requests} requests a measurement, ${this.#tuning.load.users} at a time.`;
  }

  get environment() {
    return describeEnvironment(this.#context.gpu, this.#context.host, null);
  }

  maxTokens(): number {
    return this.#context.model.config.maxPositionTokens;
  }

  refuses(settings: TuneSettings, cell: TuneCell): string | null {
    const made = servingOf(this.#tuning, settings, cell, this.#longest);
    if (!made.ok) return made.sentence;
    if (settings.backend !== 'ours' && typeof this.#options.peer === 'string') return this.#options.peer;
    const weights = SERVE_WEIGHTS.find((known) => known === settings.weights);
    if (weights !== this.#context.facts.weightFormat && this.#options.withWeights === null) {
      return `The model is loaded with ${this.#context.facts.weightFormat} weights; load it with ${settings.weights} to tune them.`;
    }
    return null;
  }

  async measure({ settings, cell, seed, signal }: Measurement): Promise<TuneMetrics> {
    const made = servingOf(this.#tuning, settings, cell, this.#longest);
    if (!made.ok) throw new InfeasibleError(made.sentence);
    const { measurementSeconds, memoryGB } = this.#tuning.scenario.budget;
    const measured = (): Promise<TuneMetrics> =>
      withDeadline(signal, measurementSeconds, (limited) =>
        settings.backend === 'ours'
          ? this.#onOurs(settings, made.scenario, seed, limited)
          : this.#onPeer(settings, made.scenario, seed, limited),
      );
    const metrics = await this.#guarded(measured, signal);
    const limit = memoryGB === null ? Infinity : memoryGB * 1e9;
    if (metrics.memoryBytes > limit) throw new InfeasibleError(memorySentence(metrics.memoryBytes, limit));
    return metrics;
  }

  startupMs(settings: TuneSettings): number | null {
    return this.#startup.get(settingsKey(settings)) ?? null;
  }

  async close(): Promise<void> {
    for (const { close } of this.#loaded.values()) close();
    this.#loaded.clear();
    await this.#peer?.dispose();
  }

  get #longest(): number {
    return longestText(this.#tuning.profile, this.maxTokens());
  }

  /** A device that was lost is opened again once; what the candidate itself can't do is its own. */
  async #guarded(measured: () => Promise<TuneMetrics>, signal: AbortSignal): Promise<TuneMetrics> {
    try {
      return await measured();
    } catch (error) {
      signal.throwIfAborted();
      if (codeOf(error) !== 'device-lost') throw ownOrOthers(error);
    }
    await this.#reopen();
    try {
      return await measured();
    } catch (error) {
      signal.throwIfAborted();
      if (codeOf(error) !== 'device-lost') throw ownOrOthers(error);
      throw new InfeasibleError('The GPU was lost twice with these settings.');
    }
  }

  async #reopen(): Promise<void> {
    const on = await this.#context.reopened();
    this.#warm.clear();
    for (const [format, { engines, close }] of this.#loaded) {
      if (format === this.#context.facts.weightFormat) {
        engines.reopen(on);
        continue;
      }
      close();
      this.#loaded.delete(format);
    }
  }

  async #onOurs(
    settings: TuneSettings,
    scenario: ServeScenario,
    seed: number,
    signal: AbortSignal,
  ): Promise<TuneMetrics> {
    const { host } = this.#context;
    const key = settingsKey(settings);
    const startedMs = host.now();
    const { engines, facts } = await this.#weightsOf(scenario.weights);
    const asked = this.#engineSettings(settings, scenario);
    const engine = await engines.fresh(asked);
    if (!this.#startup.has(key)) this.#startup.set(key, host.now() - startedMs);
    const load = (): ReturnType<typeof drive> =>
      drive(new RealEngine(engine, host.now), this.#load(scenario, seed, signal));
    if (!this.#warm.has(key)) {
      await load();
      await engine.reset();
      this.#warm.add(key);
    }
    const record = await load();
    const peak = record.steps.activeBlocks.reduce((most, blocks) => Math.max(most, blocks), 0);
    const kvBytes = peak * asked.blockSize * engine.kvBytesPerToken;
    return metricsOf(record, facts.weightBytes + engine.bytes.work + kvBytes, asked);
  }

  #engineSettings(settings: TuneSettings, scenario: ServeScenario): EngineSettings {
    const backend = scenario.backends[0] === 'contiguous' ? 'contiguous' : 'paged';
    const made = engineSettings(scenario, backend, this.#context.model.config);
    const budgetTokens = keptTokens(settings, made.maxContextTokens);
    if (budgetTokens >= made.maxContextTokens) return made;
    // A window of the newest tokens is StreamingLLM’s with its few first ones.
    const policy = settings.strategy === 'sliding-window' ? 'streaming-llm' : settings.eviction;
    return { ...made, prefixCaching: false, offload: 'none', eviction: { policy, budgetTokens } };
  }

  /** The other engine, one request at a time; its weights are counted as ours are. */
  async #onPeer(
    settings: TuneSettings,
    scenario: ServeScenario,
    seed: number,
    signal: AbortSignal,
  ): Promise<TuneMetrics> {
    const { host, facts } = this.#context;
    const key = settingsKey(settings);
    const startedMs = host.now();
    const peer = await this.#openPeer(signal);
    if (!this.#startup.has(key)) this.#startup.set(key, host.now() - startedMs);
    const clock = { now: host.now, idleUntil: (ms: number) => idleUntil(host.now, ms, signal) };
    const record = await driveSerially(peer, clock, this.#load(scenario, seed, signal));
    const longest = Math.max(...record.requests.promptTokens.map((tokens) => tokens ?? 0));
    const grown =
      (longest + Math.max(...record.requests.tokens.map((tokens) => tokens ?? 0))) *
      facts.kvBytesPerToken.f32;
    return metricsOf(record, facts.weightBytes + (peer.kvBytes ?? grown), null);
  }

  async #openPeer(signal: AbortSignal): Promise<GenerationBackend> {
    if (this.#peer) return this.#peer;
    const { peer } = this.#options;
    if (typeof peer === 'string') throw new InfeasibleError(peer);
    const opened = await peer();
    await opened.load(undefined, signal);
    this.#peer = opened;
    return opened;
  }

  async #weightsOf(weights: ServeScenario['weights']): Promise<Loaded> {
    const found = this.#loaded.get(weights);
    if (found) return found;
    const { withWeights } = this.#options;
    if (withWeights === null) throw new InfeasibleError(`The model is not loaded with ${weights} weights.`);
    const other = await withWeights(weights);
    const { host } = this.#context;
    const engines = new Engines({ on: other.on, now: host.now, budgetBytes: other.facts.poolBytes });
    const loaded: Loaded = {
      facts: other.facts,
      engines,
      close: () => {
        engines.close();
        other.close();
      },
    };
    this.#loaded.set(weights, loaded);
    return loaded;
  }

  #load(scenario: ServeScenario, seed: number, signal: AbortSignal) {
    const requests = generateRequests({ ...scenario, seed }, null);
    return { requests, prompts: this.#writer(scenario, requests, seed), seed, signal };
  }

  #writer({ workload, engine }: ServeScenario, requests: RequestTable, seed: number): PromptWriter {
    const { vocab, bosToken, eosTokens } = this.#context.model.config;
    return promptWriter({
      requests,
      sharing: workload.sharing,
      blockSize: engine.blockSize,
      vocab,
      reserved: new Set([...(bosToken === null ? [] : [bosToken]), ...eosTokens]),
      seed,
    });
  }
}

function metricsOf(
  record: ServeRecord,
  memoryBytes: number,
  settings: Pick<EngineSettings, 'numBlocks' | 'blockSize' | 'prefixCaching'> | null,
): TuneMetrics {
  const { summary } = servedRepetition(record, {
    kvBlocks: settings?.numBlocks ?? null,
    blockSize: settings?.blockSize ?? null,
    objectives: OBJECTIVES,
    prefixCache: settings?.prefixCaching ?? false,
  });
  if (summary.ttftMs === null) throw new InfeasibleError('No request was answered.');
  return {
    ttftMs: summary.ttftMs.mean,
    tpotMs: summary.tpotMs?.mean ?? 0,
    outputTokensPerSecond: summary.outputTokensPerSecond,
    memoryBytes,
  };
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null;
}

function ownOrOthers(error: unknown): unknown {
  if (error instanceof InfeasibleError || !(error instanceof Error)) return error;
  return CANDIDATES_OWN.has(codeOf(error)) ? new InfeasibleError(error.message) : error;
}
