/**
 * Runs a serving scenario on a loaded model: every point on every backend, warm-up first and dropped, then calibration and
 * kept repetitions by turns over all points; the times to the first token; and beside each kept repetition what the
 * simulator says of the same requests, fitted on the calibration alone.
 *
 * What goes wrong with one point stays with that point. A lost device is opened again once a point. A cancel keeps what
 * was finished.
 */
import type { ServeFirstToken, ServeRun } from '../../core/run/serve.ts';
import type { ServeScenario } from '../../core/scenario/serve/schema.ts';
import type { RequestTable } from '../../core/schedule/requests.ts';
import { generateRequests } from '../../core/workload/generate.ts';
import { describeEnvironment } from '../environment.ts';
import type { ModelLabContext } from '../model/context.ts';
import type { GenerationBackend } from './backend.ts';
import { drive } from './drive.ts';
import { Engines } from './engines.ts';
import { measureFirstToken } from './first-token.ts';
import { plannedPoints, plannedTurns, type PlannedRound } from './plan.ts';
import { pointsOf, type Kept, type PointState } from './points.ts';
import { promptWriter, type PromptWriter } from './prompts.ts';
import { idleUntil, RealEngine } from './real-engine.ts';
import { driveSerially } from './serial.ts';
import { checkRequests, engineSettings } from './settings.ts';

type RunProgress = Parameters<ModelLabContext['onProgress']>[0];

export interface ServingOptions {
  /** Opens the other engine on the model that is loaded; a sentence says why there is none. */
  readonly peer: (() => Promise<GenerationBackend>) | string;
  /** Hears of the run so far after each round that is kept. */
  readonly onPartial?: (progress: RunProgress, run: ServeRun) => void;
}

/** Repetitions are most of the time; what is left of the bar is for the first tokens. */
const REPETITIONS_SHARE = 0.9;

/** @throws Error in one sentence where nothing of the scenario can be run */
export async function runServing(
  scenario: ServeScenario,
  context: ModelLabContext,
  options: ServingOptions,
): Promise<ServeRun> {
  const run = new ServingRun(scenario, context, options);
  try {
    return await run.run();
  } finally {
    await run.close();
  }
}

class ServingRun {
  readonly #scenario: ServeScenario;
  readonly #context: ModelLabContext;
  readonly #options: ServingOptions;
  readonly #points: readonly PointState[];
  readonly #engines: Engines;
  readonly #notes: string[] = [];
  readonly #kernels = new Set<string>();
  readonly #createdAt: string;
  readonly #id: string;
  #firstToken: ServeFirstToken[] = [];
  #peer: GenerationBackend | null = null;

  constructor(scenario: ServeScenario, context: ModelLabContext, options: ServingOptions) {
    const { host, facts } = context;
    this.#scenario = scenario;
    this.#context = context;
    this.#options = options;
    this.#createdAt = host.date();
    this.#id = host.newId();
    this.#engines = new Engines({ on: context, now: host.now, budgetBytes: facts.poolBytes });
    this.#points = plannedPoints(scenario).map((planned) => ({
      planned,
      status: 'done',
      reason: null,
      engine: planned.backend === 'transformers' ? 'transformers.js' : `KV Lab, ${planned.backend}`,
      reopened: false,
      kept: [],
      calibration: [],
    }));
    const { weightFormat } = facts;
    if (weightFormat !== scenario.weights) {
      this.#notes.push(`The model was loaded with ${weightFormat} weights, not ${scenario.weights}.`);
    }
  }

  async run(): Promise<ServeRun> {
    let complete = true;
    try {
      await this.#repetitions();
      await this.#firstTokens();
    } catch (error) {
      if (!this.#context.signal.aborted) throw error;
      complete = false;
      this.#notes.push('Cancelled: the repetitions that were finished are kept.');
    }
    return this.#result(complete);
  }

  async close(): Promise<void> {
    this.#engines.close();
    await this.#peer?.dispose();
  }

  async #repetitions(): Promise<void> {
    const turns = plannedTurns(this.#scenario);
    const total = turns.flat().length * this.#points.length;
    let done = 0;
    for (const turn of turns) {
      for (const [point, round] of this.#points.flatMap((point) =>
        turn.map((round) => [point, round] as const),
      )) {
        this.#context.signal.throwIfAborted();
        const tell = (share: number): void => {
          this.#tell((REPETITIONS_SHARE * (done + share)) / total, messageOf(point, round));
        };
        tell(0);
        if (point.status === 'done') await this.#round(point, round, tell);
        done++;
      }
      const kept = turn.find(({ kind }) => kind === 'kept');
      if (!kept) continue;
      const message = `Repetition ${kept.number + 1} of ${this.#scenario.measurement.repeats} is done`;
      this.#options.onPartial?.(
        { fraction: (REPETITIONS_SHARE * done) / total, message },
        await this.#result(false),
      );
    }
  }

  async #round(point: PointState, round: PlannedRound, tell: (share: number) => void): Promise<void> {
    try {
      const kept = await this.#repetition(point, round, tell);
      if (round.kind === 'kept') point.kept.push(kept);
      if (round.kind === 'calibration') point.calibration.push(kept.measured);
    } catch (error) {
      this.#context.signal.throwIfAborted();
      if (isLoss(error) && !point.reopened) {
        point.reopened = true;
        this.#engines.reopen(await this.#context.reopened());
        this.#notes.push(
          `The GPU device was lost during “${point.planned.label}”; the model was loaded again.`,
        );
        return this.#round(point, round, tell);
      }
      point.status = isMissing(error) ? 'skipped' : 'failed';
      point.reason = sentenceOf(error);
    }
  }

  async #repetition(
    { planned }: PointState,
    { seed }: PlannedRound,
    onProgress: (share: number) => void,
  ): Promise<Kept> {
    const { scenario, backend } = planned;
    const { signal, host, model } = this.#context;
    const requests = generateRequests({ ...scenario, seed }, null);
    const prompts = this.#writer(scenario, requests, seed);
    const load = { requests, prompts, seed, signal, onProgress };
    if (backend === 'transformers') {
      checkRequests(requests, model.config.maxPositionTokens, model.config.name);
      const { now } = host;
      const clock = { now, idleUntil: (ms: number) => idleUntil(now, ms, signal) };
      return { requests, measured: await driveSerially(await this.#openPeer(planned.index), clock, load) };
    }
    const settings = engineSettings(scenario, backend, model.config);
    checkRequests(requests, settings.maxContextTokens, model.config.name);
    const engine = await this.#engines.fresh(settings);
    this.#kernels.add(engine.variant);
    return { requests, measured: await drive(new RealEngine(engine, host.now), load) };
  }

  #writer({ workload, engine }: ServeScenario, requests: RequestTable, seed: number): PromptWriter {
    const { config } = this.#context.model;
    return promptWriter({
      requests,
      sharing: workload.sharing,
      blockSize: engine.blockSize,
      vocab: config.vocab,
      reserved: this.#reserved,
      seed,
    });
  }

  get #reserved(): ReadonlySet<number> {
    const { bosToken, eosTokens } = this.#context.model.config;
    return new Set([...(bosToken === null ? [] : [bosToken]), ...eosTokens]);
  }

  /** @throws UnsupportedError with the reason where there is none */
  async #openPeer(index: number): Promise<GenerationBackend> {
    if (this.#peer) return this.#peer;
    const { peer } = this.#options;
    const point = this.#points[index];
    if (typeof peer === 'string') {
      throw new PeerMissingError(peer);
    }
    const opened = await peer();
    const { signal } = this.#context;
    await opened.load(({ text }) => this.#tell(null, text), signal);
    this.#peer = opened;
    if (point) point.engine = opened.name.slice(0, 200);
    return opened;
  }

  async #firstTokens(): Promise<void> {
    const { host, model, facts, signal } = this.#context;
    if (this.#scenario.ttft === null) return;
    const message = 'The first token: cold, warm, fetched back';
    try {
      this.#firstToken = await measureFirstToken(this.#scenario, {
        fresh: (settings) => this.#engines.fresh(settings),
        maxPositionTokens: model.config.maxPositionTokens,
        kvBytesPerToken: facts.kvBytesPerToken[this.#scenario.engine.kvFormat],
        vocab: model.config.vocab,
        reserved: this.#reserved,
        now: host.now,
        signal,
        onProgress: (share) => this.#tell(REPETITIONS_SHARE + (1 - REPETITIONS_SHARE) * share, message),
      });
    } catch (error) {
      signal.throwIfAborted();
      this.#notes.push(`The times to the first token could not be measured: ${sentenceOf(error)}`);
    }
  }

  async #result(complete: boolean): Promise<ServeRun> {
    const { host, gpu, model, facts } = this.#context;
    return {
      version: 1,
      kind: 'serve',
      id: this.#id,
      title: this.#scenario.title,
      createdAt: this.#createdAt,
      origin: 'measured',
      command: host.command,
      scenario: this.#scenario,
      model: model.config.name.slice(0, 200),
      environment: describeEnvironment(gpu, host, null),
      points: await pointsOf(this.#points, facts.kvBytesPerToken, model.config),
      firstToken: this.#firstToken,
      notes: [...this.#notes, ...kernelNotes(this.#kernels)].map((note) => note.slice(0, 600)).slice(0, 50),
      complete,
    };
  }

  #tell(fraction: number | null, message: string): void {
    this.#context.onProgress({ fraction, message });
  }
}

/** Names of kernels by their batch sizes, each once. */
function kernelNotes(variants: ReadonlySet<string>): string[] {
  const names = new Set([...variants].flatMap((variant) => variant.split(' · ')));
  return names.size === 0 ? [] : [`Kernels: ${[...names].join(' · ')}.`];
}

class PeerMissingError extends Error {
  readonly code = 'peer-missing';
  constructor(sentence: string) {
    super(sentence);
    this.name = 'PeerMissingError';
  }
}

/** A model without files for another engine is no fault of that engine. */
function isMissing(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && (error.code === 'missing' || error.code === 'peer-missing')
  );
}

function isLoss(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'device-lost';
}

function sentenceOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 400);
}

function messageOf({ planned }: PointState, { kind, number }: PlannedRound): string {
  const words = {
    'warm-up': 'warm-up',
    calibration: `calibration ${number + 1}`,
    kept: `repetition ${number + 1}`,
  };
  return `${planned.label}: ${words[kind]}`;
}
