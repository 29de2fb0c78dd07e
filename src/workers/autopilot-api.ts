/**
 * What the page asks of the autopilot. Over the simulated engine it runs in a worker of its own (autopilot.worker.ts), over
 * the real one where the GPU is (model-api.ts). Either way a stop takes back what was begun and keeps the run.
 */
import type { ActAnswer, ActReport } from '../autopilot/act/bench.ts';
import type { Replay } from '../autopilot/log/replay.ts';
import type { ScoreComparison } from '../autopilot/score/compare.ts';
import type { AutopilotRun, PlanState } from '../core/run/autopilot.ts';
import type { ActCommand } from '../core/scenario/autopilot/action.ts';
import type { AutopilotScenario } from '../core/scenario/autopilot/schema.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import type { Outcome } from './api.ts';

export type { Outcome } from './api.ts';

/** How a run is to be watched; it changes nothing of what happens in it. */
export interface AutopilotPace {
  /** Milliseconds of the simulated clock a millisecond of ours; null: as fast as it goes. */
  readonly speed: number | null;
  /** Waits before each plan until `goOn`. */
  readonly hold: boolean;
}

export interface AutopilotNews {
  /** 0…1, or null while the length is unknown. */
  readonly fraction: number | null;
  readonly message: string;
  /** Which way through the requests it is. Absent: as it was. */
  readonly side?: 'with' | 'without';
  /** The run so far, a few times a second. */
  readonly partial?: AutopilotRun;
  /** The plan that waits for a yes; null: none does any more. Absent: as it was. */
  readonly held?: PlanState | null;
}

export type OnAutopilotNews = (news: AutopilotNews) => void;

export interface AutopilotWorkerApi {
  /** @param pace for the simulated engine alone: a GPU has its own clock */
  run(
    scenario: AutopilotScenario,
    pace: AutopilotPace,
    onNews: OnAutopilotNews,
  ): Promise<Outcome<AutopilotRun>>;
  /** Lets the plan go that waits. */
  goOn(): void;
  /** In the middle of a plan too: what was begun is taken back, no other is made, and the cache serves on. */
  stop(): void;
  /** Ends the run; what was begun is taken back, and it comes with what it has. */
  cancel(): void;
}

/** The same actions by hand; a script is run from its first line each time, so that what is shown is what it does. */
export interface AutopilotHandApi {
  act(scenario: AutopilotScenario, script: readonly ActCommand[]): Promise<Outcome<HandAnswer>>;
}

export interface HandAnswer {
  /** One for each command. */
  readonly lines: readonly ActAnswer[];
  /** What the cache holds behind the last. */
  readonly report: ActReport;
}

export interface ScoreWish {
  /** Whose prompts ask for blocks. */
  readonly simulation: SimScenario;
  /** A policy by name, or an expression. */
  readonly text: string;
  /** Room of the cache as a share of all blocks that are asked for, more than 0. */
  readonly share: number;
}

export interface ComparedScore extends ScoreComparison {
  readonly title: string;
  /** Different blocks that were asked for. */
  readonly blocks: number;
  readonly blockSize: number;
  readonly accesses: number;
}

export interface AutopilotScoreApi {
  score(wish: ScoreWish): Promise<Outcome<ComparedScore>>;
}

export interface AutopilotReplayApi {
  /**
   * Does what a run's log says once more, on an engine as it was at the beginning, and compares each state.
   * Of the simulated engine alone: a GPU has its own clock.
   */
  replay(run: AutopilotRun): Promise<Outcome<Replay>>;
}

/** What is done beside a run. */
export type AutopilotDeskApi = AutopilotHandApi & AutopilotScoreApi & AutopilotReplayApi;
