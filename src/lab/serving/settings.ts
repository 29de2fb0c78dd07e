/** From a serving scenario and a model to the engine's settings, on one of our backends. */
import type { ServeScenario } from '../../core/scenario/serve/schema.ts';
import type { RequestTable } from '../../core/schedule/requests.ts';
import { longestRequest } from '../../core/workload/limits.ts';
import type { ModelConfig } from '../../engine/config.ts';
import type { EngineSettings } from '../../engine/engine-types.ts';
import { UnsupportedError } from '../errors.ts';

export type OurBackend = 'paged' | 'contiguous';

/** A contiguous cache shares nothing and keeps nothing, so prefix cache and offload are off there. */
export function engineSettings(
  { engine }: ServeScenario,
  backend: OurBackend,
  config: Pick<ModelConfig, 'maxPositionTokens'>,
): EngineSettings {
  const paged = backend === 'paged';
  const slots = engine.blocks * engine.blockSize;
  return {
    kvFormat: engine.kvFormat,
    blockSize: engine.blockSize,
    numBlocks: engine.blocks,
    maxSequences: engine.maxSequences,
    tokenBudget: engine.tokenBudget,
    longPrefillTokens: engine.longPrefillTokens,
    maxContextTokens: Math.min(engine.maxContextTokens || config.maxPositionTokens, slots),
    prefixCaching: paged && engine.prefixCaching,
    layout: backend,
    tier: engine.tier,
    eviction: { policy: 'none', budgetTokens: 0 },
    residualTokens: engine.residualTokens,
    offload: paged ? engine.offload : 'none',
    hostBytes: paged && engine.offload === 'host' ? engine.hostMegabytes * 1e6 : 0,
    shuffleSeed: 0,
  };
}

/** @throws UnsupportedError where the longest request is more than a sequence may have */
export function checkRequests(requests: RequestTable, maxContextTokens: number, model: string): void {
  const row = longestRequest(requests);
  const prompt = requests.promptTokens[row] ?? 0;
  const output = requests.outputTokens[row] ?? 0;
  if (prompt + output <= maxContextTokens) return;
  throw new UnsupportedError(
    `Request ${row + 1} has ${prompt} tokens of prompt and ${output} of output, more than the ${maxContextTokens} of a sequence of ${model} here; cut prompts at ${Math.max(1, maxContextTokens - output)}, or raise engine.maxContextTokens where it is lower than the model’s.`,
  );
}
