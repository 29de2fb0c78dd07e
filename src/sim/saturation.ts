/**
 * The highest load that an engine carries: its queue does not grow, and enough requests meet the objectives.
 *
 * The load is doubled or halved until it is bracketed, then bisected; some lighter loads are run for the curve of latency
 * against load. Every run sees the same lengths and, in proportion, the same arrivals.
 */
import { steadyState } from '../core/metrics/serving/steady-state.ts';
import type { SimPoint, SimRepetition, SimRun } from '../core/run/simulation.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import { loadOf, type Load } from './load.ts';
import { runOf, simulationTask, UNSTAMPED, type RunOptions } from './run.ts';

/** Share of requests that must meet the objectives (DistServe's target). */
export const ATTAINMENT_TARGET = 0.9;
/** Where the search ends: upper over lower bound. */
const CLOSE_ENOUGH = 1.02;
const MOST_DOUBLINGS = 12;
const MOST_BISECTIONS = 10;
/** Of the load found: where else the curve is drawn. */
/** A load is watched for so many latencies of a light one, lest the time in which a batch fills is taken for a queue that grows. */
const LATENCIES_WATCHED = 200;
/** Of the scenario's own load: where the search begins. */
const FIRST = 0.2;
const MOST_REQUESTS = 50_000;
const CURVE = [0.2, 0.4, 0.6, 0.8, 0.9, 1.1] as const;

export interface LoadPoint {
  readonly load: number;
  readonly holds: boolean;
  /** Why it does not hold; null where it does. */
  readonly reason: string | null;
  readonly point: SimPoint;
}

export interface Saturation {
  /** Highest load that holds; null where none was found. */
  readonly load: number | null;
  readonly unit: string;
  readonly sentence: string;
  /** By rising load. */
  readonly curve: readonly LoadPoint[];
  /** The curve as a run with the load for an axis, for figures and files. */
  readonly run: SimRun;
  readonly complete: boolean;
}

export interface SaturationProgress {
  /** Runs that are over, and an estimate of all. */
  readonly fraction: number;
  readonly message: string;
}

/** Runs that a search usually takes, for its progress. */
const EXPECTED_RUNS = 16;

type Told = 'stop' | undefined;

/** NaN for what did not happen. */
function column(values: readonly (number | null)[]): Float64Array {
  return Float64Array.from(values, (value) => value ?? NaN);
}

/** Why a load does not hold, or null. */
export function whyNot({ summary, requests }: SimRepetition): string | null {
  const { growing } = steadyState({
    arrivalMs: column(requests.arrivalMs),
    endMs: column(requests.endMs),
  });
  if (growing) return 'the queue grows';
  if (summary.attainment === null || summary.attainment >= ATTAINMENT_TARGET) return null;
  return `${(100 * summary.attainment).toFixed(0)} % of the requests meet the objectives`;
}

/** The search: which load next, and when it is over. */
class Search {
  readonly #load: Load;
  readonly curve: LoadPoint[] = [];

  constructor(load: Load) {
    this.#load = load;
  }

  get best(): LoadPoint | null {
    return this.#holding().at(-1) ?? null;
  }

  /** Loads that hold, below the first that does not. */
  #holding(): LoadPoint[] {
    const fails = this.curve.findIndex(({ holds }) => !holds);
    return fails < 0 ? this.curve : this.curve.slice(0, fails);
  }

  /** Median latency at the lightest load that was tried; 0 before. */
  get latencyMs(): number {
    return this.curve[0]?.point.repetitions[0]?.summary.e2eMs?.p50 ?? 0;
  }

  get lowestFailing(): LoadPoint | null {
    return this.curve.find(({ holds }) => !holds) ?? null;
  }

  add(point: LoadPoint): void {
    this.curve.push(point);
    this.curve.sort((a, b) => a.load - b.load);
  }

  /** The load to try next, or null when the bracket is narrow or cannot be found. */
  next(tried: number): number | null {
    const [low, high] = [this.best?.load ?? null, this.lowestFailing?.load ?? null];
    const { value } = this.#load;
    // A light load first: its latency says how long the others have to be watched.
    if (low === null && high === null) return this.#rounded(FIRST * value);
    if (low === null || high === null) {
      if (tried > MOST_DOUBLINGS) return null;
      const next = this.#rounded(high === null ? Math.max(value, 2 * (low ?? 1)) : high / 2);
      return this.#isNew(next) ? next : null;
    }
    if (high / low <= CLOSE_ENOUGH || tried > MOST_DOUBLINGS + MOST_BISECTIONS) return null;
    // The middle by ratio; its root is exact to the last digit everywhere.
    const next = this.#rounded(Math.sqrt(low * high));
    return this.#isNew(next) ? next : null;
  }

  /** Further loads for the curve. */
  beside(load: number): number[] {
    return CURVE.map((share) => this.#rounded(share * load)).filter((value) => this.#isNew(value));
  }

  #isNew(load: number): boolean {
    return load > 0 && this.curve.every((point) => point.load !== load);
  }

  #rounded(value: number): number {
    return this.#load.whole ? Math.max(1, Math.round(value)) : Number(value.toPrecision(4));
  }
}

/** A scenario with requests for a time that is long beside what one of them takes. */
function longEnough(scenario: SimScenario, load: number, latencyMs: number): SimScenario {
  const { workload } = scenario;
  // A trace has the requests that it has, and a closed loop no queue that could grow.
  if (workload.trace !== null || workload.arrivals.kind === 'closed') return scenario;
  const wanted = Math.min(MOST_REQUESTS, Math.ceil((LATENCIES_WATCHED * latencyMs * load) / 1000));
  return { ...scenario, workload: { ...workload, requests: Math.max(workload.requests, wanted) } };
}

/** One load. @returns null when it was told to stop @throws RangeError where the scenario cannot run at all */
function* runAt(
  load: Load,
  value: number,
  latencyMs: number,
  options: RunOptions,
  fraction: (within: number) => number,
): Generator<SaturationProgress, LoadPoint | null, Told> {
  const task = simulationTask(longEnough(load.at(value), value, latencyMs), options);
  let turn = task.next();
  while (!turn.done) {
    const told = yield {
      fraction: fraction(turn.value.fraction),
      message: `${value} ${load.unit}: ${turn.value.message}`,
    };
    if (told === 'stop') return null;
    turn = task.next();
  }
  const [point] = turn.value.points;
  const [repetition] = point?.repetitions ?? [];
  if (!point || !repetition) throw new RangeError(point?.reason ?? 'The simulation gave no result.');
  const reason = whyNot(repetition);
  return {
    load: value,
    holds: reason === null,
    reason,
    point: { ...point, settings: { [load.path]: value } },
  };
}

/** `next()` until it is done, `next('stop')` to end it where it stands. @throws RangeError as `loadOf` */
export function* saturationTask(
  scenario: SimScenario,
  options: RunOptions = {},
): Generator<SaturationProgress, Saturation, Told> {
  const load = loadOf({ ...scenario, sweep: [], repeats: 1 });
  const search = new Search(load);
  let tried = 0;
  const fraction = (within: number) => Math.min(0.99, (tried + within) / EXPECTED_RUNS);
  for (let value = search.next(tried); value !== null; value = search.next(tried)) {
    const point = yield* runAt(load, value, search.latencyMs, options, fraction);
    if (point === null) return saturationOf(scenario, options, load, search, false);
    search.add(point);
    tried++;
  }
  for (const value of search.beside(search.best?.load ?? load.value)) {
    const point = yield* runAt(load, value, search.latencyMs, options, fraction);
    if (point === null) return saturationOf(scenario, options, load, search, false);
    search.add(point);
    tried++;
  }
  return saturationOf(scenario, options, load, search, true);
}

/** Runs the search to its end, or until it is told to stop. */
export function findSaturation(
  scenario: SimScenario,
  options: RunOptions & {
    readonly onProgress?: (progress: SaturationProgress) => void;
    readonly shouldStop?: () => boolean;
  } = {},
): Saturation {
  const task = saturationTask(scenario, options);
  let turn = task.next();
  while (!turn.done) {
    options.onProgress?.(turn.value);
    turn = task.next(options.shouldStop?.() === true ? 'stop' : undefined);
  }
  return turn.value;
}

function sentenceOf({ unit }: Load, search: Search, complete: boolean): string {
  const { best, lowestFailing } = search;
  if (!complete) return 'The search was stopped before it was done.';
  if (best === null) {
    const least = lowestFailing ? `${lowestFailing.load} ${unit}` : 'the lightest load';
    return `No load was found that holds: at ${least} ${lowestFailing?.reason ?? 'nothing finished'}.`;
  }
  if (lowestFailing === null)
    return `Every load up to ${best.load} ${unit} holds; this one has no limit here.`;
  return `Up to ${best.load} ${unit} holds; at ${lowestFailing.load} ${lowestFailing.reason ?? ''}.`;
}

function saturationOf(
  scenario: SimScenario,
  { stamp }: RunOptions,
  load: Load,
  search: Search,
  complete: boolean,
): Saturation {
  const { curve, best } = search;
  const sentence = sentenceOf(load, search, complete);
  const values = curve.map((point) => point.load);
  return {
    load: best?.load ?? null,
    unit: load.unit,
    sentence,
    curve,
    complete,
    run: runOf(
      { ...scenario, repeats: 1, sweep: values.length > 0 ? [load.axis(values)] : [] },
      curve.map(({ point }) => point),
      { ...UNSTAMPED, ...stamp },
      complete,
      [sentence],
    ),
  };
}
