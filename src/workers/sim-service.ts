/**
 * The simulator's work, without the worker around it: files are read, runs are driven and reported, finished ones are
 * kept. What is heavy stays here: the page gets runs without the rows of their requests.
 */
import { simFiguresFor } from '../charts/figures/simulation/index.ts';
import { parseRun } from '../core/run/parse.ts';
import type { CheckRun } from '../core/run/schema.ts';
import type { SimRun } from '../core/run/simulation.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import { expandSweep } from '../core/scenario/sweep.ts';
import { saturationTask, simulationTask, type RunOptions } from '../sim/index.ts';
import { profileCost } from '../sim/cost/table-scenario.ts';
import { replayRecorded } from '../sim/replay/index.ts';
import { comparedRuns } from './compared-runs.ts';
import { lightRun } from './light-run.ts';
import { missRatioFigures } from './miss-ratio.ts';
import { outcomeOf } from './outcome.ts';
import { profileTexts, recordedTexts } from './replay-files.ts';
import type { OnSimProgress, SimInputs, SimWorkerApi } from './sim-api.ts';
import { recordAccesses, recordRun } from './sim-record.ts';
import { factsOf, TraceCache } from './trace-file.ts';

export interface SimPlatform {
  readonly now: () => number;
  readonly date: () => string;
  readonly newId: () => string;
  readonly appVersion: string;
  /** Keeps a run. @throws Error whose message is one sentence */
  readonly keep: (run: SimRun) => Promise<void>;
}

/** What depends on the load; over time every load is a story of its own. */
const LOAD_FIGURES: ReadonlySet<string> = new Set([
  'sim_ttft_by_setting',
  'sim_tpot_by_setting',
  'sim_e2e_by_setting',
  'sim_goodput',
]);

const PROGRESS_EVERY_MS = 100;
const PARTIAL_EVERY_MS = 250;
/** A summary of a long run takes its time: at most this share of the worker's goes into partial results. */
const PARTIAL_SHARE = 0.1;

export function createSimService(platform: SimPlatform): SimWorkerApi {
  const files = new TraceCache();
  const optionsOf = async (inputs: SimInputs, onProgress: OnSimProgress): Promise<RunOptions> => {
    const trace =
      inputs.trace === null ? null : await files.read(inputs.trace, reading(inputs.trace, onProgress));
    const profile = inputs.profile.length === 0 ? null : await profileTexts(inputs.profile);
    const check = inputs.check === null ? null : checkOf(inputs.check);
    const { date, newId, appVersion } = platform;
    return {
      ...(trace === null ? {} : { traces: () => trace }),
      ...(profile === null ? {} : { profiles: (_name, asked) => profileCost(profile, asked) }),
      ...(check === null ? {} : { checks: () => check }),
      stamp: { id: newId(), createdAt: date(), appVersion, command: null },
    };
  };
  return {
    readTrace: (file, onProgress) =>
      outcomeOf(async () => factsOf(file.name, await files.read(file, reading(file, onProgress)))),
    record: (scenario, inputs, wish, onProgress) =>
      recordRun(scenario, wish, () => optionsOf(inputs, onProgress), platform.now, onProgress),
    accesses: (scenario, inputs, wish, onProgress) =>
      recordAccesses(scenario, wish, () => optionsOf(inputs, onProgress), platform.now, onProgress),
    missRatio: (scenario, inputs, onProgress) =>
      outcomeOf(async () => {
        const trace =
          inputs.trace === null ? null : await files.read(inputs.trace, reading(inputs.trace, onProgress));
        const stamp = { id: platform.newId(), createdAt: platform.date() };
        return missRatioFigures(scenario, trace, stamp, onProgress);
      }),
    compare: (a, b, inputs, onProgress) =>
      outcomeOf(async () => {
        const side = async (scenario: SimScenario, before: number): Promise<SimRun> =>
          drive(scenario, await optionsOf(inputs, onProgress), platform.now, ({ fraction, message }) =>
            onProgress({ fraction: before + (fraction ?? 0) / 2, message }),
          );
        const [runA, runB] = [await side(a, 0), await side(b, 0.5)];
        const keepProblem = await problemOf(async () => {
          await platform.keep(runA);
          await platform.keep(runB);
        });
        return { a: lightRun(runA), b: lightRun(runB), ...comparedRuns(runA, runB), keepProblem };
      }),
    saturation: (scenario, inputs, onProgress) =>
      outcomeOf(async () => {
        const point = expandSweep(scenario)[0]?.scenario ?? scenario;
        const task = saturationTask(point, await optionsOf(inputs, onProgress));
        let toldMs = -Infinity;
        let turn = task.next();
        for (; !turn.done; turn = task.next()) {
          if (platform.now() < toldMs + PROGRESS_EVERY_MS) continue;
          onProgress({ fraction: turn.value.fraction, message: turn.value.message });
          toldMs = platform.now();
        }
        const { sentence, run } = turn.value;
        const figures = simFiguresFor(run).filter(({ id }) => LOAD_FIGURES.has(id));
        return { sentence, run: lightRun(run), figures };
      }),
    replay: (recorded, onProgress) =>
      outcomeOf(async () => {
        onProgress({ fraction: null, message: 'Reading the recording' });
        const texts = await recordedTexts(recorded);
        onProgress({ fraction: null, message: 'Replaying it' });
        return replayRecorded(texts);
      }),
    advise: (run, point, inputs, onProgress) =>
      outcomeOf(async () => {
        // Loaded with the first question: most visitors ask for none.
        const { advice } = await import('../advise/index.ts');
        return advice(run, { point, inputs: await optionsOf(inputs, onProgress), onProgress });
      }),
    run: (scenario, inputs, onProgress) =>
      outcomeOf(async () => {
        const options = await optionsOf(inputs, onProgress);
        const run = drive(scenario, options, platform.now, onProgress);
        onProgress({ fraction: 1, message: 'Keeping the run' });
        return { run: lightRun(run), keepProblem: await problemOf(() => platform.keep(run)) };
      }),
  };
}

/** Runs to the end, telling of it now and then. */
export function drive(
  scenario: SimScenario,
  options: RunOptions,
  now: () => number,
  onProgress: OnSimProgress,
): SimRun {
  const task = simulationTask(scenario, options);
  let [toldMs, partialMs] = [-Infinity, now()];
  let turn = task.next();
  while (!turn.done) {
    const { fraction, message, snapshot } = turn.value;
    const atMs = now();
    if (atMs >= partialMs + PARTIAL_EVERY_MS) {
      onProgress({ fraction, message, partial: lightRun(snapshot(true)) });
      toldMs = now();
      partialMs = toldMs + (toldMs - atMs) / PARTIAL_SHARE;
    } else if (atMs >= toldMs + PROGRESS_EVERY_MS) {
      onProgress({ fraction, message });
      toldMs = atMs;
    }
    turn = task.next();
  }
  return turn.value;
}

async function problemOf(work: () => Promise<void>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Tells how far the reading of a trace is. */
function reading({ name }: File, onProgress: OnSimProgress): (fraction: number) => void {
  return (fraction) => onProgress({ fraction, message: `Reading ${name}` });
}

/** @throws RangeError for a text that is no check */
function checkOf(json: string): CheckRun {
  const read = parseRun(json);
  if (!read.ok) throw new RangeError(read.sentence);
  if (read.run.kind !== 'check') throw new RangeError('This run is no hardware check; choose one.');
  return read.run;
}
