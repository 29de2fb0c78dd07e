/**
 * What one step does, as sums: all that a cost model needs to say how long it takes.
 *
 * Sums and not lists of sequences, so that the cost of a step grows with what changes in it and not with its batch. The
 * scheduler keeps one object and overwrites it each step; copy what must outlive the step.
 */

export interface StepWork {
  /** Sequences that decode: one new token each. With speculation each one verifies `draftTokens` more. */
  decodeSequences: number;
  /** Sum over them of the tokens whose K and V are read, the new one included. */
  decodeContextTokens: number;
  /** Sum of the squares of these contexts: with the sum it says how unequal they are. */
  decodeSquaredContextTokens: number;
  /** The largest of these contexts; 0 without decodes. */
  decodeMaxContextTokens: number;
  /** Prompt chunks: the first `prefillCount` entries of the two arrays. */
  prefillCount: number;
  /** New tokens of each chunk. */
  readonly prefillTokens: Float64Array;
  /** Tokens of the same sequence that were in the cache before the chunk. */
  readonly prefillContextTokens: Float64Array;
  /** Sequences that sample a token: all decodes and each chunk that completes its prompt. */
  sampledSequences: number;
  /** Draft tokens that each decoding sequence verifies beside its own; 0 without speculation. */
  draftTokens: number;
}

/** Tokens that run through the linear layers. */
export function linearTokens(work: StepWork): number {
  let tokens = work.decodeSequences * (1 + work.draftTokens);
  for (let i = 0; i < work.prefillCount; i++) tokens += work.prefillTokens[i] ?? 0;
  return tokens;
}

/** @param maxPrefills most chunks of one step: the token budget or the sequence limit, whichever is less */
export function createStepWork(maxPrefills: number): StepWork {
  return {
    decodeSequences: 0,
    decodeContextTokens: 0,
    decodeSquaredContextTokens: 0,
    decodeMaxContextTokens: 0,
    prefillCount: 0,
    prefillTokens: new Float64Array(maxPrefills),
    prefillContextTokens: new Float64Array(maxPrefills),
    sampledSequences: 0,
    draftTokens: 0,
  };
}
