/**
 * The search: every way to serve a load that a scenario leaves open. What does not fit in memory is dropped first.
 *
 *   first   GPU × parallelism × weight format × KV format, with the engine's own step; replicas follow from the load, and
 *           pipelines are tried where tensor parallelism alone does not hold the model
 *   then    around the best of each GPU and the Pareto front: token budgets, sequences a step, prefix caching, whole experts
 *           on ranks, prefill and decode apart
 *
 * The work is a generator that pauses after each GPU, so that whoever drives it can show progress and stop it there.
 */
import type { GpuRecord } from '../core/hardware/records.ts';
import type { PlanChoice, PlanRow, PlanRun } from '../core/run/plan.ts';
import type { PlanScenario } from '../core/scenario/plan/schema.ts';
import { loadContext, type LoadContext } from './context.ts';
import { deploymentOf } from './deployment.ts';
import { explain, type Ranked } from './explain.ts';
import { givenLoad } from './load.ts';
import { memoryFits } from './memory/index.ts';
import { planRunOf, refusalOf, type PlanOptions } from './plan.ts';
import { nearestMisses, rank, rowsOf, type Dropped } from './rows.ts';
import { candidateOf, fitting, modelTokens } from './settle.ts';
import { sizeOf, type Sized } from './size.ts';
import { gpusToSearch, neighboursOf, settingsOf } from './space.ts';
import { subjectOf } from './subject.ts';
import { noEngine, noKv, noWeights } from './support.ts';
import { tooLong, tooLongNotes } from './too-long.ts';
import type { Candidate, PlanSubject } from './types.ts';
import { unverified, verify, type Verified } from './verify.ts';

export interface SearchProgress {
  /** 0…1 */
  readonly fraction: number;
  readonly message: string;
}

export interface SearchOptions extends PlanOptions {
  readonly onProgress?: (progress: SearchProgress) => void;
  /** Asked after each GPU; true ends the search with what it has. */
  readonly shouldStop?: () => boolean;
}

type Told = 'stop' | undefined;

/** What was found so far. */
interface Findings {
  readonly kept: Sized[];
  readonly dropped: Dropped[];
  candidates: number;
  infeasible: number;
}

function drop(found: Findings, choice: PlanChoice, reason: string, sized: Sized | null): void {
  found.infeasible++;
  found.dropped.push({ choice, reason, sized });
}

function searchGpu(
  subject: PlanSubject,
  gpu: GpuRecord,
  context: LoadContext,
  tokens: number,
  found: Findings,
): void {
  const lacking = lackingOf(subject, gpu);
  const staged = subject.scenario.hardware.pipelineParallel !== null;
  /** Formats that tensor parallelism alone holds. */
  const held = new Set<string>();
  for (const settings of settingsOf(subject, gpu)) {
    const formats = `${settings.weights} ${settings.kvFormat}`;
    // Stages are for models that do not fit otherwise.
    if (settings.pipelineParallel > 1 && !staged && held.has(formats)) continue;
    found.candidates++;
    const candidate = candidateOf(subject, gpu, settings, tokens);
    if (lacking !== null) {
      drop(found, candidate.choice, lacking, null);
      return;
    }
    const fitted = memoryFits(candidate, subject) ? candidate : fitting(subject, candidate);
    if (fitted === null) drop(found, candidate.choice, missing(candidate), null);
    else {
      held.add(formats);
      judge(subject, fitted, context, found);
    }
  }
}

/** Candidates whose steps are tried in other sizes. */
const REFINED = 24;

/** The second pass: steps of other sizes around the best. */
function refine(subject: PlanSubject, context: LoadContext, found: Findings): void {
  const { scenario } = subject;
  const seen = new Set<string>();
  const best = rank(found.kept, scenario.goal).filter(({ sized, pareto }, i) => {
    const first = !seen.has(sized.candidate.choice.gpu);
    seen.add(sized.candidate.choice.gpu);
    return i < REFINED / 2 || ((first || pareto) && i < 4 * REFINED);
  });
  for (const { sized } of best.slice(0, REFINED)) {
    const one = oneReplica(sized.candidate);
    for (const change of neighboursOf(one, subject)) {
      const candidate = { ...one, choice: { ...one.choice, ...change } };
      found.candidates++;
      if (memoryFits(candidate, subject)) judge(subject, candidate, context, found);
      else found.infeasible++;
    }
  }
}

/** A sized candidate before it was sized. */
function oneReplica({ gpu, choice }: Candidate): Candidate {
  const gpus = choice.tensorParallel * choice.pipelineParallel;
  return { gpu, choice: { ...choice, gpus, replicas: 1 } };
}

function lackingOf({ scenario: { engine } }: PlanSubject, gpu: GpuRecord): string | null {
  return (
    noEngine(gpu, engine.name) ??
    (engine.weights === null ? null : noWeights(gpu, engine.name, engine.weights)) ??
    (engine.kvFormat === null ? null : noKv(gpu, engine.name, engine.kvFormat))
  );
}

function missing({ choice }: Candidate): string {
  const group = choice.tensorParallel * choice.pipelineParallel;
  return `${choice.weights} weights and one sequence do not fit ${group === 1 ? 'it' : `${group} of them`}`;
}

function judge(subject: PlanSubject, candidate: Candidate, context: LoadContext, found: Findings): void {
  const result = sizeOf(candidate, subject, context);
  if (!result.ok) {
    drop(found, candidate.choice, result.reason, null);
    return;
  }
  const refused = refusalOf(subject, result.sized);
  if (refused === null) found.kept.push(result.sized);
  else drop(found, result.sized.candidate.choice, refused, result.sized);
}

function runOf(
  subject: PlanSubject,
  context: LoadContext,
  found: Findings,
  complete: boolean,
  { stamp, simulate = false }: PlanOptions,
): PlanRun {
  const { scenario } = subject;
  const ranked = rank(found.kept, scenario.goal);
  const misses = nearestMisses(found.dropped, found.kept);
  const searched = { candidates: found.candidates, infeasible: found.infeasible };
  const [first] = ranked;
  if (!first) {
    const reason = noneReason(found, misses);
    return planRunOf(
      scenario,
      { feasible: false, reason, deployment: null, rows: misses.slice(0, 2000), searched, complete },
      stamp,
    );
  }
  const chosen = simulate
    ? firstThatHolds(subject, context, ranked)
    : { at: 0, verified: unverified(first.sized, subject, context) };
  const order = [...ranked.slice(chosen.at), ...ranked.slice(0, chosen.at)];
  const rows = rowsOf(order, misses);
  const { sized, prefix, notes } = chosen.verified;
  return planRunOf(
    scenario,
    {
      feasible: true,
      reason: null,
      deployment: { ...deploymentOf(sized, subject, context), prefixCache: prefix },
      // The choice itself is not among what it was chosen from.
      rows: rows.slice(1),
      searched,
      explanation: explain(subject, context, order, found, sized),
      notes: [...tooLongNotes(subject, context), ...notes],
      complete,
    },
    stamp,
  );
}

/** Choices that are simulated at the most, before the best is taken as it is. */
const MOST_SIMULATED = 4;

/** The best that keeps its limits in the simulator too; the best of all where none of the first few does. */
function firstThatHolds(
  subject: PlanSubject,
  context: LoadContext,
  ranked: readonly Ranked[],
): { readonly at: number; readonly verified: Verified } {
  let first: Verified | null = null;
  for (const [at, { sized }] of ranked.slice(0, MOST_SIMULATED).entries()) {
    const verified = verify(sized, subject, context);
    if (refusalOf(subject, verified.sized) === null) return { at, verified };
    first ??= verified;
  }
  const [best] = ranked;
  if (!first || !best) throw new RangeError('A search without a choice has nothing to simulate.');
  const broken = refusalOf(subject, first.sized) ?? '';
  return {
    at: 0,
    verified: {
      ...first,
      notes: [...first.notes, `In the simulator ${broken}; the closed forms had kept it.`],
    },
  };
}

/** What is in the way, where nothing is left. */
function noneReason({ candidates }: Findings, misses: readonly PlanRow[]): string {
  const closest = misses.find(({ ttftMs }) => ttftMs !== null) ?? misses.at(-1);
  const nearest = closest ? ` The nearest: on ${closest.choice.gpuName} ${closest.reason ?? ''}.` : '';
  return `None of ${candidates} settings serves this load within its limits.${nearest}`;
}

/** The search as a task: `next()` until it is done, `next('stop')` to end it where it stands. @throws PlanError */
export function* searchTask(
  scenario: PlanScenario,
  options: PlanOptions = {},
): Generator<SearchProgress, PlanRun, Told> {
  const subject = subjectOf(scenario, options.calibration);
  const gpus = gpusToSearch(scenario);
  const context = loadContext(subject, givenLoad(scenario, options.trace ?? null));
  const long = tooLong(subject, context);
  if (long !== null) {
    return planRunOf(scenario, { feasible: false, reason: long, deployment: null }, options.stamp);
  }
  const tokens = modelTokens(subject, context.lengths);
  const found: Findings = { kept: [], dropped: [], candidates: 0, infeasible: 0 };
  for (const [i, gpu] of gpus.entries()) {
    searchGpu(subject, gpu, context, tokens, found);
    const told = yield {
      fraction: (i + 1) / gpus.length,
      message: `${gpu.name}: ${found.kept.length} settings work so far`,
    };
    if (told === 'stop') return runOf(subject, context, found, false, options);
  }
  refine(subject, context, found);
  return runOf(subject, context, found, true, options);
}

/** @throws PlanError for names that are in no record */
export function searchPlans(
  scenario: PlanScenario,
  { onProgress, shouldStop, ...options }: SearchOptions = {},
): PlanRun {
  const task = searchTask(scenario, options);
  let turn = task.next();
  while (!turn.done) {
    onProgress?.(turn.value);
    turn = task.next(shouldStop?.() === true ? 'stop' : undefined);
  }
  return turn.value;
}
