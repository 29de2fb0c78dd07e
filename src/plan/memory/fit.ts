/**
 * Whether an engine starts with a candidate's settings: one sequence of the longest length fits the pool, and what runs
 * outside of the engine's share fits what that leaves.
 */
import { sequenceBlocks } from '../../core/kv/hybrid.ts';
import type { Candidate, PlanSubject } from '../types.ts';
import { capacityOf, longestSequenceBlocks, weightsExceed, type Capacity } from './capacity.ts';

/** Blocks that the longest sequence may hold at once. */
export function longestBlocks({ groups }: Capacity, { choice }: Candidate): number {
  return longestSequenceBlocks(groups, choice);
}

export function capacityFits(capacity: Capacity, candidate: Candidate): boolean {
  const { blocks, budget } = capacity;
  return (
    blocks > 0 && longestBlocks(capacity, candidate) <= blocks && budget.outsideBytes <= budget.freeBytes
  );
}

/** Whether it fits, and no words: for remedies and a search. */
export function memoryFits(candidate: Candidate, subject: PlanSubject): boolean {
  return !weightsExceed(candidate, subject) && capacityFits(capacityOf(candidate, subject), candidate);
}

/** Sequences of so many tokens that the pool holds at once. */
export function sequencesOf({ blocks, groups }: Capacity, tokens: number): number {
  const each = sequenceBlocks(groups, Math.ceil(tokens));
  return each === 0 ? 0 : Math.floor(blocks / each);
}
