/**
 * What batching costs, in closed form: a static batch against a continuous one, and the price of chunks.
 *
 * The unit model: every step costs the same, whatever is in it. The simulator prices steps; this says what follows from
 * the batching alone.
 */

export interface BatchingOutcome {
  /** Time until the last request ends. */
  readonly makespan: number;
  /** Mean time at which a request is answered. */
  readonly meanFinish: number;
  /** Share of slot-steps that made a token. */
  readonly slotUtilisation: number;
}

function outcome(outputTokens: readonly number[], slots: number, stepCost: number, ends: readonly number[]) {
  const steps = Math.max(0, ...ends);
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  return {
    makespan: steps * stepCost,
    meanFinish: (sum(ends) / outputTokens.length) * stepCost,
    slotUtilisation: sum(outputTokens) / (slots * steps),
  };
}

/** Batches of `slots` requests in order of arrival; everyone in a batch is answered with its longest. */
export function staticBatching(
  outputTokens: readonly number[],
  slots: number,
  stepCost: number,
): BatchingOutcome {
  const ends: number[] = [];
  let now = 0;
  for (let first = 0; first < outputTokens.length; first += slots) {
    const batch = outputTokens.slice(first, first + slots);
    now += Math.max(...batch);
    ends.push(...batch.map(() => now));
  }
  return outcome(outputTokens, slots, stepCost, ends);
}

/** A slot takes the next request in the step after its last one ended (Orca, OSDI 2022). */
export function continuousBatching(
  outputTokens: readonly number[],
  slots: number,
  stepCost: number,
): BatchingOutcome {
  const freeAt = new Array<number>(slots).fill(0);
  const ends = outputTokens.map((tokens) => {
    const slot = freeAt.indexOf(Math.min(...freeAt));
    const end = (freeAt[slot] ?? 0) + tokens;
    freeAt[slot] = end;
    return end;
  });
  return outcome(outputTokens, slots, stepCost, ends);
}

/**
 * Tokens of KV that a prompt in chunks reads again: chunk i reads all that came before it.
 * Source: Sarathi-Serve, arXiv:2403.02310, section 3.
 */
export function chunkedPrefillReads(
  promptTokens: number,
  chunk: number,
): { readonly chunks: number; readonly rereadTokens: number } {
  const chunks = Math.ceil(promptTokens / chunk);
  return { chunks, rereadTokens: (chunk * chunks * (chunks - 1)) / 2 };
}
