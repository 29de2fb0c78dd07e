/** Acts by hand: a script on the cache of a scenario. The text of a script is read in script.ts, which loads YAML. */
import type { ActCommand } from '../../core/scenario/autopilot/action.ts';
import type { AutopilotScenario } from '../../core/scenario/autopilot/schema.ts';
import { replicaBudget } from '../../core/kv/replica-budget.ts';
import { simulatedShape, withoutTiers } from '../simulated/shape.ts';
import { ActBench, type ActAnswer } from './bench.ts';

export { ActBench, type ActAnswer, type ActReport, type BenchShape } from './bench.ts';

/**
 * An empty cache with the KV budget, formats, tiers and limits of a scenario.
 * @throws RangeError in one sentence where the model does not fit, or its layers keep different tokens
 */
export function actBench(scenario: AutopilotScenario): ActBench {
  const { engine } = scenario.simulation;
  const shape = simulatedShape(scenario);
  const budget = replicaBudget(withoutTiers(scenario.simulation));
  if (!budget.ok) throw new RangeError(budget.sentence);
  const lower = shape.tiers.map(({ tier, capacityBytes }) => [tier, capacityBytes] as const);
  return new ActBench({
    native: shape.native,
    bytesPerToken: shape.bytesPerToken,
    capacity: { hbm: budget.kvBlocks * shape.blockBytes, ...Object.fromEntries(lower) },
    blockSize: shape.blockSize,
    numBlocks: budget.kvBlocks,
    limits: {
      maxSequences: engine.maxSequences,
      tokenBudget: engine.tokenBudget,
      admissionBelowUse: 1,
      prefixCacheBlocks: engine.prefixCache === 'off' ? 0 : null,
    },
  });
}

/** Does a script, command by command. One that is refused changes nothing, and the next one is done. */
export function runActScript(
  scenario: AutopilotScenario,
  commands: readonly ActCommand[],
): readonly ActAnswer[] {
  const bench = actBench(scenario);
  return commands.map((command) => bench.do(command));
}
