/**
 * Submits the operations of one step and times it: on the host's clock from submit to done, and on the GPU's clock by
 * its passes, whose timestamps are read back once a repetition, outside every measured time.
 */
import type { Gpu } from '../gpu/context.ts';
import { createPassClock, MAX_TIMED_PASSES, passMs, type PassClock } from '../gpu/pass-clock.ts';
import { intoSubmits, type PacedOperation, type Pacer } from './pacer.ts';

export interface TimedStep {
  readonly startMs: number;
  /** Sum over the step's submits, submit to done. */
  readonly wallMs: number;
  /** Passes of the step, for `gpuTimes`. */
  readonly passes: number;
}

export class StepRunner {
  readonly #gpu: Gpu;
  readonly #now: () => number;
  readonly #signal: AbortSignal;
  readonly #clock: PassClock | null;
  #stamps: (number | null)[] = [];

  constructor(gpu: Gpu, now: () => number, signal: AbortSignal) {
    this.#gpu = gpu;
    this.#now = now;
    this.#signal = signal;
    this.#clock = createPassClock(gpu, MAX_TIMED_PASSES);
  }

  /**
   * Runs the operations in as many submits as the pacer asks for.
   * @throws the signal's reason between two submits
   */
  async run(operations: readonly PacedOperation[], pacer: Pacer): Promise<TimedStep> {
    const submits = intoSubmits(operations, pacer.budget);
    if (this.#clock && this.#clock.free < submits.length) await this.#readClock();
    const startMs = this.#now();
    let wallMs = 0;
    for (const submit of submits) {
      this.#signal.throwIfAborted();
      const tookMs = await this.#submit(submit);
      const work = submit.reduce((sum, operation) => sum + operation.work, 0);
      pacer.learn(work, tookMs);
      wallMs += tookMs;
    }
    return { startMs, wallMs, passes: submits.length };
  }

  /** Milliseconds on the GPU's clock of steps that were run in this order since the last call. */
  async gpuTimes(steps: readonly TimedStep[]): Promise<(number | null)[]> {
    await this.#readClock();
    const stamps = this.#stamps;
    this.#stamps = [];
    let at = 0;
    return steps.map(({ passes }) => {
      const times = stamps.slice(at, at + passes);
      at += passes;
      const known = times.filter((ms) => ms !== null);
      return passes > 0 && known.length === passes ? known.reduce((sum, ms) => sum + ms, 0) : null;
    });
  }

  destroy(): void {
    this.#clock?.destroy();
  }

  async #submit(operations: readonly PacedOperation[]): Promise<number> {
    const { device } = this.#gpu;
    const encoder = device.createCommandEncoder({ label: 'StepRunner.step' });
    const timestampWrites = this.#clock?.next();
    const pass = encoder.beginComputePass({
      label: 'StepRunner.step',
      ...(timestampWrites && { timestampWrites }),
    });
    for (const operation of operations) operation.encode(pass);
    pass.end();
    const commands = encoder.finish();
    const started = this.#now();
    device.queue.submit([commands]);
    await device.queue.onSubmittedWorkDone();
    return this.#now() - started;
  }

  async #readClock(): Promise<void> {
    if (!this.#clock) return;
    const stamps = await this.#clock.read();
    this.#stamps.push(...stamps.map(passMs));
  }
}
