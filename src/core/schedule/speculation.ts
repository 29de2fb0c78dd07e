/**
 * Speculative decoding: a draft model proposes γ tokens, the target verifies them in one step and keeps the accepted
 * ones and one more of its own.
 *
 * Formulas of Leviathan et al., arXiv:2211.17192; `acceptance` is α, the probability that one proposal is accepted,
 * independent of the others. What acceptance really depends on (the text, the position) is left out.
 */
import { pow } from '../math.ts';
import type { Random } from '../random.ts';

/** Mean tokens of one step, the target's own included: (1 − α^(γ+1)) / (1 − α). Equation 1. */
export function expectedTokens(acceptance: number, draftTokens: number): number {
  if (acceptance === 1) return draftTokens + 1;
  return (1 - pow(acceptance, draftTokens + 1)) / (1 - acceptance);
}

/**
 * How many times as fast as plain decoding, where verifying costs what one token costs. Theorem 3.8.
 * @param draftCost time of one draft token over the time of one target step
 */
export function speculativeSpeedup(acceptance: number, draftTokens: number, draftCost: number): number {
  return expectedTokens(acceptance, draftTokens) / (draftTokens * draftCost + 1);
}

/** The γ of the largest speed-up, the smallest of several; 0: speculation does not pay. */
export function bestDraftTokens(acceptance: number, draftCost: number, maxDraftTokens = 50): number {
  let best = 0;
  let bestSpeedup = 1;
  for (let draftTokens = 1; draftTokens <= maxDraftTokens; draftTokens++) {
    const speedup = speculativeSpeedup(acceptance, draftTokens, draftCost);
    if (speedup > bestSpeedup) [best, bestSpeedup] = [draftTokens, speedup];
  }
  return best;
}

/** Tokens of one verified step, 1 … γ + 1: proposals are accepted until the first that is not. */
export function drawAccepted(acceptance: number, draftTokens: number, random: Random): number {
  let tokens = 1;
  while (tokens <= draftTokens && random.uniform() < acceptance) tokens++;
  return tokens;
}
