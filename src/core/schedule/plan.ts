/** The plan of a step, and how it is filled. A scheduler keeps one, or two in turn, and overwrites it each step. */
import type { Decoders } from './decoders.ts';
import type { StepPlan } from './scheduler.ts';
import { createStepWork } from './work.ts';

/** @param maxPrefills most chunks of one step */
export function createPlan(maxPrefills: number): StepPlan {
  return {
    step: -1,
    work: createStepWork(maxPrefills),
    joined: [],
    preempted: [],
    lostTokens: [],
    chunks: [],
    grown: [],
    heldBack: [],
    extraMs: 0,
  };
}

/** Empties a list that is filled again in every step. It keeps its room; setting the length to 0 would give it back. */
export function empty(list: unknown[]): void {
  while (list.length > 0) list.pop();
}

export function resetPlan(plan: StepPlan): void {
  const { work } = plan;
  empty(plan.joined);
  empty(plan.preempted);
  empty(plan.lostTokens);
  empty(plan.chunks);
  empty(plan.grown);
  empty(plan.heldBack);
  plan.extraMs = 0;
  work.decodeSequences = 0;
  work.decodeContextTokens = 0;
  work.decodeSquaredContextTokens = 0;
  work.decodeMaxContextTokens = 0;
  work.prefillCount = 0;
  work.sampledSequences = 0;
  work.draftTokens = 0;
}

/** `tokens` new tokens of a prompt of which `computed` are there and `total` are wanted. */
export function addChunk(plan: StepPlan, row: number, tokens: number, computed: number, total: number): void {
  const { work } = plan;
  work.prefillTokens[work.prefillCount] = tokens;
  work.prefillContextTokens[work.prefillCount] = computed;
  work.prefillCount++;
  if (computed + tokens === total) work.sampledSequences++;
  plan.chunks.push(row);
}

/** Takes a row's chunk out again. @returns its tokens, 0 when it has none */
export function removeChunk({ work, chunks }: StepPlan, row: number, total: number): number {
  const chunk = chunks.indexOf(row);
  if (chunk < 0) return 0;
  const tokens = work.prefillTokens[chunk] ?? 0;
  if ((work.prefillContextTokens[chunk] ?? 0) + tokens === total) work.sampledSequences--;
  chunks.splice(chunk, 1);
  work.prefillTokens.copyWithin(chunk, chunk + 1, work.prefillCount);
  work.prefillContextTokens.copyWithin(chunk, chunk + 1, work.prefillCount);
  work.prefillCount--;
  return tokens;
}

/** All sequences that decode take their token. */
export function takeAllDecodes({ work }: StepPlan, decoders: Decoders): void {
  work.decodeSequences = decoders.size;
  work.decodeContextTokens = decoders.sumComputed + decoders.size;
  work.decodeSquaredContextTokens = decoders.sumSquares + 2 * decoders.sumComputed + decoders.size;
  work.decodeMaxContextTokens = decoders.size > 0 ? decoders.maxComputed() + 1 : 0;
}

/** Some of the sequences that decode take theirs. */
export function takeDecodes({ work }: StepPlan, decoders: Decoders, rows: ReadonlySet<number>): void {
  work.decodeSequences = rows.size;
  for (const row of rows) {
    const context = decoders.computed(row) + 1;
    work.decodeContextTokens += context;
    work.decodeSquaredContextTokens += context * context;
    work.decodeMaxContextTokens = Math.max(work.decodeMaxContextTokens, context);
  }
}
