/**
 * Lengths of a load: means, longest, spread, and a sample of totals for what depends on the whole distribution.
 *
 * Boundary: independent draws of prompt and output, as a scenario names them; a trace's own lengths come through
 * `lengthsOf`. An image counts as its tokens of prompt. The sample is drawn with a fixed seed, so that one load always
 * has one answer.
 */
import { createRandom } from '../core/random.ts';
import type { PlanLoad } from '../core/scenario/plan/schema.ts';
import type { LengthSettings } from '../core/scenario/simulate/schema.ts';
import { lengthDraws, lengthRange } from '../core/workload/lengths.ts';
import type { LoadLengths } from './types.ts';

/** Draws of a distribution: means within about 2 % where the standard deviation is as large as the mean. */
const SAMPLE = 2048;

/** Tokens that the images of one prompt add to it. */
export function imageTokens({ images }: Pick<PlanLoad, 'images'>): number {
  return images === null ? 0 : images.each * images.imageTokens;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
}

function largest(numbers: readonly number[]): number {
  return numbers.reduce((most, n) => Math.max(most, n), 0);
}

/** Lengths of requests that are given one by one, such as a trace's. @throws RangeError where there are none */
export function lengthsOf(prompts: readonly number[], outputs: readonly number[]): LoadLengths {
  if (prompts.length === 0 || prompts.length !== outputs.length) {
    throw new RangeError(
      `${prompts.length} prompts and ${outputs.length} outputs are no load; as many of both are needed, 1 at the least.`,
    );
  }
  const totals = prompts.map((tokens, i) => tokens + (outputs[i] ?? 0)).sort((a, b) => a - b);
  const meanTotal = mean(totals);
  const variance = mean(totals.map((n) => (n - meanTotal) * (n - meanTotal)));
  return {
    meanPrompt: mean(prompts),
    maxPrompt: largest(prompts),
    meanOutput: mean(outputs),
    maxOutput: largest(outputs),
    spread: Math.sqrt(variance) / meanTotal,
    totals,
  };
}

/** Lengths of a load's distributions. The longest are their bounds, whether the sample reached them or not. */
export function loadLengths(load: PlanLoad): LoadLengths {
  const { promptTokens, outputTokens } = load;
  const random = createRandom(1);
  const count = promptTokens.kind === 'fixed' && outputTokens.kind === 'fixed' ? 1 : SAMPLE;
  const draws = (lengths: LengthSettings, name: string): number[] =>
    Array.from({ length: count }, lengthDraws(lengths, random.fork(name)));
  const extra = imageTokens(load);
  const prompts = draws(promptTokens, 'prompt').map((tokens) => tokens + extra);
  return {
    ...lengthsOf(prompts, draws(outputTokens, 'output')),
    maxPrompt: lengthRange(promptTokens).max + extra,
    maxOutput: lengthRange(outputTokens).max,
  };
}
