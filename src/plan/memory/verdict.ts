/** One sentence on a deployment's memory: what it holds, or by how much it does not fit. */
import type { Candidate, PlanSubject } from '../types.ts';
import type { Capacity } from './capacity.ts';
import { longestBlocks } from './fit.ts';
import { count, gigabytes } from './words.ts';

function sequences(number: number): string {
  return `${count(number)} ${number === 1 ? 'sequence' : 'sequences'}`;
}

export interface Findings {
  readonly fits: boolean;
  /** Tokens of a sequence of the load's mean and longest length. */
  readonly mean: number;
  readonly longest: number;
  readonly sequencesAtMean: number;
  readonly sequencesAtMax: number;
}

export function verdictOf(
  candidate: Candidate,
  { model }: PlanSubject,
  capacity: Capacity,
  { fits, mean, longest, sequencesAtMean, sequencesAtMax }: Findings,
): string {
  const { choice, gpu } = candidate;
  const { budget, blocks, blockBytes, kvTokens } = capacity;
  const group = choice.tensorParallel * choice.pipelineParallel;
  const where = group === 1 ? `one ${gpu.name}` : `${group} × ${gpu.name}`;
  if (fits) {
    return (
      `${model.name} fits ${where} with ${count(kvTokens)} KV tokens (${gigabytes(budget.kvBytes)} a GPU): ` +
      `${sequences(sequencesAtMean)} at the mean length of ${count(mean)} tokens, ` +
      `${count(sequencesAtMax)} at the longest of ${count(longest)}.`
    );
  }
  const needed = longestBlocks(capacity, candidate) * blockBytes;
  if (blocks > 0 && needed <= blocks * blockBytes) {
    return (
      `${model.name} does not fit ${where}: what runs outside of the engine’s share takes ${gigabytes(budget.outsideBytes)} ` +
      `of the ${gigabytes(budget.freeBytes)} that it leaves, ${gigabytes(budget.outsideBytes - budget.freeBytes)} too much.`
    );
  }
  const missing = needed - budget.kvBytes;
  return (
    `${model.name} does not fit ${where}: ${gigabytes(missing)} a GPU are missing for one sequence of ` +
    `${count(choice.maxModelTokens)} tokens (${gigabytes(needed)} of KV).`
  );
}
