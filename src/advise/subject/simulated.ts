/** A simulated run: its scenario is there, and each of its settings can be changed. */
import type { Json } from '../../core/json.ts';
import type { SimRun } from '../../core/run/simulation.ts';
import { valueAt } from '../../core/scenario/layer.ts';
import type { SimScenario } from '../../core/scenario/simulate/schema.ts';
import { expandSweep } from '../../core/scenario/sweep.ts';
import type { SimInputs } from '../../sim/repetition.ts';
import { factsOf } from './facts.ts';
import type { OwnSetting, ReadSubject } from './subject.ts';

/** `path=value` as `--set` reads it. */
export function assignmentOf(path: string, to: Json): string {
  return `${path}=${typeof to === 'string' ? to : JSON.stringify(to)}`;
}

function replicasOf({ cluster }: SimScenario): number {
  const { replicas, disaggregation } = cluster;
  return disaggregation ? disaggregation.prefillReplicas + disaggregation.decodeReplicas : replicas;
}

export function simulatedSubject(run: SimRun, wanted: number | undefined, inputs: SimInputs): ReadSubject {
  const at = wanted ?? run.points.findIndex(({ repetitions }) => repetitions.length > 0);
  const point = run.points[at];
  const planned = expandSweep(run.scenario)[at];
  if (point === undefined || planned === undefined || point.repetitions.length === 0) {
    return {
      ok: false,
      sentence: `There is no result to advise on: ${point?.reason ?? 'no point of the run has one.'}`,
    };
  }
  const scenario = { ...planned.scenario, sweep: [] };
  const own = (path: string, to: Json): OwnSetting => ({
    path,
    from: valueAt(scenario, path) ?? null,
    to,
    flag: null,
    assignment: assignmentOf(path, to),
  });
  return {
    ok: true,
    subject: {
      title: run.title,
      facts: factsOf(point.repetitions, scenario.engine.maxSequences * replicasOf(scenario), 'simulated'),
      scenario,
      inputs,
      fixed: () => null,
      own,
      notes: run.points.length > 1 ? [`Of ${run.points.length} points this is “${planned.label}”.`] : [],
    },
  };
}
