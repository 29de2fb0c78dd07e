/**
 * A fitted linear cost model, as simulators of the field use: one constant for each sum of a step.
 *
 *   step = base + perToken · tokens + perPrefillPair · pairs of chunks + perContextToken · decode contexts
 *        + perSequence · decodes
 *
 * Pairs are those of causal attention: c·before + c(c + 1)/2 for a chunk of c tokens. The constants are the scenario's;
 * where they come from is its author's word, so every answer counts as assumed.
 */
import type { CostSettings } from '../../core/scenario/simulate/schema.ts';
import { linearTokens, type StepWork } from '../../core/schedule/work.ts';
import { emptyBasis, type CostBasis, type CostModel } from './model.ts';

export type LinearSettings = Extract<CostSettings, { kind: 'linear' }>;

class LinearCost implements CostModel {
  readonly name = 'linear';
  readonly about: string;
  readonly basis: CostBasis = emptyBasis();
  #settings: LinearSettings;

  constructor(settings: LinearSettings) {
    this.#settings = settings;
    const { baseMs, perTokenMs, perPrefillPairMs, perContextTokenMs, perSequenceMs } = settings;
    this.about =
      `${baseMs} ms a step, ${perTokenMs} ms a token, ${perPrefillPairMs} ms a pair of prefill, ` +
      `${perContextTokenMs} ms a token of decode context, ${perSequenceMs} ms a decoding sequence: as the scenario says.`;
  }

  stepMs(work: StepWork): number {
    this.basis.assumed++;
    const { baseMs, perTokenMs, perPrefillPairMs, perContextTokenMs, perSequenceMs } = this.#settings;
    let pairs = 0;
    for (let i = 0; i < work.prefillCount; i++) {
      const tokens = work.prefillTokens[i] ?? 0;
      pairs += tokens * (work.prefillContextTokens[i] ?? 0) + (tokens * (tokens + 1)) / 2;
    }
    return (
      baseMs +
      perTokenMs * linearTokens(work) +
      perPrefillPairMs * pairs +
      perContextTokenMs * work.decodeContextTokens +
      perSequenceMs * work.decodeSequences
    );
  }
}

export function createLinear(settings: LinearSettings): CostModel {
  return new LinearCost(settings);
}
