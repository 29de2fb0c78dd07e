/** An executor whose truth is known: each axis adds something, repetitions differ by noise, the device may drift. */
import { createRandom } from '../../src/core/random.ts';
import type { TuneMetrics } from '../../src/core/run/tune.ts';
import { DEFAULT_TUNING } from '../../src/core/scenario/tune/defaults.ts';
import type { TuneScenario, TuneSettings } from '../../src/core/scenario/tune/schema.ts';
import { InfeasibleError, type Measurement, type TuneExecutor } from '../../src/tune/index.ts';

export interface FakeOptions {
  /** Standard deviation of a repetition's times, as a share. */
  readonly noise?: number;
  /** The device slows down by this share with each measurement. */
  readonly drift?: number;
  readonly refuses?: (settings: TuneSettings) => string | null;
  /** Fails when it is measured, not before. */
  readonly breaks?: (settings: TuneSettings) => boolean;
}

export interface FakeExecutor extends TuneExecutor {
  /** Every measurement that was asked for. */
  readonly asked: Measurement[];
}

/** Time of a step in milliseconds, without noise: what the search is to find the least of. */
export function trueMs(
  { blockSize, maxSequences, tokenBudget, kvFormat }: TuneSettings,
  context: number,
): number {
  const blocks = { 8: 1.3, 16: 1.1, 32: 1, 64: 1.05, 128: 1.2 }[blockSize];
  const batch = 1 + Math.abs(maxSequences - 12) / 24;
  const budget = 1 + Math.abs(tokenBudget - 4096) / 16_384;
  const format = kvFormat === 'fp8' ? 0.9 : 1;
  return 10 * blocks * batch * budget * format * (1 + context / 16_384);
}

export function fakeExecutor({ noise = 0.01, drift = 0, refuses, breaks }: FakeOptions = {}): FakeExecutor {
  const asked: Measurement[] = [];
  return {
    asked,
    kind: 'simulator',
    origin: 'simulated',
    about: 'A made-up device.',
    environment: null,
    drifts: drift > 0,
    maxTokens: () => 131_072,
    refuses: (settings) => refuses?.(settings) ?? null,
    measure: (measurement) => {
      const { settings, cell, seed } = measurement;
      asked.push(measurement);
      if (breaks?.(settings) === true) return Promise.reject(new InfeasibleError('It broke.'));
      const random = createRandom(seed).fork(JSON.stringify(settings));
      const slow = (1 + drift) ** asked.length;
      const ms = trueMs(settings, cell.context) * (1 + noise * random.normal()) * slow;
      const metrics: TuneMetrics = {
        ttftMs: 20 * ms,
        tpotMs: ms,
        outputTokensPerSecond: 1000 / ms,
        memoryBytes: 1e9 * (settings.kvFormat === 'fp8' ? 0.7 : 1),
      };
      return Promise.resolve(metrics);
    },
    startupMs: () => 5,
    close: () => Promise.resolve(),
  };
}

/** 200 settings, the baseline among them: five block sizes, five batches, four budgets, two formats. */
export function wideTuning(change: Partial<TuneScenario> = {}): TuneScenario {
  return {
    ...DEFAULT_TUNING,
    profile: { name: 'custom', contexts: [1024, 4096, 16_384], outputs: [64, 256], weights: null },
    space: {
      blockSize: [8, 16, 32, 64, 128],
      maxSequences: [4, 8, 12, 16, 24],
      tokenBudget: [2048, 4096, 8192, 16_384],
      kvFormat: ['bf16', 'fp8'],
    },
    ...change,
  };
}
