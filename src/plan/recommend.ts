/**
 * Which models a GPU can serve: each model of the records planned on it, in the format that fits, the largest first.
 *
 * Boundary: size, speed and context are computed; how good a model is at anything is not, and no score stands in for it.
 */
import { ALL_MODELS } from '../core/model/catalogue.ts';
import { architectureParams } from '../core/model/parameters.ts';
import type { PlanChoice } from '../core/run/plan.ts';
import type { PlanScenario } from '../core/scenario/plan/schema.ts';
import { PlanError } from './error.ts';
import { runPlan } from './plan.ts';

export interface ModelOnGpu {
  readonly id: string;
  readonly name: string;
  readonly parameters: number;
  readonly activeParameters: number;
  readonly fits: boolean;
  /** Why not; null where it does. */
  readonly reason: string | null;
  readonly weights: PlanChoice['weights'];
  readonly gpus: number;
  readonly kvTokens: number | null;
  readonly tpotMs: number | null;
  readonly ttftMs: number | null;
  readonly outputTokensPerSecond: number | null;
  /** Percent lost against the release; null: nobody published it. */
  readonly qualityLossPercent: number | null;
}

function onGpu(scenario: PlanScenario, model: (typeof ALL_MODELS)[number]): ModelOnGpu {
  const { total, active } = architectureParams(model);
  const run = runPlan({ ...scenario, model: model.id, architecture: null });
  const { deployment, feasible, reason } = run;
  const speed = feasible ? (deployment?.speed ?? null) : null;
  return {
    id: model.id,
    name: model.name,
    parameters: total,
    activeParameters: active,
    fits: feasible,
    reason,
    weights: deployment?.choice.weights ?? 'bf16',
    gpus: deployment?.choice.gpus ?? 1,
    kvTokens: feasible ? (deployment?.memory.kvTokens ?? null) : null,
    tpotMs: speed?.tpotMs ?? null,
    ttftMs: speed?.ttftMs ?? null,
    outputTokensPerSecond: speed?.outputTokensPerSecond ?? null,
    qualityLossPercent: deployment?.quality.lossPercent ?? null,
  };
}

/**
 * @param scenario of the GPU, the load and the limits; its model is not looked at
 * @throws PlanError for a GPU that is in no record, and where none is named
 */
export function modelsFor(scenario: PlanScenario): ModelOnGpu[] {
  if (scenario.hardware.gpu === null && scenario.hardware.custom === null) {
    throw new PlanError('hardware.gpu is null; name the GPU that models are looked for.');
  }
  const one = { ...scenario, hardware: { ...scenario.hardware, count: scenario.hardware.count ?? 1 } };
  const all = ALL_MODELS.flatMap((model) => {
    try {
      return [onGpu(one, model)];
    } catch (error) {
      // A model whose heads can't be dealt to the ranks, or that has no experts where they are asked for.
      if (error instanceof PlanError && scenario.hardware.tensorParallel !== null) return [];
      throw error;
    }
  });
  return all.sort((a, b) => Number(b.fits) - Number(a.fits) || b.parameters - a.parameters);
}
