/**
 * The engine: a model, its paged cache and the scheduler of the simulator, on a GPU.
 *
 *   submit(request)… → step() → report with the tokens of the step → … → null when nothing is left
 *
 * A step is planned and submitted while the one before it still runs: token ids are read back one step late, and only
 * the GPU knows them in between (the embedding reads them where the sampler left them). What the scheduler does is
 * src/core/schedule/vllm.ts; here is what a plan becomes on a device.
 */
import type { StepPlan } from '../core/schedule/scheduler.ts';
import type { LiveLimits } from '../core/schedule/vllm-config.ts';
import type { Gpu } from '../gpu/context.ts';
import { EngineConnector, type ConnectorCounts } from './connector.ts';
import type { ModelConfig } from './config.ts';
import type {
  EngineHooks,
  EngineSettings,
  GenerationRequest,
  RequestEvent,
  StepReport,
} from './engine-types.ts';
import { EngineLostError, RequestError } from './errors.ts';
import { Machine, slotCount } from './machine.ts';
import type { PendingStep } from './readback.ts';
import { checkRequest, checkSettings } from './rules.ts';
import { SequenceBook, tokenEvent } from './sequence-book.ts';
import { createSequence } from './sequence-state.ts';
import { createSession, type Session } from './session.ts';
import type { StepBatch, StepSample } from './step-batch.ts';
import type { EngineInside } from './transfer/inside.ts';
import { idleStep, plannedStep, type PlannedStep } from './step-report.ts';
import type { LoadedModel } from './weights-types.ts';

export interface EngineOptions {
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number;
  readonly hooks?: EngineHooks;
  /** Time each step on the GPU's clock, where it has one. */
  readonly timed?: boolean;
  /** Asked in each step, within those of the settings, which buffers are made for. Left out: those of the settings. */
  readonly limits?: LiveLimits;
}

/** A step that was submitted and is not done. */
interface Flight {
  readonly plan: StepPlan;
  readonly pending: PendingStep;
  readonly samples: readonly StepSample[];
  readonly startMs: number;
  readonly report: PlannedStep;
}

/**
 * @throws EngineSettingsError where settings contradict each other or the model
 * @throws GpuOutOfMemoryError; nothing is kept then
 */
export async function createEngine(
  gpu: Gpu,
  model: LoadedModel,
  settings: EngineSettings,
  options: EngineOptions,
): Promise<Engine> {
  checkSettings(model.config, settings);
  const machine = await Machine.create(gpu, model, settings, options.hooks ?? {});
  return new Engine(gpu, model, settings, options, machine);
}

export class Engine {
  readonly config: ModelConfig;
  readonly settings: EngineSettings;
  readonly #gpu: Gpu;
  readonly #model: LoadedModel;
  readonly #options: EngineOptions;
  readonly #machine: Machine;
  #session: Session;
  #connector: EngineConnector;
  #book: SequenceBook;
  #batch: StepBatch;
  #flight: Flight | null = null;
  #lost: string | null = null;
  #stepping = false;

  constructor(
    gpu: Gpu,
    model: LoadedModel,
    settings: EngineSettings,
    options: EngineOptions,
    machine: Machine,
  ) {
    this.#gpu = gpu;
    this.#model = model;
    this.config = model.config;
    this.settings = settings;
    this.#options = options;
    this.#machine = machine;
    this.#book = new SequenceBook(slotCount(settings));
    [this.#session, this.#connector] = this.#newSession();
    this.#batch = this.#newBatch();
    void gpu.device.lost.then(({ message, reason }) => (this.#lost = message || reason));
  }

  /** Kernels that run, for results. */
  get variant(): string {
    return this.#machine.forward.variant;
  }

  /** Bytes of KV of one token over all layers, parameters of the format and padding of heads included. */
  get kvBytesPerToken(): number {
    return this.#machine.cache.bytesPerToken;
  }

  /** Bytes on the GPU: weights, cache, and what a step works with. */
  get bytes(): { readonly weights: number; readonly cache: number; readonly work: number } {
    const { cache, buffers } = this.#machine;
    return { weights: this.#model.weights.bytes, cache: cache.bytes, work: buffers.bytes };
  }

  /** For what works beside the steps, such as moving sequences; anything read here is true only while no step runs. */
  get inside(): EngineInside {
    const { cache, physical } = this.#machine;
    return {
      ...{ gpu: this.#gpu, model: this.#model, settings: this.settings, cache, physical },
      ...{ session: this.#session, book: this.#book, now: this.#options.now },
    };
  }

  /** KV that went to host memory and came back. */
  get offloaded(): ConnectorCounts {
    return this.#connector.counts;
  }

  /** Blocks of a request's table, in the order of its tokens, as the pool numbers them. */
  blocksOf(request: number): readonly number[] {
    return this.#session.manager.blocksOf(request);
  }

  /** Output tokens so far. @throws RequestError for a request that there is not */
  outputOf(request: number): readonly number[] {
    return this.#book.state(request).output;
  }

  /** Tokens that lie in the cache for a request: those computed without those evicted. */
  residentTokens(request: number): number {
    const { computed, dropped } = this.#book.state(request);
    return computed - dropped;
  }

  /** Tokens of a request that a policy has evicted. */
  evictedTokens(request: number): number {
    return this.#book.state(request).dropped;
  }

  /** Queues a request. @throws RequestError where it can never be served; nothing is queued then */
  submit(request: GenerationRequest): number {
    checkRequest(this.config, this.settings, request);
    const row = this.#session.requests.add(request.promptIds, request.maxTokens, this.#options.now());
    if (this.#book.add(createSequence(row, request, this.config.eosTokens))) this.#session.scheduler.add(row);
    return row;
  }

  /** Ends a request wherever it stands; its event comes with the next step. */
  cancel(request: number): void {
    this.#book.cancel(request);
  }

  /**
   * Runs until one more step is done.
   * @returns null when there is nothing to do
   * @throws EngineLostError when the device is gone; LaunchError where a size does not fit
   */
  step(): Promise<StepReport | null> {
    return this.#alone(async () => {
      const flight = this.#flight ?? (await this.#launch());
      this.#flight = null;
      if (!flight) return this.#book.hasCancelled ? this.#cancelIdle() : null;
      if (this.#session.ahead) this.#flight = await this.#launch();
      return this.#land(flight);
    });
  }

  /**
   * Waits for the step on its way and plans none behind it: every sequence stands between two steps, its tokens known
   * and its KV in the cache, until `step` is called again.
   * @returns null when none was on its way
   */
  settle(): Promise<StepReport | null> {
    return this.#alone(async () => {
      const flight = this.#flight;
      this.#flight = null;
      return flight ? this.#land(flight) : null;
    });
  }

  async #alone<T>(task: () => Promise<T>): Promise<T> {
    if (this.#stepping) throw new RequestError('The engine is in the middle of a step; wait for it.');
    this.#stepping = true;
    try {
      return await task();
    } catch (error) {
      if (this.#lost !== null) throw new EngineLostError(this.#lost);
      throw error;
    } finally {
      this.#stepping = false;
    }
  }

  /** One request, beside whatever else is queued, until it ended. @returns its output */
  async generate(
    request: GenerationRequest,
    onToken: (event: RequestEvent, report: StepReport) => void = () => undefined,
  ): Promise<number[]> {
    const row = this.submit(request);
    const sequence = this.#book.state(row);
    while (sequence.phase !== 'ended') {
      const report = await this.step();
      if (!report) break;
      for (const event of report.events) if (event.request === row) onToken(event, report);
    }
    return [...sequence.output];
  }

  /** Forgets every request and all that is cached; weights and buffers stay. */
  async reset(): Promise<void> {
    await this.#flight?.pending.read();
    this.#flight = null;
    this.#book = new SequenceBook(slotCount(this.settings));
    [this.#session, this.#connector] = this.#newSession();
    this.#batch = this.#newBatch();
  }

  /** @throws Error that names the first block that is both free and used, or neither */
  check(): void {
    this.#session.manager.check();
  }

  destroy(): void {
    this.#machine.destroy();
  }

  /** Plans, encodes and submits the next step. */
  async #launch(): Promise<Flight | null> {
    if (this.#lost !== null) throw new EngineLostError(this.#lost);
    const { scheduler } = this.#session;
    for (const fork of this.#book.readyForks()) scheduler.add(fork);
    const startMs = this.#options.now();
    const plan = scheduler.schedule();
    if (!plan) return null;
    this.#book.follow(plan);
    await this.#connector.flush();
    const batch = this.#batch;
    batch.fill(plan, this.#book.decodingIn(plan), (row) => this.#book.state(row));
    this.#book.sampled(batch.samples);
    const pending = this.#machine.submit(batch, this.#options.timed ?? false);
    const report = plannedStep(plan, batch, this.#session);
    return { plan, pending, samples: [...batch.samples], startMs, report };
  }

  /** Waits for a step and accounts for it. */
  async #land({ plan, pending, samples, startMs, report }: Flight): Promise<StepReport> {
    const { ids, logits, gpuMs } = await pending.read();
    await this.#machine.forward.attention.capture?.tell(this.#batch);
    const { vocab } = this.config;
    const events: RequestEvent[] = [];
    samples.forEach(({ sequence, index }, at) => {
      if (sequence.phase === 'ended') return;
      if (logits) sequence.request.onLogits?.(index, logits.subarray(at * vocab, (at + 1) * vocab));
      const token = sequence.request.forced?.[index] ?? ids[at] ?? 0;
      sequence.output[index] = token;
      events.push(tokenEvent(sequence, token, index));
    });
    events.push(...this.#book.takeCancelled());
    this.#end(plan, events);
    await this.#machine.cuts?.cut(this.#book.decoding, this.#session.manager);
    return { ...report, startMs, endMs: this.#options.now(), gpuMs, events };
  }

  /** Ends requests: those that run by the plan's completion, those that wait by leaving the queue. */
  #end(plan: StepPlan, events: readonly RequestEvent[]): void {
    const running: number[] = [];
    for (const { request, finished } of events) {
      if (finished === 'no') continue;
      const sequence = this.#book.state(request);
      if (sequence.phase === 'running') running.push(request);
      else if (finished !== 'length') this.#withdraw(request);
      this.#book.leave(sequence, 'ended');
      this.#connector.forget(request);
    }
    this.#session.scheduler.complete(plan, running);
  }

  #withdraw(request: number): void {
    const sequence = this.#book.state(request);
    this.#connector.forget(request);
    if (!this.#book.dropFork(sequence)) this.#session.scheduler.withdraw(request);
  }

  /** Nothing runs, but somebody was cancelled: a report without a step. */
  #cancelIdle(): StepReport {
    const events = this.#book.takeCancelled();
    for (const { request } of events) {
      this.#withdraw(request);
      this.#book.leave(this.#book.state(request), 'ended');
    }
    const now = this.#options.now();
    return { ...idleStep(this.#session), startMs: now, endMs: now, gpuMs: null, events };
  }

  #newBatch(): StepBatch {
    return this.#machine.newBatch((row) => this.#session.manager.blocksOf(row));
  }

  #newSession(): [Session, EngineConnector] {
    const { cache, physical } = this.#machine;
    const hostBytes = this.settings.offload === 'host' ? this.settings.hostBytes : 0;
    const stateOf = (row: number) => this.#book.find(row);
    const session = createSession(
      this.settings,
      { cache, physical, hostBytes, stateOf },
      this.#options.limits,
    );
    return [session, session.connector];
  }
}
