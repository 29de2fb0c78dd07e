/**
 * What the page asks of the simulator's worker. A simulation is one long calculation that hears no message until it
 * ends, so cancelling ends the worker (sim-client.ts), and whatever a task needs travels with it.
 *
 * Files cross as `File`s: the worker reads them as streams, the page never holds their contents.
 */
import type { Advice } from '../advise/types.ts';
import type { FigureSpec } from '../charts/figure.ts';
import type { PairedComparison } from '../core/metrics/serving/compare.ts';
import type { ReplayReport } from '../core/run/replay.ts';
import type { Run } from '../core/run/schema.ts';
import type { SimRun } from '../core/run/simulation.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import type { Outcome } from './api.ts';
import type { RecordedAccesses, RecordedRun, RecordWish } from './sim-record.ts';

export type { Outcome } from './api.ts';
export type { RecordedAccesses, RecordedRun, RecordWish } from './sim-record.ts';

/** What a scenario may name beside itself. */
export interface SimInputs {
  /** Recorded requests: CSV or JSON lines. */
  readonly trace: File | null;
  /** Files of a measured profile, with their paths within its folder. */
  readonly profile: readonly NamedFile[];
  /** A run of the hardware check, as its JSON. */
  readonly check: string | null;
}

export interface NamedFile {
  readonly path: string;
  readonly file: File;
}

export const NO_INPUTS: SimInputs = { trace: null, profile: [], check: null };

export interface SimProgress {
  /** 0…1, or null while the length is unknown. */
  readonly fraction: number | null;
  readonly message: string;
  /** What was simulated so far, a few times a second. */
  readonly partial?: SimRun;
}

/** A trace in numbers, once all of it was read. */
export interface TraceFacts {
  readonly name: string;
  readonly requests: number;
  readonly seconds: number;
  readonly meanPromptTokens: number;
  readonly meanOutputTokens: number;
  /** Tokens of one block id; null: the trace names no blocks. */
  readonly blockTokens: number | null;
  /** Share of prompt blocks that an infinite cache would hold; null without block ids. */
  readonly reusable: number | null;
  /** What was left out of the file or taken otherwise, a sentence each. */
  readonly notes?: readonly string[];
}

export interface KeptRun {
  /** With the first rows of its requests only (light-run.ts); the store has them all. */
  readonly run: SimRun;
  /** Why it could not be kept; null when it is. */
  readonly keepProblem: string | null;
}

export interface ComparedRuns {
  readonly a: SimRun;
  readonly b: SimRun;
  /** B against A, quantity by quantity. */
  readonly differences: readonly PairedComparison[];
  /** Both sides drew the same requests at the same times. */
  readonly sameArrivals: boolean;
  readonly keepProblem: string | null;
}

export interface FoundSaturation {
  readonly sentence: string;
  /** The loads that were tried, as a run with the load for an axis. */
  readonly run: SimRun;
  readonly figures: readonly FigureSpec[];
}

export type OnSimProgress = (progress: SimProgress) => void;

export interface SimWorkerApi {
  /** Reads all of a trace; a bad line is refused with its number and reason. */
  readTrace(file: File, onProgress: OnSimProgress): Promise<Outcome<TraceFacts>>;
  /** Simulates, keeps the run in the store and gives it back light. */
  run(scenario: SimScenario, inputs: SimInputs, onProgress: OnSimProgress): Promise<Outcome<KeptRun>>;
  /** Simulates one point with a recorder at the blocks of one replica; not kept. */
  record(
    scenario: SimScenario,
    inputs: SimInputs,
    wish: RecordWish,
    onProgress: OnSimProgress,
  ): Promise<Outcome<RecordedRun>>;
  /** The same, for what the requests asked of the prefix cache. */
  accesses(
    scenario: SimScenario,
    inputs: SimInputs,
    wish: RecordWish,
    onProgress: OnSimProgress,
  ): Promise<Outcome<RecordedAccesses>>;
  /** Puts a recorded run through the simulator: its files, the workload, perhaps a measured profile. */
  replay(files: readonly NamedFile[], onProgress: OnSimProgress): Promise<Outcome<ReplayReport>>;
  /** Miss ratios of every eviction policy by cache size, for the prompt blocks of one point's workload. */
  missRatio(
    scenario: SimScenario,
    inputs: SimInputs,
    onProgress: OnSimProgress,
  ): Promise<Outcome<readonly FigureSpec[]>>;
  /** Two scenarios on the same seeds, and how B differs from A. Both runs are kept. */
  compare(
    a: SimScenario,
    b: SimScenario,
    inputs: SimInputs,
    onProgress: OnSimProgress,
  ): Promise<Outcome<ComparedRuns>>;
  /** The highest load that holds, and the curve of latency up to it. */
  saturation(
    scenario: SimScenario,
    inputs: SimInputs,
    onProgress: OnSimProgress,
  ): Promise<Outcome<FoundSaturation>>;
  /** What to change after a run of any kind that has requests; each change is tried in the simulator. */
  advise(run: Run, point: number, inputs: SimInputs, onProgress: OnSimProgress): Promise<Outcome<Advice>>;
}
