/**
 * Runs a scenario: every point of its sweep, warm-up repetitions first and dropped, then the kept ones interleaved over
 * the points (repetition by repetition), so that drift and a busy machine hit all points alike.
 *
 * What goes wrong with one point stays with that point: it fails with its reason and no numbers, or runs smaller and
 * says so. A lost device is rebuilt and the repetition done again, once a point. A cancel keeps what was finished.
 */
import { detectDrift } from '../core/metrics/drift.ts';
import { createRandom, type Random } from '../core/random.ts';
import type { LabRun, Point } from '../core/run/schema.ts';
import { reduceForSoftware } from '../core/scenario/reduce.ts';
import type { Scenario } from '../core/scenario/schema.ts';
import { expandSweep, type SweepPoint } from '../core/scenario/sweep.ts';
import type { Gpu } from '../gpu/context.ts';
import { createTimer } from '../gpu/timing.ts';
import { DeviceLostError, MemoryRiskError, unlessLost } from './errors.ts';
import { describeEnvironment } from './environment.ts';
import { PointRunner } from './point-runner.ts';
import type { RunOptions } from './run-options.ts';
import { assessRisk, availableMemory } from './risk.ts';

export const SCOPE_NOTE =
  'Measures attention and the KV cache only: no weights, no MLP, no sampling; queries, keys and values are random.';

/** No device is rebuilt more often than this in one run. */
const MAX_REBUILDS = 8;
const PARTIAL_EVERY_MS = 1000;

/** @throws MemoryRiskError, NoAdapterError; and RangeError for a scenario that no door has checked. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<LabRun> {
  const gpu = await options.host.openGpu();
  const run = new ScenarioRun(scenario, gpu, options);
  try {
    return await run.run();
  } finally {
    run.close();
  }
}

class ScenarioRun {
  readonly #options: RunOptions;
  readonly #scenario: Scenario;
  readonly #points: readonly SweepPoint[];
  readonly #runners: PointRunner[];
  readonly #notes: string[] = [SCOPE_NOTE];
  readonly #random: Random;
  readonly #startedMs: number;
  readonly #createdAt: string;
  readonly #id: string;
  #gpu: Gpu;
  #environment: LabRun['environment'] | null = null;
  #rebuilds = 0;
  #partialMs: number;

  constructor(scenario: Scenario, gpu: Gpu, options: RunOptions) {
    this.#options = options;
    this.#gpu = gpu;
    const { host } = options;
    this.#startedMs = host.now();
    this.#partialMs = this.#startedMs;
    this.#createdAt = host.date();
    this.#id = host.newId();
    this.#scenario = gpu.isFallback ? this.#reduced(scenario) : scenario;
    this.#random = createRandom(scenario.seed);
    this.#points = expandSweep(this.#scenario);
    this.#runners = this.#points.map(
      (point) => new PointRunner(point, this.#random.fork(point.index), this.#startedMs, options),
    );
  }

  async run(): Promise<LabRun> {
    this.#checkRisk();
    const timer = await createTimer(this.#gpu, { now: this.#options.host.now });
    this.#environment = describeEnvironment(this.#gpu, this.#options.host, timer.quantumNs);
    timer.destroy();
    const { warmupRepeats, repeats } = this.#scenario.measurement;
    let complete = true;
    try {
      for (let repeat = 0; repeat < warmupRepeats + repeats; repeat++) {
        for (const [index, runner] of this.#runners.entries()) {
          await this.#repetition(runner, index, repeat);
        }
      }
    } catch (error) {
      if (!this.#options.signal.aborted) throw error;
      complete = false;
      this.#note('Cancelled: the repetitions that were finished are kept.');
    }
    if (complete) this.#noteDrift();
    return this.#result(complete);
  }

  close(): void {
    this.#gpu.device.destroy();
  }

  async #repetition(runner: PointRunner, index: number, repeat: number): Promise<void> {
    const { warmupRepeats, repeats } = this.#scenario.measurement;
    const { signal } = this.#options;
    signal.throwIfAborted();
    if (runner.failed) return;
    const kept = repeat >= warmupRepeats;
    const done = repeat * this.#runners.length + index;
    const total = (warmupRepeats + repeats) * this.#runners.length;
    const what = kept ? `repetition ${repeat - warmupRepeats + 1} of ${repeats}` : 'warm-up';
    const onShare = (share: number): void =>
      this.#options.onProgress({
        fraction: (done + share) / total,
        message: `${runner.label}: ${what}`,
      });
    onShare(0);
    await this.#survivingLoss(runner, (lost) => runner.repetition(this.#gpu, kept, onShare, lost));
    if (kept) this.#partial((done + 1) / total, `${runner.label}: ${what}`);
  }

  /** Rebuilds a lost device and repeats once; a second loss fails the point, and the others go on. */
  async #survivingLoss(runner: PointRunner, body: (lost: AbortSignal) => Promise<void>): Promise<void> {
    try {
      await unlessLost(this.#gpu.device, body);
    } catch (error) {
      if (!(error instanceof DeviceLostError)) throw error;
      const again = runner.lose();
      await this.#rebuild(error);
      if (!again) return;
      this.#note(
        `The GPU device was lost during “${runner.label}”; it was rebuilt and the repetition done again.`,
      );
      await this.#survivingLoss(runner, body);
    }
  }

  async #rebuild(error: DeviceLostError): Promise<void> {
    if (++this.#rebuilds > MAX_REBUILDS) throw error;
    this.#options.signal.throwIfAborted();
    this.#options.onProgress({ fraction: null, message: 'The GPU device was lost; rebuilding it' });
    this.#gpu = await this.#options.host.openGpu();
  }

  #checkRisk(): void {
    const { host, measuredBytes, force } = this.#options;
    const { limits, isFallback } = this.#gpu;
    const risk = assessRisk(
      this.#scenario,
      availableMemory({
        isFallback,
        maxBufferBytes: Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize),
        hostMemoryBytes: host.facts.hostMemoryBytes,
        measuredBytes,
      }),
    );
    if (risk.risk !== 'high') return;
    if (!force) throw new MemoryRiskError(risk.neededBytes, risk.availableBytes, risk.advice);
    this.#note(`Run although the memory risk was high. ${risk.advice}`);
  }

  #reduced(scenario: Scenario): Scenario {
    const reduced = reduceForSoftware(scenario);
    if (!reduced.ok) throw new RangeError(reduced.sentence);
    for (const note of reduced.notes) this.#note(note);
    return reduced.scenario;
  }

  #noteDrift(): void {
    const drift = detectDrift(this.#runners.map((runner) => runner.point()));
    if (drift?.found) this.#note(drift.sentence);
  }

  #note(sentence: string): void {
    if (!this.#notes.includes(sentence) && this.#notes.length < 50) this.#notes.push(sentence.slice(0, 600));
  }

  #partial(fraction: number, message: string): void {
    const now = this.#options.host.now();
    if (now - this.#partialMs < PARTIAL_EVERY_MS) return;
    this.#partialMs = now;
    this.#options.onProgress({ fraction, message, partial: this.#result(false) });
  }

  #result(complete: boolean): LabRun {
    if (!this.#environment) throw new Error('The run has not begun.');
    return {
      version: 1,
      kind: 'lab',
      id: this.#id,
      title: this.#scenario.title,
      createdAt: this.#createdAt,
      origin: 'measured',
      command: this.#options.host.command,
      scenario: this.#scenario,
      environment: this.#environment,
      points: this.#runners.map((runner): Point => runner.point()),
      notes: [...this.#notes],
      complete,
    };
  }
}
