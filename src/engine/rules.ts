/** What an engine refuses before it begins, each in one sentence with the number and the way out. */
import { POLICIES } from '../core/eviction/policies.ts';
import type { ModelConfig } from './config.ts';
import type { EngineSettings, GenerationRequest } from './engine-types.ts';
import { EngineSettingsError, RequestError } from './errors.ts';

/** Whether sequences may hold blocks of one another, which a prefix cache does and a swap to the host restores. */
export function sharesBlocks({ kvFormat, eviction }: Pick<EngineSettings, 'kvFormat' | 'eviction'>): boolean {
  return kvFormat !== 'int2' && (eviction.policy === 'none' || !POLICIES[eviction.policy].frees);
}

type Rule = (config: ModelConfig, settings: EngineSettings) => string | null;

const RULES: readonly Rule[] = [
  (config, { maxContextTokens }) =>
    maxContextTokens > config.maxPositionTokens
      ? `maxContextTokens is ${maxContextTokens}; ${config.name} knows ${config.maxPositionTokens} positions.`
      : null,
  (_, { maxContextTokens, numBlocks, blockSize }) =>
    Math.ceil(maxContextTokens / blockSize) > numBlocks
      ? `numBlocks is ${numBlocks}; the longest sequence alone needs ${Math.ceil(maxContextTokens / blockSize)} blocks of ${blockSize}.`
      : null,
  (_, { tokenBudget, maxSequences }) =>
    tokenBudget < maxSequences
      ? `tokenBudget is ${tokenBudget}; ${maxSequences} sequences decode one token each, so at least that many are needed.`
      : null,
  (_, { kvFormat, prefixCaching, offload }) =>
    kvFormat === 'int2' && (prefixCaching || offload !== 'none')
      ? 'int2 keeps the newest tokens of each sequence apart in f16, so blocks can’t be shared or swapped; turn prefixCaching and offload off, or choose int4.'
      : null,
  (_, { eviction, prefixCaching, offload }) =>
    POLICIES[eviction.policy].frees && eviction.policy !== 'none' && (prefixCaching || offload !== 'none')
      ? `${POLICIES[eviction.policy].title} moves tokens that others may share; turn prefixCaching and offload off.`
      : null,
  ({ windowTokens, name }, { eviction }) =>
    windowTokens > 0 && eviction.policy !== 'none'
      ? `${name} has a sliding window of ${windowTokens} tokens, which chooses what is read already; turn eviction off.`
      : null,
  (_, { eviction, offload }) =>
    eviction.policy === 'quest' && offload !== 'none'
      ? 'Quest knows bounds of the blocks that it saw computed, not of those fetched from host memory; turn offload off.'
      : null,
  (_, { eviction, kvFormat }) =>
    kvFormat === 'int2' && eviction.policy !== 'none'
      ? 'int2 finds its newest tokens by their position, which eviction changes; choose int4 or a wider format.'
      : null,
  (_, { eviction, maxContextTokens }) =>
    eviction.policy !== 'none' && eviction.budgetTokens >= maxContextTokens
      ? `The eviction budget is ${eviction.budgetTokens} tokens, as many as a sequence may have (${maxContextTokens}); lower it, or turn eviction off.`
      : null,
];

/** @throws EngineSettingsError */
export function checkSettings(config: ModelConfig, settings: EngineSettings): void {
  for (const rule of RULES) {
    const problem = rule(config, settings);
    if (problem !== null) throw new EngineSettingsError(problem);
  }
}

/** @throws RequestError */
export function checkRequest(
  config: ModelConfig,
  settings: EngineSettings,
  { promptIds, maxTokens, sampling, forced, forkOf }: GenerationRequest,
): void {
  if (promptIds.length === 0) throw new RequestError('The prompt is empty; give at least one token.');
  if (!Number.isInteger(maxTokens) || maxTokens < 1)
    throw new RequestError(`maxTokens is ${maxTokens}; ask for at least one token.`);
  const tokens = promptIds.length + maxTokens;
  if (tokens > settings.maxContextTokens) {
    throw new RequestError(
      `${promptIds.length} prompt tokens and ${maxTokens} more are ${tokens}; this engine holds ${settings.maxContextTokens} a sequence. Ask for ${Math.max(0, settings.maxContextTokens - promptIds.length)} at most.`,
    );
  }
  for (const ids of [promptIds, forced ?? []]) {
    const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= config.vocab);
    if (wrong !== undefined)
      throw new RequestError(`Token ${wrong} is not in the vocabulary of ${config.vocab} tokens.`);
  }
  if (!(sampling.temperature >= 0) || !(sampling.topP > 0 && sampling.topP <= 1)) {
    throw new RequestError(
      `Temperature ${sampling.temperature} and top-p ${sampling.topP} can’t be; the first is 0 or more, the second above 0 and at most 1.`,
    );
  }
  if (forkOf !== undefined && settings.kvFormat === 'int2')
    throw new RequestError(
      'Parallel samples share blocks, which int2 can’t; choose int4 or submit them one by one.',
    );
}
