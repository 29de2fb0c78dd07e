/** The plan of a step before anything is in it. A scheduler keeps one, or two in turn, and overwrites it each step. */
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
