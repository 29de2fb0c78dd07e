/**
 * What the schema of a simulation can't say: scenarios that are impossible. Each refusal names the wrong number and the
 * nearest that works. What only a trace or a later request shows is refused by fit.ts, before the first step.
 */
import { replicaBudget } from '../../kv/replica-budget.ts';
import { findArchitecture } from '../../model/architecture.ts';
import { drawLengths } from '../../workload/generate.ts';
import { blocksOfSequence, longestSequence, maxModelTokens, servedBlocks } from './fit.ts';
import { engineContradiction } from './rules-engine.ts';
import { certainTokens, mostTokens, workloadContradiction } from './rules-workload.ts';
import type { SimScenario } from './schema.ts';

/** Weights that do not fit, and requests longer than what the memory leaves beside them. */
function memoryContradiction(scenario: SimScenario): string | null {
  const { prompt, output } = certainTokens(scenario.workload);
  const budget = replicaBudget(scenario);
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
  // The last token that is generated needs no slot: nothing reads it.
  const held = prompt + output - 1;
  if (kvBlocks === null || !findArchitecture(scenario.model)) return null;
  const blocks = blocksOfSequence(scenario, held);
  if (blocks > kvBlocks) {
    return `The longest request holds ${held} tokens at the least, more than the ${longestSequence(scenario, kvBlocks)} of hardware.kvBlocks; set ${blocks} blocks or more.`;
  }
  return null;
}

/** Requests that are drawn to look for one that is too long. */
const LOOKED_AT = 4096;

/** Whether the first requests fit, where the lengths leave it open: what the run would refuse, before it is asked for. */
function drawnContradiction(scenario: SimScenario): string | null {
  const { workload, hardware } = scenario;
  if (workload.trace !== null) return null;
  const most = mostTokens(workload);
  const budget = replicaBudget(scenario);
  const blocks = hardware.kvBlocks ?? (budget.ok ? budget.kvBlocks : 0);
  if (most <= maxModelTokens(scenario) && blocksOfSequence(scenario, most - 1) <= blocks) return null;
  try {
    const served = servedBlocks(scenario, drawLengths(scenario, Math.min(workload.requests, LOOKED_AT)));
    return served.ok ? null : served.sentence;
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}

/** The first contradiction of one point, or null. The sweep is not looked at. */
export function simContradiction(scenario: SimScenario): string | null {
  return (
    engineContradiction(scenario) ??
    workloadContradiction(scenario) ??
    lengthContradiction(scenario) ??
    memoryContradiction(scenario) ??
    drawnContradiction(scenario)
  );
}
