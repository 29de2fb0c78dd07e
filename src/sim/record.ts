/**
 * Runs a scenario with a recorder at the blocks of one replica. For looking at, not for numbers: a recording keeps no
 * metrics, takes the scenario as it stands (first values of a sweep are the caller's to put in), and ends when the
 * recorder has no more room, whatever is left of the run.
 */
import { groupWords, scenarioGroups } from '../core/scenario/simulate/fit.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import type { RequestTable } from '../core/schedule/requests.ts';
import { generateRequests } from '../core/workload/generate.ts';
import { createEngine } from './engine.ts';
import { BlockRecorder, type RecorderConfig } from './recorder.ts';
import type { BlockHistory } from './recorder-history.ts';
import { costOf, numBlocksOf, traceOf, type SimInputs } from './repetition.ts';
import type { SimObserver } from './types.ts';

export type RecordingLimits = Pick<RecorderConfig, 'maxEvents' | 'maxSteps' | 'keyframeEvents'>;

export interface RecordingOptions extends SimInputs {
  /** Whose blocks are recorded; left out: the first. */
  readonly replica?: number;
  readonly limits?: RecordingLimits;
}

/** A recorded run. */
export interface Recording {
  readonly history: BlockHistory;
  readonly requests: RequestTable;
  /** Name of the cost model that the times rest on. */
  readonly costModel: string;
}

export interface RecordingProgress {
  /** Of the requests, 0…1. */
  readonly fraction: number;
  readonly steps: number;
}

/** Events of the loop between two pauses: a few milliseconds of work. */
const EVENTS_A_PAUSE = 4096;

/**
 * A recording as a task that pauses every few thousand events.
 * @throws RangeError in one sentence where the scenario is impossible or has no such replica
 */
export function* recordingTask(
  scenario: SimScenario,
  options: RecordingOptions = {},
): Generator<RecordingProgress, Recording, undefined> {
  const { replica = 0 } = options;
  const requests = generateRequests(scenario, traceOf(scenario, options));
  const cost = costOf(scenario, options);
  const made: { recorder: BlockRecorder | null } = { recorder: null };
  const observer: SimObserver = {
    listenTo: (index, numBlocks) => {
      if (index !== replica) return undefined;
      made.recorder = createRecorder(scenario, replica, numBlocks, options.limits);
      return made.recorder.onBlock;
    },
    loaded: (index, block, request, tier) => {
      if (index === replica) made.recorder?.onLoad(block, request, tier);
    },
    stored: (index, tier, id, came) => {
      if (index === replica || scenario.cluster.tiers[tier]?.shared) made.recorder?.onStored(tier, id, came);
    },
    arrived: (request, nowMs, index) => made.recorder?.arrived(request, nowMs, index),
    step: (index, startMs, endMs, plan, outcome) => made.recorder?.step(index, startMs, endMs, plan, outcome),
  };
  const engine = createEngine({
    scenario,
    requests,
    cost,
    numBlocks: numBlocksOf(scenario, requests),
    observer,
  });
  const { recorder } = made;
  if (recorder === null) throw new RangeError(`There is no replica ${replica}; the first one is number 0.`);
  while (engine.advance(EVENTS_A_PAUSE) && recorder.stopped === null) {
    yield { fraction: engine.numDone / Math.max(1, requests.size), steps: recorder.numSteps };
  }
  return { history: recorder.history(), requests, costModel: cost.name };
}

function createRecorder(
  scenario: SimScenario,
  replica: number,
  numBlocks: number,
  limits: RecordingLimits = {},
): BlockRecorder {
  const { engine, cluster } = scenario;
  const tiers = cluster.tiers.map(({ kind }) => kind);
  const groups = scenarioGroups(scenario).map(groupWords);
  return new BlockRecorder({ numBlocks, blockSize: engine.blockSize, replica, tiers, groups, ...limits });
}

/** Records a scenario to its end. */
export function recordBlocks(scenario: SimScenario, options: RecordingOptions = {}): Recording {
  const task = recordingTask(scenario, options);
  let turn = task.next();
  while (!turn.done) turn = task.next();
  return turn.value;
}
