/**
 * What the page asks of the planner's worker: records to choose from, an answer while a slider moves, the table over
 * GPUs, settings and files of a plan, and a plan beside measurements of it.
 *
 * An answer takes milliseconds and a search half a second at most, so nothing here is cancelled: the page asks again
 * when the last answer has come (state/newest.svelte.ts). Models, GPUs and prices stay in the worker; the page holds
 * the names.
 */
import type { FigureSpec } from '../charts/figure.ts';
import type { GpuRecord } from '../core/hardware/records.ts';
import type { Architecture } from '../core/model/architecture.ts';
import type { PlanCalibration } from '../core/run/calibration.ts';
import type { PlanRow, PlanRun } from '../core/run/plan.ts';
import type { PlanValidation } from '../core/run/validation.ts';
import type { PlanScenario } from '../core/scenario/plan/schema.ts';
import type { PlanDifference } from '../plan/index.ts';
import type { Outcome } from './api.ts';
import type { TraceFacts } from './sim-api.ts';

export type { Outcome } from './api.ts';
export type { TraceFacts } from './sim-api.ts';

/** A row to choose. */
export interface Choice {
  readonly id: string;
  readonly name: string;
  /** Other words that find it. */
  readonly words: readonly string[];
  /** One short line beside the name. */
  readonly about: string;
  /** A second line, where there is room for one. */
  readonly more: string;
  /** Heading that it stands under. */
  readonly group: string;
}

export interface Catalogue {
  readonly models: readonly Choice[];
  readonly gpus: readonly Choice[];
  /** Grids whose carbon is known. */
  readonly grids: readonly Choice[];
}

export type PlanDepth = 'closed forms' | 'simulated';

export interface Planned {
  readonly depth: PlanDepth;
  readonly run: PlanRun;
  /** By the part of the page that shows them. */
  readonly figures: readonly FigureSpec[];
}

export interface Fleet {
  readonly rows: readonly PlanRow[];
  readonly figures: readonly FigureSpec[];
}

export interface ComparedPlans {
  readonly a: PlanRun;
  readonly b: PlanRun;
  readonly differences: readonly PlanDifference[];
}

/** A file of measured results, as text. */
export interface ResultFile {
  readonly name: string;
  readonly text: string;
}

export interface MeasuredWish {
  readonly run: PlanRun;
  readonly files: readonly ResultFile[];
  readonly tolerancePercent: number;
  readonly aids: PlanAids;
}

/** A plan beside what was measured of it. */
export interface MeasuredPlan {
  readonly validation: PlanValidation;
  /** How many points each file brought, and of which tool. */
  readonly read: readonly { readonly name: string; readonly tool: string; readonly points: number }[];
}

export interface Recalibrated {
  readonly calibration: PlanCalibration;
  /** Mean absolute error over every term. */
  readonly beforePercent: number;
  readonly afterPercent: number;
}

/** What settings are written for. */
export interface SettingsWish {
  readonly run: PlanRun;
  /** Repository, folder or file of the weights; null: the plan's model. */
  readonly repository: string | null;
}

/** Kinds of files of a plan: the first two come back as a plan, the others are to be read. */
export const PLAN_FILE_KINDS = ['json', 'yaml', 'md', 'html'] as const;
export type PlanFileKind = (typeof PLAN_FILE_KINDS)[number];

/** A plan in the words of one engine. */
export interface SettingsText {
  readonly target: string;
  readonly name: string;
  /** Empty where this engine can't run the plan: the notes say why. */
  readonly text: string;
  /** A name for a file with it. */
  readonly file: string;
  readonly notes: readonly string[];
}

/** What a scenario names beside itself. */
export interface PlanAids {
  /** Recorded requests; the worker reads it once. */
  readonly trace: File | null;
  /** The record of the calibration that the scenario names. */
  readonly calibration: PlanCalibration | null;
}

export const NO_AIDS: PlanAids = { trace: null, calibration: null };

export interface PlanWorkerApi {
  catalogue(): Promise<Outcome<Catalogue>>;
  /**
   * The best of what a scenario leaves to choose, and what it was chosen from. From closed forms in milliseconds, or with
   * the choice looked at in the simulator: tails, prefix cache.
   */
  plan(scenario: PlanScenario, aids: PlanAids, depth: PlanDepth): Promise<Outcome<Planned>>;
  /** The same load over GPUs: the best deployment of each, those that can't carry it last, with the reason. */
  fleet(scenario: PlanScenario, aids: PlanAids): Promise<Outcome<Fleet>>;
  /** Two plans field by field. */
  compare(a: PlanScenario, b: PlanScenario, aids: PlanAids): Promise<Outcome<ComparedPlans>>;
  /** A model of no record from the text of its config.json; `asLlama`: whatever its model_type says. */
  readConfig(text: string, name: string, asLlama: boolean): Promise<Outcome<Architecture>>;
  /** The same, from a Hugging Face repository. */
  fetchConfig(repository: string, asLlama: boolean): Promise<Outcome<Architecture>>;
  /** A hardware check, as its JSON, as a GPU to plan for. */
  gpuOfCheck(json: string): Promise<Outcome<GpuRecord>>;
  /** A plan's file, as it was saved. */
  readPlan(text: string): Promise<Outcome<PlanRun>>;
  /** A plan beside the results of benchmarks; a file that is none of them is refused with its sentence. */
  measured(wish: MeasuredWish): Promise<Outcome<MeasuredPlan>>;
  /** The factors with which a plan comes to what was measured, as a record with a name. */
  recalibrate(wish: MeasuredWish, name: string): Promise<Outcome<Recalibrated>>;
  /** Reads all of a trace; a bad line is refused with its number and reason. */
  readTrace(file: File): Promise<Outcome<TraceFacts>>;
  /** The plan as a file's text. */
  file(run: PlanRun, kind: PlanFileKind): Promise<Outcome<string>>;
  /** The plan as settings to paste, for each engine that there is a renderer for, and the commands that would measure it. */
  settings(wish: SettingsWish): Promise<Outcome<readonly SettingsText[]>>;
}
