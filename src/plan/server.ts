/** One replica of a candidate under the load: its times, the mean request, and how many requests it takes at once. */
import type { LoadContext } from './context.ts';
import { heldOf } from './held.ts';
import { throughput, type Server } from './queue.ts';
import { createSpeed, type SteadyLoad } from './speed/index.ts';
import type { Candidate, PlanSubject } from './types.ts';

/** The mean request of the load, with what of its prompt the pool has. */
export function steadyOf(
  { choice }: Candidate,
  { lengths, prefix }: Pick<LoadContext, 'lengths' | 'prefix'>,
  hitRatio: number,
): SteadyLoad {
  const { meanPrompt, meanOutput } = lengths;
  const whole = prefix === null ? 0 : Math.floor(prefix.tokens / choice.blockSize) * choice.blockSize;
  return {
    promptTokens: meanPrompt,
    outputTokens: meanOutput,
    cachedTokens: Math.min(hitRatio * whole, meanPrompt - 1),
  };
}

/**
 * Requests in flight that a step's token budget feeds: each takes a token a step (and its drafts), and its prompt, spread
 * over as many steps as it has tokens of output. Beyond that more requests wait, and nothing gets faster.
 */
export function sequencesFed(
  { choice }: Candidate,
  { promptTokens, outputTokens, cachedTokens }: SteadyLoad,
): number {
  // Prefill elsewhere leaves the budget to decodes.
  const prompt =
    choice.disaggregated === null ? (promptTokens - cachedTokens) / Math.max(1, outputTokens) : 0;
  return choice.tokenBudget / (1 + (choice.speculation?.draftTokens ?? 0) + prompt);
}

export function serverOf(candidate: Candidate, subject: PlanSubject, context: LoadContext): Server {
  const pool = heldOf(candidate, subject, context);
  const times = {
    speed: createSpeed(candidate, subject.model, { calibration: subject.calibration }),
    load: steadyOf(candidate, context, pool.hitRatio),
  };
  const held = Math.min(pool.sequences, sequencesFed(candidate, times.load));
  const most = Math.max(1, Math.min(candidate.choice.maxSequences, Math.floor(held)));
  return {
    ...times,
    tailPrompt: context.tailPrompt,
    spread: context.lengths.spread,
    most,
    percentile: context.percentile,
    top: throughput(times, most),
  };
}
