/**
 * Recording a simulation: for the block view, handed over without a copy, and for the access profile, which is computed
 * where the recording is. Driven like a run, with progress; a cancel ends the worker.
 */
import { transfer } from 'comlink';
import { accessFigures } from '../charts/figures/accesses.ts';
import type { FigureSpec } from '../charts/figure.ts';
import { accessProfile, type AccessProfile } from '../core/metrics/accesses.ts';
import type { BlockPolicyName } from '../core/eviction/blocks/index.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import { expandSweep } from '../core/scenario/sweep.ts';
import { recordingTask, type Recording, type RecordingOptions } from '../sim/record.ts';
import { accessLogOf } from '../sim/recorder-accesses.ts';
import { historyBuffers, type BlockHistory } from '../sim/recorder-history.ts';
import type { Outcome } from './api.ts';
import { outcomeOf } from './outcome.ts';

/** What is recorded: one point of a sweep, one replica. */
export interface RecordWish {
  readonly point: number;
  readonly replica: number;
}

/** Which run it was. */
export interface RecordedFacts {
  readonly title: string;
  /** The point of the sweep in words; empty without a sweep. */
  readonly pointLabel: string;
  readonly replica: number;
  readonly costModel: string;
  readonly seed: number;
  /** Which cached block goes first: a name of core/eviction/blocks. */
  readonly cachePolicy: BlockPolicyName;
}

export interface RecordedRun extends RecordedFacts {
  readonly history: BlockHistory;
}

export interface RecordedAccesses extends RecordedFacts {
  readonly profile: AccessProfile;
  readonly figures: readonly FigureSpec[];
}

type OnProgress = (progress: { readonly fraction: number | null; readonly message: string }) => void;

const PROGRESS_EVERY_MS = 100;
/** Accesses that all policies and sizes together replay, a few seconds' worth, before blocks are sampled. */
const MAX_REPLAYED = 8_000_000;

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
  const outcome = await outcomeOf(async () => {
    const { facts, recording } = drive(scenario, wish, await optionsOf(), now, onProgress);
    return { ...facts, history: recording.history };
  });
  return outcome.ok ? transfer(outcome, historyBuffers(outcome.value.history)) : outcome;
}

/** The selector of points is part of the remedy where there is one. */
function noAccessSentence({ sweep }: SimScenario): string {
  const why = 'No request asked the prefix cache for a block: it is off, or prompts are shorter than a block';
  return sweep.length > 0
    ? `${why}. Choose another point of the sweep above, or set engine.prefixCache to hash.`
    : `${why}; set engine.prefixCache to hash.`;
}

/** The same, and what follows from it for the cache. */
export function recordAccesses(
  scenario: SimScenario,
  wish: RecordWish,
  optionsOf: () => Promise<RecordingOptions>,
  now: () => number,
  onProgress: OnProgress,
): Promise<Outcome<RecordedAccesses>> {
  return outcomeOf(async () => {
    const { facts, recording } = drive(scenario, wish, await optionsOf(), now, onProgress);
    const { history, requests } = recording;
    const log = accessLogOf(history, requests);
    if (log.block.length === 0) {
      throw new RangeError(noAccessSentence(scenario));
    }
    const profile = accessProfile(log, 'all', {
      maxReplayed: MAX_REPLAYED,
      onCurve: (policy, done, of) =>
        onProgress({ fraction: done / of, message: `Miss ratios under ${policy}` }),
    });
    const figures = accessFigures(profile, {
      subtitle: [facts.title, facts.pointLabel, `seed ${facts.seed}`]
        .filter((part) => part !== '')
        .join(' · '),
      origin: 'simulated',
      source: { runId: 'recorded in the page', command: null },
      notes: history.stopped ? [history.stopped.reason] : [],
    });
    return { ...facts, profile, figures };
  });
}

function drive(
  scenario: SimScenario,
  { point: index, replica }: RecordWish,
  options: RecordingOptions,
  now: () => number,
  onProgress: OnProgress,
): { readonly facts: RecordedFacts; readonly recording: Recording } {
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
  const recording = turn.value;
  const facts = {
    title: scenario.title,
    pointLabel: points.length > 1 ? point.label : '',
    replica,
    costModel: recording.costModel,
    seed: point.scenario.seed,
    cachePolicy: point.scenario.engine.cachePolicy,
  };
  return { facts, recording };
}
