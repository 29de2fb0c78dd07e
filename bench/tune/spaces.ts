/** Simulated spaces of two hundred settings, and the truth about them. */
import { gainsOf, logScore } from '../../src/core/metrics/tune/gains.ts';
import { createRandom } from '../../src/core/random.ts';
import type { TuneMetrics } from '../../src/core/run/tune.ts';
import { DEFAULT_TUNING } from '../../src/core/scenario/tune/defaults.ts';
import { resolveTuning, tuningCells } from '../../src/core/scenario/tune/resolved.ts';
import type { TuneScenario } from '../../src/core/scenario/tune/schema.ts';
import { candidatesOf } from '../../src/core/scenario/tune/space.ts';
import { createSimulatorExecutor } from '../../src/tune/index.ts';

export interface TuneCase {
  readonly name: string;
  readonly scenario: TuneScenario;
}

export const TUNE_CASES: readonly TuneCase[] = [
  {
    name: 'chat-agent, Llama-3.1-8B on an H100: KV and weights in bf16 or fp8, five batches, five token budgets, prefix cache',
    scenario: {
      ...DEFAULT_TUNING,
      title: 'The bench of the tuner: chat',
      baseline: { tokenBudget: 8192, maxSequences: 16 },
      space: {
        kvFormat: ['bf16', 'fp8'],
        weights: ['bf16', 'fp8'],
        maxSequences: [4, 8, 12, 16, 24],
        tokenBudget: [512, 1024, 2048, 4096, 8192],
        prefixCaching: [true, false],
      },
    },
  },
  {
    name: 'longform, Llama-3.1-8B on an L40S: KV in bf16 or fp8, blocks of 16 or 128, five batches, five token budgets, prefix cache',
    scenario: {
      ...DEFAULT_TUNING,
      title: 'The bench of the tuner: long answers',
      hardware: { ...DEFAULT_TUNING.hardware, gpu: 'l40s' },
      profile: { ...DEFAULT_TUNING.profile, name: 'longform' },
      load: { ...DEFAULT_TUNING.load, users: 12, requests: 24, shared: 0.3 },
      baseline: { tokenBudget: 8192, maxSequences: 8 },
      space: {
        kvFormat: ['bf16', 'fp8'],
        maxSequences: [2, 4, 6, 8, 12],
        tokenBudget: [512, 1024, 2048, 4096, 8192],
        blockSize: [16, 128],
        prefixCaching: [true, false],
      },
    },
  },
];

const TRUTH_SEED = 4_000_000_000;

/** Log score of every candidate: each cell with seeds that no tuning uses, against the baseline on the same ones. */
export async function truthOf(
  scenario: TuneScenario,
  repetitions: number,
  onCell: (done: number, all: number) => void,
): Promise<number[]> {
  const tuning = resolveTuning(scenario);
  const executor = createSimulatorExecutor(scenario);
  const candidates = candidatesOf(tuning);
  const { cells } = tuningCells(tuning, (model) => executor.maxTokens(model));
  const sums = candidates.map(() => 0);
  const { signal } = new AbortController();
  for (const [at, cell] of cells.entries()) {
    for (let repetition = 0; repetition < repetitions; repetition++) {
      const seed = createRandom(TRUTH_SEED).fork(`${at} ${repetition}`).nextU32();
      const measured: TuneMetrics[] = [];
      for (const { settings } of candidates)
        measured.push(await executor.measure({ settings, cell, seed, signal }));
      const [baseline] = measured;
      if (baseline === undefined) throw new Error('There is no baseline.');
      measured.forEach((metrics, i) => {
        sums[i] = (sums[i] ?? 0) + logScore(gainsOf(metrics, baseline), tuning.profile.weights);
      });
    }
    onCell(at + 1, cells.length);
  }
  return sums.map((sum) => sum / (cells.length * repetitions));
}
