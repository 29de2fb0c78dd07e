/**
 * The planner's work, without the worker around it: plans with the figures that show them, names to choose from, models
 * and GPUs of no record.
 */
import { planFigures } from '../charts/figures/plan/index.ts';
import { gpuFromCheck } from '../core/hardware/from-check.ts';
import type { GpuRecord } from '../core/hardware/records.ts';
import { parseRun } from '../core/run/parse.ts';
import type { PlanRun } from '../core/run/plan.ts';
import type { PlanScenario } from '../core/scenario/plan/schema.ts';
import { comparePlans, fleetOf, runPlan, searchPlans, type PlanOptions } from '../plan/index.ts';
import { outcomeOf } from './outcome.ts';
import type { PlanAids, PlanWorkerApi } from './plan-api.ts';
import { catalogue } from './plan-catalogue.ts';
import { factsOf, TraceCache } from './trace-file.ts';

/** Loaded when they are first asked for: an answer does without them. */
const configs = () => import('./model-config.ts');
const files = () => import('./plan-files.ts');
const measurements = () => import('./plan-measured.ts');
const settings = () => import('./plan-settings.ts');

export interface PlanPlatform {
  readonly date: () => string;
  readonly newId: () => string;
  readonly fetch: typeof globalThis.fetch;
}

export function createPlanService({ date, newId, fetch }: PlanPlatform): PlanWorkerApi {
  const traces = new TraceCache();
  const given = async ({ trace, calibration }: PlanAids): Promise<PlanOptions> => ({
    stamp: { id: newId(), createdAt: date(), command: null },
    trace: trace === null ? null : await traces.read(trace),
    ...(calibration === null ? {} : { calibration }),
  });
  return {
    catalogue: () => outcomeOf(async () => catalogue()),
    plan: (scenario, aids, depth) =>
      outcomeOf(async () => {
        const run = answered(scenario, { ...(await given(aids)), simulate: depth === 'simulated' });
        return { depth, run, figures: planFigures(run) };
      }),
    fleet: (scenario, aids) =>
      outcomeOf(async () => {
        const run = searchPlans(overGpus(scenario), await given(aids));
        return { rows: fleetOf(run), figures: planFigures(run).filter(({ id }) => id === 'plan_fleet') };
      }),
    compare: (a, b, aids) =>
      outcomeOf(async () => {
        const options = await given(aids);
        const [first, second] = [a, b].map((scenario) => answered(scenario, options));
        if (first === undefined || second === undefined) throw new RangeError('Two plans are needed.');
        return { a: first, b: second, differences: comparePlans(first, second) };
      }),
    readTrace: (file) => outcomeOf(async () => factsOf(file.name, await traces.read(file))),
    recalibrate: (wish, name) =>
      outcomeOf(async () => (await measurements()).recalibrated(wish, { name, createdAt: date() })),
    readConfig: (text, name, asLlama) =>
      outcomeOf(async () => (await configs()).readConfig(text, name, asLlama)),
    fetchConfig: (repository, asLlama) =>
      outcomeOf(async () => (await configs()).fetchConfig(repository, fetch, asLlama)),
    gpuOfCheck: (json) => outcomeOf(async () => gpuOfCheck(json)),
    readPlan: (text) => outcomeOf(async () => (await files()).readPlan(text)),
    measured: (wish) => outcomeOf(async () => (await measurements()).measuredPlan(wish)),
    file: (run, kind) => outcomeOf(async () => (await files()).planFile(run, kind)),
    settings: (wish) => outcomeOf(async () => (await settings()).settingsTexts(wish)),
  };
}

/** The best of what is open. Where nothing of it works, what is given still shows its memory and what it lacks. */
function answered(scenario: PlanScenario, options: PlanOptions): PlanRun {
  const run = searchPlans(scenario, options);
  const { gpu, custom } = scenario.hardware;
  if (run.deployment !== null || (gpu === null && custom === null)) return run;
  const given = runPlan(scenario, { ...options, simulate: false });
  return { ...run, deployment: given.deployment, reason: run.reason ?? given.reason };
}

/** @throws Error with the sentence of what a check lacks */
function gpuOfCheck(json: string): GpuRecord {
  const read = parseRun(json);
  if (!read.ok) throw new Error(read.sentence);
  if (read.run.kind !== 'check') throw new Error('This run is no hardware check; choose one.');
  const gpu = gpuFromCheck(read.run);
  if (!gpu.ok) throw new Error(gpu.sentence);
  return gpu.value;
}

/** The load on whichever GPU, each with as many as it takes: what is given of one GPU's deployment counts for no other. */
function overGpus(scenario: PlanScenario): PlanScenario {
  const open = { gpu: null, custom: null, count: null, tensorParallel: null, pipelineParallel: null };
  return { ...scenario, hardware: { ...scenario.hardware, ...open } };
}
