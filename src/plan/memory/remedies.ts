/**
 * Smallest changes that make a candidate fit, one setting at a time; or, where it fits, what would double its KV.
 *
 * Boundary: looks only at memory. Whether a change is worth its speed or quality is the search's to say.
 */
import { tensorRanks } from '../../core/kv/stages.ts';
import type { PlanChoice } from '../../core/run/plan.ts';
import type { Candidate, PlanSubject } from '../types.ts';
import { kvTokensOf } from './capacity.ts';
import { memoryFits } from './fit.ts';
import { count } from './words.ts';

/** Share of the memory that engines are given at the most. */
const MOST_UTILIZATION = 0.95;

type Holds = (change: Partial<PlanChoice>) => boolean;

function utilization({ choice }: Candidate, holds: Holds): string | undefined {
  for (let n = Math.floor(choice.memoryUtilization * 100 + 1e-9) + 1; n <= MOST_UTILIZATION * 100; n++) {
    if (holds({ memoryUtilization: n / 100 })) return `memory utilization ${n / 100}`;
  }
  return undefined;
}

function modelTokens({ choice }: Candidate, holds: Holds): string | undefined {
  for (let tokens = 2 ** 23; tokens >= 256; tokens /= 2) {
    if (tokens < choice.maxModelTokens && holds({ maxModelTokens: tokens })) {
      return `at most ${count(tokens)} tokens a sequence`;
    }
  }
  return undefined;
}

/** One line a setting: the least change of it that holds. */
function changes(candidate: Candidate, { model }: PlanSubject, holds: Holds): string[] {
  const { choice } = candidate;
  const ranks = tensorRanks(model).find((n) => n > choice.tensorParallel && holds({ tensorParallel: n }));
  const weights = (['fp8', 'int4'] as const).find((format) => holds({ weights: format }));
  const kv = (['fp8', 'int4'] as const).find((format) => holds({ kvFormat: format }));
  const sequences = [512, 256, 128, 64, 16].find(
    (n) => n < choice.maxSequences && holds({ maxSequences: n }),
  );
  const tokens = [4096, 2048, 1024, 512].find((n) => n < choice.tokenBudget && holds({ tokenBudget: n }));
  return [
    utilization(candidate, holds),
    kv === undefined ? undefined : `${kv} KV`,
    weights === undefined ? undefined : `${weights} weights`,
    ranks === undefined ? undefined : `tensor parallel ${ranks}`,
    sequences === undefined ? undefined : `at most ${sequences} sequences`,
    tokens === undefined ? undefined : `${count(tokens)} tokens a step`,
    modelTokens(candidate, holds),
  ].filter((line) => line !== undefined);
}

export function remediesOf(candidate: Candidate, subject: PlanSubject, fits: boolean): string[] {
  const changed = (change: Partial<PlanChoice>): Candidate => ({
    ...candidate,
    choice: { ...candidate.choice, ...change },
  });
  if (!fits) return changes(candidate, subject, (change) => memoryFits(changed(change), subject));
  const wanted = 2 * kvTokensOf(candidate, subject);
  const doubles: Holds = (change) =>
    change.maxModelTokens === undefined && kvTokensOf(changed(change), subject) >= wanted;
  return changes(candidate, subject, doubles).map((line) => `${line} doubles the KV tokens`);
}
