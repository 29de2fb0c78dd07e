/**
 * The planner's work, without the worker around it: plans with the figures that show them, names to choose from, models
 * and GPUs of no record.
 */
import { planFigures } from '../charts/figures/plan/index.ts';
import { gpuFromCheck } from '../core/hardware/from-check.ts';
import type { GpuRecord } from '../core/hardware/records.ts';
import type { Read } from '../core/json.ts';
import { parseRun } from '../core/run/parse.ts';
import type { PlanRun } from '../core/run/plan.ts';
import type { PlanScenario } from '../core/scenario/plan/schema.ts';
import {
  comparePlans,
  fleetOf,
  parsePlanRun,
  runPlan,
  searchPlans,
  type PlanOptions,
} from '../plan/index.ts';
import { planToHtml, planToJson, planToMarkdown, planToYaml, readYaml } from '../exchange/plan/files.ts';
import { fetchConfig, readConfig } from './model-config.ts';
import { outcomeOf } from './outcome.ts';
import type { PlanAids, PlanFileKind, PlanWorkerApi } from './plan-api.ts';
import { measuredPlan, recalibrated } from './plan-measured.ts';
import { catalogue } from './plan-catalogue.ts';
import { factsOf, TraceCache } from './trace-file.ts';
import { settingsTexts } from './plan-settings.ts';

const FILES: Readonly<Record<PlanFileKind, (run: PlanRun) => string>> = {
  json: planToJson,
  yaml: planToYaml,
  md: planToMarkdown,
  html: planToHtml,
};

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
    recalibrate: (wish, name) => outcomeOf(async () => recalibrated(wish, { name, createdAt: date() })),
    readConfig: (text, name) => outcomeOf(async () => readConfig(text, name)),
    fetchConfig: (repository) => outcomeOf(() => fetchConfig(repository, fetch)),
    gpuOfCheck: (json) => outcomeOf(async () => gpuOfCheck(json)),
    readPlan: (text) => outcomeOf(async () => readPlan(text)),
    measured: (wish) => outcomeOf(async () => measuredPlan(wish)),
    file: (run, kind) => outcomeOf(async () => FILES[kind](run)),
    settings: (wish) => outcomeOf(async () => settingsTexts(wish)),
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
  return valueOf(gpuFromCheck(read.run));
}

/** A plan that was saved as JSON or YAML. @throws Error with the sentence of what is wrong with it */
function readPlan(text: string): PlanRun {
  const isJson = text.trimStart().startsWith('{');
  return valueOf(parsePlanRun(isJson ? text : valueOf(readYaml(text))));
}

/** @throws Error with the sentence of a refusal */
function valueOf<T>(read: Read<T>): T {
  if (read.ok) return read.value;
  throw new Error(read.sentence);
}

/** The load on whichever GPU, each with as many as it takes: what is given of one GPU's deployment counts for no other. */
function overGpus(scenario: PlanScenario): PlanScenario {
  const open = { gpu: null, custom: null, count: null, tensorParallel: null, pipelineParallel: null };
  return { ...scenario, hardware: { ...scenario.hardware, ...open } };
}
