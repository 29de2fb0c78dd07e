/** What a scenario is about to do, in words, before anything runs. */
import { reduceForSoftware } from '../core/scenario/reduce.ts';
import type { Scenario } from '../core/scenario/schema.ts';
import { expandSweep } from '../core/scenario/sweep.ts';

export interface PlannedRun {
  readonly points: readonly string[];
  readonly repetitions: number;
  /** What a software adapter makes smaller; empty on a real one. */
  readonly reductions: readonly string[];
  /** Model shape and format in one line. */
  readonly shape: string;
}

/** @param software the adapter is software, so the scenario's reductions apply */
export function planOf(scenario: Scenario, software: boolean): PlannedRun {
  const reduced = software ? reduceForSoftware(scenario) : null;
  const runs = reduced?.ok ? reduced.scenario : scenario;
  const { model, engine, measurement } = runs;
  const points = expandSweep(runs).map(({ label }) => label);
  return {
    points,
    repetitions: points.length * (measurement.repeats + measurement.warmupRepeats),
    reductions: reduced === null ? [] : reduced.ok ? reduced.notes : [reduced.sentence],
    shape: `${model.name}: ${model.layers} layers, ${model.queryHeads}/${model.kvHeads} heads of ${model.headDim}; ${engine.layout}, ${engine.kvFormat}, blocks of ${engine.blockSize}`,
  };
}
