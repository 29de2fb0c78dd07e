/** A simulated run: its scenario is there, and each of its settings can be changed. */
import type { Json } from '../../core/json.ts';
import { replicaBudget } from '../../core/kv/replica-budget.ts';
import type { SimRun } from '../../core/run/simulation.ts';
import { valueAt } from '../../core/scenario/layer.ts';
import type { SimScenario } from '../../core/scenario/simulate/schema.ts';
import { expandSweep } from '../../core/scenario/sweep.ts';
import type { SimInputs } from '../../sim/repetition.ts';
import { factsOf } from './facts.ts';
import { assignmentOf } from './own.ts';
import type { OwnSetting, ReadSubject } from './subject.ts';

/** null where weights do not fit. */
function blocksThatFit(scenario: SimScenario): number | null {
  const budget = replicaBudget({ ...scenario, hardware: { ...scenario.hardware, kvBlocks: null } });
  return budget.ok ? budget.kvBlocks : null;
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
      blocksThatFit: blocksThatFit(scenario),
      fixed: () => null,
      own,
      notes: run.points.length > 1 ? [`Of ${run.points.length} points this is “${planned.label}”.`] : [],
    },
  };
}
