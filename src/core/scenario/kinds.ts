/**
 * The kinds of scenario: an experiment of the laboratory, a simulation, a quality experiment, a serving run, a plan, a
 * tuning, a load on a real server, an autopilot. What differs between them is in this table: schema, defaults, rules.
 */
import type * as v from 'valibot';
import { DEFAULT_AUTOPILOT } from './autopilot/defaults.ts';
import { autopilotContradiction } from './autopilot/rules.ts';
import { AutopilotScenario } from './autopilot/schema.ts';
import { DEFAULT_SCENARIO } from './defaults.ts';
import { DEFAULT_LOAD } from './load/defaults.ts';
import { loadSweepContradiction } from './load/points.ts';
import { LoadScenario } from './load/schema.ts';
import { DEFAULT_PLAN } from './plan/defaults.ts';
import { planContradiction } from './plan/rules.ts';
import { PlanScenario } from './plan/schema.ts';
import { DEFAULT_QUALITY } from './quality/defaults.ts';
import { qualityContradiction } from './quality/rules.ts';
import { QualityScenario } from './quality/schema.ts';
import { contradiction } from './rules.ts';
import { Scenario } from './schema.ts';
import { DEFAULT_SERVING } from './serve/defaults.ts';
import { serveContradiction, serveTotalContradiction } from './serve/rules.ts';
import { ServeScenario } from './serve/schema.ts';
import { DEFAULT_SIMULATION } from './simulate/defaults.ts';
import { simContradiction } from './simulate/rules.ts';
import { totalContradiction } from './simulate/rules-workload.ts';
import { SimScenario } from './simulate/schema.ts';
import { DEFAULT_TUNING } from './tune/defaults.ts';
import { tuneContradiction } from './tune/rules.ts';
import { TuneScenario } from './tune/schema.ts';

export interface ScenarioByKind {
  readonly lab: Scenario;
  readonly simulate: SimScenario;
  readonly quality: QualityScenario;
  readonly serve: ServeScenario;
  readonly plan: PlanScenario;
  readonly tune: TuneScenario;
  readonly load: LoadScenario;
  readonly autopilot: AutopilotScenario;
}
export type ScenarioKind = keyof ScenarioByKind;
export type AnyScenario = ScenarioByKind[ScenarioKind];
/** Kinds with sweep axes; a quality experiment has cells of its own, a plan what it leaves open, a load one ramp. */
export type SweptKind = Exclude<ScenarioKind, 'quality' | 'plan' | 'tune' | 'load' | 'autopilot'>;

export interface KindOfScenario<S> {
  readonly schema: v.GenericSchema<unknown, S>;
  /** Every scenario of the kind is a layer over these. */
  readonly defaults: S;
  /** What contradicts itself in one point, or null. */
  readonly contradiction: (scenario: S) => string | null;
  /** What is wrong with all points of a sweep together, or null. */
  readonly contradictionOfAll: (scenario: S, points: number) => string | null;
  /** What a person calls it, with its article. */
  readonly name: string;
}

export const SCENARIO_KINDS: { readonly [K in ScenarioKind]: KindOfScenario<ScenarioByKind[K]> } = {
  lab: {
    schema: Scenario,
    defaults: DEFAULT_SCENARIO,
    contradiction,
    contradictionOfAll: () => null,
    name: 'an experiment',
  },
  simulate: {
    schema: SimScenario,
    defaults: DEFAULT_SIMULATION,
    contradiction: simContradiction,
    contradictionOfAll: totalContradiction,
    name: 'a simulation',
  },
  quality: {
    schema: QualityScenario,
    defaults: DEFAULT_QUALITY,
    contradiction: qualityContradiction,
    contradictionOfAll: () => null,
    name: 'a quality experiment',
  },
  serve: {
    schema: ServeScenario,
    defaults: DEFAULT_SERVING,
    contradiction: serveContradiction,
    contradictionOfAll: serveTotalContradiction,
    name: 'a serving run',
  },
  plan: {
    schema: PlanScenario,
    defaults: DEFAULT_PLAN,
    contradiction: planContradiction,
    contradictionOfAll: () => null,
    name: 'a plan',
  },
  tune: {
    schema: TuneScenario,
    defaults: DEFAULT_TUNING,
    contradiction: tuneContradiction,
    contradictionOfAll: () => null,
    name: 'a tuning',
  },
  load: {
    schema: LoadScenario,
    defaults: DEFAULT_LOAD,
    contradiction: loadSweepContradiction,
    contradictionOfAll: () => null,
    name: 'a load',
  },
  autopilot: {
    schema: AutopilotScenario,
    defaults: DEFAULT_AUTOPILOT,
    contradiction: autopilotContradiction,
    contradictionOfAll: () => null,
    name: 'an autopilot',
  },
};

export function isScenarioKind(kind: unknown): kind is ScenarioKind {
  return typeof kind === 'string' && Object.hasOwn(SCENARIO_KINDS, kind);
}
