/**
 * What the schema of a simulation can't say: scenarios that are impossible. Each refusal names the wrong number and the
 * nearest that works. What only the drawn requests show is refused in core/workload/limits.ts, before the first step.
 */
import { findArchitecture } from '../../model/architecture.ts';
import { replicaBudget } from '../../kv/replica-budget.ts';
import { engineContradiction } from './rules-engine.ts';
import { certainTokens, workloadContradiction } from './rules-workload.ts';
import type { SimScenario } from './schema.ts';

/** Longest prompt + output that the scenario allows; infinite for a model that is not known. */
export function maxModelTokens({ model, engine }: SimScenario): number {
  return engine.maxModelTokens || (findArchitecture(model)?.maxPositionTokens ?? Infinity);
}

/** Weights that do not fit, and requests longer than what the memory leaves beside them. */
function memoryContradiction(scenario: SimScenario): string | null {
  const { prompt, output } = certainTokens(scenario.workload);
  const budget = replicaBudget(scenario, { referenceTokens: Math.max(1, prompt + output) });
  if (!budget.ok) return budget.sentence;
  if (scenario.hardware.kvBlocks !== null || prompt + output <= budget.longestTokens) return null;
  return `The longest request has ${prompt + output} tokens at the least, more than the ${budget.longestTokens} that the memory of a replica holds; shorten workload.promptTokens, raise hardware.tensorParallel, or set engine.kvFormat to fp8.`;
}

function lengthContradiction(scenario: SimScenario): string | null {
  const { prompt, output } = certainTokens(scenario.workload);
  const most = maxModelTokens(scenario);
  if (prompt + output > most) {
    return `The longest request has ${prompt + output} tokens at the least, more than the ${most} of the model; shorten workload.promptTokens, or raise engine.maxModelTokens.`;
  }
  const { kvBlocks } = scenario.hardware;
  const { blockSize } = scenario.engine;
  if (kvBlocks !== null && prompt + output > kvBlocks * blockSize) {
    return `The longest request has ${prompt + output} tokens at the least, more than the ${kvBlocks * blockSize} of hardware.kvBlocks; set ${Math.ceil((prompt + output) / blockSize)} blocks or more.`;
  }
  return null;
}

/** The first contradiction of one point, or null. The sweep is not looked at. */
export function simContradiction(scenario: SimScenario): string | null {
  return (
    engineContradiction(scenario) ??
    workloadContradiction(scenario) ??
    lengthContradiction(scenario) ??
    memoryContradiction(scenario)
  );
}
