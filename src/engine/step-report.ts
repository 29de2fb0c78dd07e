/** What a step's report says of its plan, of its batch and of the pool; times and tokens come when it is done. */
import type { StepPlan } from '../core/schedule/scheduler.ts';
import type { StepReport } from './engine-types.ts';
import type { Session } from './session.ts';
import type { StepBatch } from './step-batch.ts';

export type PlannedStep = Omit<StepReport, 'startMs' | 'endMs' | 'gpuMs' | 'events'>;

type State = Pick<
  StepReport,
  'numRunning' | 'numWaiting' | 'numActiveBlocks' | 'numCachedBlocks' | 'numWastedSlots'
>;

/** Copies what the next plan overwrites. */
export function plannedStep(plan: StepPlan, batch: StepBatch, session: Session): PlannedStep {
  const { step, work, joined, preempted, lostTokens } = plan;
  const first = work.prefillCount - joined.length;
  return {
    step,
    decodeSequences: batch.numDecoding,
    decodeContextTokens: batch.decodeContextTokens,
    prefillTokens: batch.tokens - batch.decodes,
    prefillChunks: work.prefillCount,
    prefillPairs: pairsOf(plan),
    joined: [...joined],
    joinedCachedTokens: joined.map((_, i) => work.prefillContextTokens[first + i] ?? 0),
    preempted: [...preempted],
    lostTokens: [...lostTokens],
    ...stateOf(session),
  };
}

/** Nothing was computed. */
export function idleStep(session: Session): PlannedStep {
  return {
    step: -1,
    decodeSequences: 0,
    decodeContextTokens: 0,
    prefillTokens: 0,
    prefillChunks: 0,
    prefillPairs: 0,
    joined: [],
    joinedCachedTokens: [],
    preempted: [],
    lostTokens: [],
    ...stateOf(session),
  };
}

function stateOf({ scheduler, manager }: Session): State {
  const resident = scheduler.numRunningTokens - manager.numDroppedTokens;
  return {
    numRunning: scheduler.numRunning,
    numWaiting: scheduler.numWaiting,
    numActiveBlocks: manager.numActiveBlocks,
    numCachedBlocks: manager.numIdleCachedBlocks,
    numWastedSlots: manager.numTableBlocks * manager.blockSize - resident,
  };
}

function pairsOf({ work }: StepPlan): number {
  let pairs = 0;
  for (let i = 0; i < work.prefillCount; i++) {
    const tokens = work.prefillTokens[i] ?? 0;
    pairs += tokens * (work.prefillContextTokens[i] ?? 0) + (tokens * (tokens + 1)) / 2;
  }
  return pairs;
}
