/**
 * A plan of what a scenario names: the settings it gives are taken, the ones it leaves open get the engine's defaults, the
 * formats of the release, and the fewest GPUs that hold the model and carry the load.
 *
 * Boundary: no comparison; `searchPlans` (search.ts) looks for the best. Quick enough to follow a slider.
 */
import type { GpuRecord } from '../core/hardware/records.ts';
import type { Deployment, PlanRun } from '../core/run/plan.ts';
import { RUN_VERSION } from '../core/run/version.ts';
import type { PlanCalibration } from '../core/run/calibration.ts';
import type { PlanScenario } from '../core/scenario/plan/schema.ts';
import type { Trace } from '../core/workload/traces/trace.ts';
import { deploymentOf } from './deployment.ts';
import { explainGiven } from './explain.ts';
import { PlanError } from './error.ts';
import { givenLoad } from './load.ts';
import { planMemory } from './memory/index.ts';
import { qualityOf } from './quality.ts';
import { candidateOf, fitting, givenWeights, groupsOf, modelTokens, stepDefaults } from './settle.ts';
import { loadContext, type LoadContext } from './context.ts';
import { limitBroken } from './limits.ts';
import { sizeOf, type Sized } from './size.ts';
import { gpuOf, subjectOf } from './subject.ts';
import { defaultKv, noEngine, noKv, noWeights } from './support.ts';
import { unverified, verify } from './verify.ts';
import { tooLong, tooLongNotes } from './too-long.ts';
import type { Candidate, PlanSubject } from './types.ts';

/** What a run is told about itself: this room knows no clock. */
export interface PlanStamp {
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly command: string | null;
}

export const UNSTAMPED_PLAN: PlanStamp = { id: 'plan', createdAt: '', command: null };

export interface PlanOptions {
  readonly stamp?: Partial<PlanStamp>;
  /** Check the choice in the simulator: TTFT, tails and the prefix cache come from it. A tenth of a second more. */
  readonly simulate?: boolean;
  /** The trace that the scenario's load names. */
  readonly trace?: Trace | null;
  /** The record of the calibration that the scenario names. */
  readonly calibration?: PlanCalibration | undefined;
}

/** Weight formats to fall back on, where none is given and the released one does not fit. */
const NARROWER = ['fp8', 'int8', 'int4'] as const;

/** Replicas of every size that fit, in the first format of the weights in which any does; and the first that was tried. */
function replicasThatFit(
  subject: PlanSubject,
  gpu: GpuRecord,
  context: LoadContext,
): { readonly fitting: readonly Candidate[]; readonly first: Candidate } {
  const { scenario } = subject;
  const { engine } = scenario;
  const groups = groupsOf(subject, gpu);
  const released = givenWeights(subject);
  const formats = engine.weights === null ? [released, ...NARROWER] : [released];
  const defaults = stepDefaults(engine.name, gpu);
  let first: Candidate | null = null;
  for (const weights of formats) {
    if (engine.weights === null && noWeights(gpu, engine.name, weights) !== null) continue;
    const found: Candidate[] = [];
    for (const [tensorParallel, pipelineParallel] of groups) {
      const candidate = candidateOf(
        subject,
        gpu,
        {
          tensorParallel,
          pipelineParallel,
          weights,
          kvFormat: engine.kvFormat ?? defaultKv(engine.name, weights),
          tokenBudget: engine.tokenBudget ?? defaults.tokenBudget,
          maxSequences: engine.maxSequences ?? Math.max(defaults.maxSequences, inFlight(subject)),
          prefixCaching: engine.prefixCaching ?? true,
        },
        modelTokens(subject, context.lengths),
      );
      first ??= candidate;
      const fitted = fitting(subject, candidate);
      if (fitted !== null) found.push(fitted);
    }
    if (found.length > 0 && first !== null) return { fitting: found, first };
  }
  if (first === null) {
    throw new PlanError(
      `hardware.count ${scenario.hardware.count ?? ''} can't be divided into replicas of ${subject.model.name}; leave it out, or give hardware.tensorParallel.`,
    );
  }
  return { fitting: [], first };
}

/** Whether all users of a closed load have a place; where a rate is given they queue, which sizeOf has counted. */
function holdsAll({ server, replicas }: Sized, { concurrency }: LoadContext): boolean {
  return concurrency === null || server.most >= concurrency / replicas;
}

/** Fewer GPUs are better, but not fewer than hold everybody; among as many, smaller replicas, which come first. */
function isBetter(a: Sized, b: Sized, context: LoadContext): boolean {
  const [holdsA, holdsB] = [holdsAll(a, context), holdsAll(b, context)];
  return holdsA === holdsB ? a.gpus < b.gpus : holdsA;
}

/** The fewest GPUs that serve the load within its limits; where none does, what came first, and why it is refused. */
function fewestGpus(
  subject: PlanSubject,
  candidates: readonly Candidate[],
  context: LoadContext,
): { readonly best: Sized | null; readonly refused: string | null } {
  const results = candidates.map((candidate) => sizeOf(candidate, subject, context));
  const sized = results.flatMap((result) => (result.ok ? [result.sized] : []));
  const works = sized.filter((one) => refusalOf(subject, one) === null);
  if (works.length > 0) {
    return { best: works.reduce((best, one) => (isBetter(one, best, context) ? one : best)), refused: null };
  }
  const reason = results.flatMap((result) => (result.ok ? [] : [result.reason]))[0];
  return { best: sized[0] ?? null, refused: reason ?? null };
}

/** Requests that a replica is asked to have in flight, where that is given. */
function inFlight({ scenario: { load, hardware } }: PlanSubject): number {
  if (load.concurrency === null) return 0;
  const group = (hardware.tensorParallel ?? 1) * (hardware.pipelineParallel ?? 1);
  return Math.min(65_536, Math.ceil(load.concurrency / Math.max(1, (hardware.count ?? group) / group)));
}

/** Why a sized candidate is not what was asked for; null where it is. */
export function refusalOf({ scenario, model }: PlanSubject, sized: Sized): string | null {
  const { constraints } = scenario;
  const { served, server, gpus, costPerHour, costPerMillionOutput, quality, candidate } = sized;
  const limit = limitBroken(constraints, served, server.load.outputTokens);
  if (limit !== null) return limit;
  if (constraints.maxGpus !== null && gpus > constraints.maxGpus) {
    return `the load takes ${gpus} GPUs, over the ${constraints.maxGpus} that there are`;
  }
  if (constraints.costPerHour !== null) {
    if (costPerHour === null) return `nobody publishes a price of ${candidate.gpu.name}, and a budget is set`;
    if (costPerHour > constraints.costPerHour) {
      return `it costs $${costPerHour.toFixed(2)} an hour, over the $${constraints.costPerHour} of the budget`;
    }
  }
  if (constraints.costPerMillionOutputTokens !== null) {
    if (costPerMillionOutput === null)
      return `nobody publishes a price of ${candidate.gpu.name}, and a price is set`;
    if (costPerMillionOutput > constraints.costPerMillionOutputTokens) {
      return `a million output tokens cost $${costPerMillionOutput.toFixed(2)}, over the $${constraints.costPerMillionOutputTokens} asked for`;
    }
  }
  if (constraints.qualityLossPercent === null) return null;
  if (quality.lossPercent === null) {
    return `nobody measured the quality of ${candidate.choice.weights} weights with ${candidate.choice.kvFormat} KV on ${model.name}, and a floor is set`;
  }
  return quality.lossPercent > constraints.qualityLossPercent
    ? `its formats lose ${quality.lossPercent} % of quality, over the ${constraints.qualityLossPercent} % allowed`
    : null;
}

function memoryOnly(candidate: Candidate, subject: PlanSubject, context: LoadContext): Deployment {
  return {
    choice: candidate.choice,
    memory: planMemory(candidate, subject, context.lengths),
    speed: null,
    prefixCache: null,
    cost: null,
    energy: null,
    quality: qualityOf(subject, candidate.choice),
  };
}

/** What no candidate can change: lengths that the model does not take, engines and formats that the GPU does not have. */
function impossible(subject: PlanSubject, gpu: GpuRecord, context: LoadContext): string | null {
  const { engine } = subject.scenario;
  const long = tooLong(subject, context);
  if (long !== null) return long;
  const foreign = noEngine(gpu, engine.name);
  if (foreign !== null) return `${foreign}.`;
  const lacking =
    (engine.weights === null ? null : noWeights(gpu, engine.name, engine.weights)) ??
    (engine.kvFormat === null ? null : noKv(gpu, engine.name, engine.kvFormat));
  return lacking === null
    ? null
    : `There is no hardware support: ${lacking}; leave the format to the planner.`;
}

export interface RunParts {
  readonly feasible: boolean;
  readonly reason: string | null;
  readonly deployment: Deployment | null;
  readonly rows?: PlanRun['rows'];
  readonly searched?: PlanRun['searched'];
  readonly explanation?: readonly string[];
  readonly notes?: readonly string[];
  readonly complete?: boolean;
}

/** A run document of what was found. */
export function planRunOf(scenario: PlanScenario, parts: RunParts, stamp: Partial<PlanStamp> = {}): PlanRun {
  return {
    version: RUN_VERSION,
    kind: 'plan',
    ...UNSTAMPED_PLAN,
    ...stamp,
    title: scenario.title,
    origin: 'simulated',
    scenario,
    feasible: parts.feasible,
    reason: parts.reason?.slice(0, 600) ?? null,
    deployment: parts.deployment,
    rows: parts.rows ?? [],
    searched: parts.searched ?? { candidates: 1, infeasible: parts.feasible ? 0 : 1 },
    explanation: [...(parts.explanation ?? [])].map((sentence) => sentence.slice(0, 600)),
    notes: [...(parts.notes ?? [])].map((note) => note.slice(0, 600)).slice(0, 50),
    complete: parts.complete ?? true,
  };
}

/** @throws PlanError for names that are in no record */
export function runPlan(scenario: PlanScenario, options: PlanOptions = {}): PlanRun {
  const { stamp, simulate = false } = options;
  const subject = subjectOf(scenario, options.calibration);
  const gpu = gpuOf(scenario);
  if (gpu === null) {
    throw new PlanError('hardware.gpu is null, which leaves the GPU to a search; name one, or search.');
  }
  const context = loadContext(subject, givenLoad(scenario, options.trace ?? null));
  const wrong = impossible(subject, gpu, context);
  const { fitting: candidates, first } = replicasThatFit(subject, gpu, context);
  if (wrong !== null || candidates.length === 0) {
    const deployment = memoryOnly(first, subject, context);
    return planRunOf(
      scenario,
      { feasible: false, reason: wrong ?? deployment.memory.verdict, deployment },
      stamp,
    );
  }
  const { best, refused } = fewestGpus(subject, candidates, context);
  if (best === null) {
    const deployment = memoryOnly(candidates[0] ?? first, subject, context);
    const reason = sentence(first, refused ?? 'nothing serves the load');
    return planRunOf(scenario, { feasible: false, reason, deployment }, stamp);
  }
  const verified = simulate ? verify(best, subject, context) : unverified(best, subject, context);
  const deployment = { ...deploymentOf(verified.sized, subject, context), prefixCache: verified.prefix };
  const broken = refusalOf(subject, verified.sized);
  const reason = broken === null ? null : sentence(first, broken);
  return planRunOf(
    scenario,
    {
      feasible: broken === null,
      reason,
      deployment,
      notes: [...tooLongNotes(subject, context), ...verified.notes],
      explanation: explainGiven(subject, verified.sized),
    },
    stamp,
  );
}

/** A reason as a sentence of its own. */
export function sentence({ gpu }: Candidate, reason: string): string {
  return `On ${gpu.name} ${reason}.`;
}
