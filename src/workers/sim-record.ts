/** Recording a simulation for the block view: driven like a run, and handed over without a copy. */
import { transfer } from 'comlink';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import { expandSweep } from '../core/scenario/sweep.ts';
import { recordingTask, type RecordingOptions } from '../sim/record.ts';
import { historyBuffers, type BlockHistory } from '../sim/recorder-history.ts';
import { outcomeOf } from './outcome.ts';
import type { Outcome } from './api.ts';

/** What is recorded: one point of a sweep, one replica. */
export interface RecordWish {
  readonly point: number;
  readonly replica: number;
}

export interface RecordedRun {
  readonly history: BlockHistory;
  readonly title: string;
  /** The point of the sweep in words; empty without a sweep. */
  readonly pointLabel: string;
  readonly costModel: string;
  readonly seed: number;
}

type OnProgress = (progress: { readonly fraction: number | null; readonly message: string }) => void;

const PROGRESS_EVERY_MS = 100;

/**
 * @param optionsOf reads the files that the scenario names
 * @param now milliseconds, for the pace of progress alone
 */
export async function recordRun(
  scenario: SimScenario,
  wish: RecordWish,
  optionsOf: () => Promise<RecordingOptions>,
  now: () => number,
  onProgress: OnProgress,
): Promise<Outcome<RecordedRun>> {
  const outcome = await outcomeOf(async () => drive(scenario, wish, await optionsOf(), now, onProgress));
  return outcome.ok ? transfer(outcome, historyBuffers(outcome.value.history)) : outcome;
}

function drive(
  scenario: SimScenario,
  { point: index, replica }: RecordWish,
  options: RecordingOptions,
  now: () => number,
  onProgress: OnProgress,
): RecordedRun {
  const points = expandSweep(scenario);
  const point = points[index];
  if (!point) throw new RangeError(`The sweep has no point ${index}; it has ${points.length}, from 0 on.`);
  const task = recordingTask(point.scenario, { ...options, replica });
  let toldMs = -Infinity;
  let turn = task.next();
  while (!turn.done) {
    const atMs = now();
    if (atMs >= toldMs + PROGRESS_EVERY_MS) {
      onProgress({ fraction: turn.value.fraction, message: `${turn.value.steps} steps recorded` });
      toldMs = atMs;
    }
    turn = task.next();
  }
  const { history, costModel } = turn.value;
  const pointLabel = points.length > 1 ? point.label : '';
  return { history, title: scenario.title, pointLabel, costModel, seed: point.scenario.seed };
}
