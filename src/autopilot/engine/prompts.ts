/**
 * What the sequences of an engine under an autopilot are about. The shipped model is asked what it was trained for: a fact
 * at the beginning of each prompt and the question at its end, so that a cache which loses the fact loses the answer. Other
 * models, and prompts that share a beginning, are drawn from a seed as in the serving laboratory.
 */
import { createRandom } from '../../core/random.ts';
import type { ServeScenario } from '../../core/scenario/serve/schema.ts';
import type { RequestTable } from '../../core/schedule/requests.ts';
import { heldOutText, recallTask } from '../../core/workload/recall.ts';
import type { ModelConfig } from '../../engine/config.ts';
import { taskOf } from '../../lab/quality/tasks.ts';
import { promptWriter, type PromptWriter } from '../../lab/serving/prompts.ts';

/** The fact, the question, and what stands between them at least. */
const LEAST_TOKENS = 6;
const ENDS = 2;

export function promptsFor(
  { engine, workload }: ServeScenario,
  requests: RequestTable,
  config: ModelConfig,
  seed: number,
): PromptWriter {
  if (taskOf(config) === 'facts' && workload.sharing.kind === 'none') return factPrompts(requests, seed);
  const { bosToken, eosTokens, vocab } = config;
  const reserved = new Set([...(bosToken === null ? [] : [bosToken]), ...eosTokens]);
  const { sharing } = workload;
  return promptWriter({ requests, sharing, blockSize: engine.blockSize, vocab, reserved, seed });
}

function factPrompts({ promptTokens }: RequestTable, seed: number): PromptWriter {
  const random = createRandom(seed).fork('prompts');
  return {
    prompt(row) {
      const tokens = promptTokens[row] ?? LEAST_TOKENS;
      const own = random.fork(row).nextU32();
      if (tokens < LEAST_TOKENS) return heldOutText({ seed: own, tokens });
      const distanceTokens = tokens - ENDS;
      return [...recallTask({ seed: own, distanceTokens, depth: 0, contextTokens: tokens + 1 }).ids];
    },
    generated: () => undefined,
  };
}
