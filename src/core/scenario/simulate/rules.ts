/**
 * What the schema of a simulation can't say: scenarios that are impossible. Each refusal names the wrong number and the
 * nearest that works. What only the drawn requests show is refused in core/workload/limits.ts, before the first step.
 */
import { findArchitecture } from '../../model/architecture.ts';
import { engineContradiction } from './rules-engine.ts';
import { certainTokens, workloadContradiction } from './rules-workload.ts';
import type { SimScenario } from './schema.ts';

/** Longest prompt + output that the scenario allows; infinite for a model that is not known. */
export function maxModelTokens({ model, engine }: SimScenario): number {
  return engine.maxModelTokens || (findArchitecture(model)?.maxPositionTokens ?? Infinity);
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
  return engineContradiction(scenario) ?? workloadContradiction(scenario) ?? lengthContradiction(scenario);
}
