/**
 * Whether requests that were drawn, or read, fit a replica of the scenario; and the KV blocks that it has for them.
 *
 * Boundary: one replica's memory and the model's longest text. What is certain without requests is in rules.ts.
 */
import type { Read } from '../../json.ts';
import { heldBlocks, longestHeld, type BlockGroup } from '../../kv/block-groups.ts';
import { blockGroups, kvGroups } from '../../kv/hybrid.ts';
import { keepsEveryToken, replicaBudget } from '../../kv/replica-budget.ts';
import { findArchitecture, type Architecture } from '../../model/architecture.ts';
import { PAGED_SCHEDULERS } from '../../schedule/index.ts';
import type { RequestTable } from '../../schedule/requests.ts';
import { requestsContradiction } from '../../workload/limits.ts';
import type { SimScenario } from './schema.ts';

/** Longest prompt + output that the scenario allows; infinite for a model that is not known. */
export function maxModelTokens({ model, engine }: SimScenario): number {
  return engine.maxModelTokens || (findArchitecture(model)?.maxPositionTokens ?? Infinity);
}

/**
 * Groups of layers of the scenario's model, as its engine keeps them. @throws RangeError for a model that is not known
 * @param architecture of a model that the simulator's own table lacks
 */
export function scenarioGroups(scenario: SimScenario, architecture?: Architecture): BlockGroup[] {
  const model = architecture ?? findArchitecture(scenario.model);
  if (!model) throw new RangeError(`The model “${scenario.model}” is not known; choose another one.`);
  const { kvFormat, blockSize } = scenario.engine;
  const { tensorParallel } = scenario.hardware;
  const options = { format: kvFormat, tensorParallel, everyToken: keepsEveryToken(scenario) };
  return blockGroups(kvGroups(model, options, blockSize));
}

/** Most prompt tokens of one sequence in a step. */
export function stepTokens({ engine }: SimScenario): number {
  const { tokenBudget, longPrefillTokens } = engine;
  return longPrefillTokens > 0 ? Math.min(longPrefillTokens, tokenBudget) : tokenBudget;
}

/** Most blocks that a sequence holds at once until it has so many tokens. */
export function blocksOfSequence(scenario: SimScenario, tokens: number): number {
  return heldBlocks(scenarioGroups(scenario), tokens, stepTokens(scenario));
}

/** The longest sequence that a replica's blocks hold. */
export function longestSequence(scenario: SimScenario, numBlocks: number): number {
  // No sequence is longer than one that takes a block of the engine's size for each of the pool's; but a window's may be.
  const most = Math.max(numBlocks * scenario.engine.blockSize, Math.min(maxModelTokens(scenario), 2 ** 31));
  return longestHeld(scenarioGroups(scenario), numBlocks, stepTokens(scenario), most);
}

/** Whether requests can share a prefix: no group of layers keeps a state, and the engine has a cache. */
export function sharesPrefixes(scenario: SimScenario, architecture?: Architecture): boolean {
  const { prefixCache, scheduler } = scenario.engine;
  if (prefixCache === 'off' || !PAGED_SCHEDULERS[scheduler]) return false;
  return scenarioGroups(scenario, architecture).every(({ keeps }) => keeps.kind !== 'state');
}

/** KV blocks of one replica: the scenario's, else what its memory leaves; or why weights or the longest request do not fit. */
export function servedBlocks(scenario: SimScenario, requests: RequestTable): Read<number> {
  const budget = replicaBudget(scenario);
  if (!budget.ok) return budget;
  const sentence = requestsContradiction(requests, {
    maxModelTokens: maxModelTokens(scenario),
    numBlocks: budget.kvBlocks,
    blockSize: scenario.engine.blockSize,
    blocksOf: (tokens) => blocksOfSequence(scenario, tokens),
    longestTokens: longestSequence(scenario, budget.kvBlocks),
  });
  return sentence === null ? { ok: true, value: budget.kvBlocks } : { ok: false, sentence };
}

/** What a group of layers keeps of a sequence. */
export function groupWords({ keeps, blockSize }: BlockGroup): string {
  const blocks = `in blocks of ${blockSize}`;
  switch (keeps.kind) {
    case 'all':
      return `every token, ${blocks}`;
    case 'window':
      return `the newest ${keeps.tokens} tokens, ${blocks}`;
    case 'chunk':
      return `the tokens of one chunk of ${keeps.tokens}, ${blocks}`;
    case 'state':
      return 'a state, in one block a sequence';
    default:
      return keeps satisfies never;
  }
}

/** What a KV block of a run is, where not all layers keep every token or they keep unlike; null where each does. */
export function groupsNote(scenario: SimScenario): string | null {
  const model = findArchitecture(scenario.model);
  if (!model) return null;
  const { kvFormat, blockSize } = scenario.engine;
  const { tensorParallel } = scenario.hardware;
  const forgets = model.kinds.some(({ mixer }) => mixer.kind === 'sliding' || mixer.kind === 'chunked');
  const everyToken = keepsEveryToken(scenario);
  const kept = kvGroups(model, { format: kvFormat, tensorParallel, everyToken }, blockSize);
  const groups = blockGroups(kept);
  const [first] = groups;
  if (groups.length === 1 && first?.keeps.kind === 'all' && !forgets) return null;
  const kinds = new Map<string, number>();
  for (const group of groups) kinds.set(groupWords(group), (kinds.get(groupWords(group)) ?? 0) + 1);
  const parts = [...kinds].map(([text, count]) => `${count === 1 ? 'one keeps' : `${count} keep`} ${text}`);
  const why =
    everyToken && forgets
      ? ' Its windows are not used: tiers and reserved memory take all tokens of every layer, as vLLM does with a KV connector.'
      : '';
  const states = groups.some(({ keeps }) => keeps.kind === 'state')
    ? ' A state cannot be shared, so there is no prefix cache, as is vLLM’s default for such models.'
    : '';
  const count = groups.length === 1 ? 'one group' : `${groups.length} groups`;
  return (
    `The layers of ${scenario.model} are ${count} of ${kept.groupSize} that share one pool: ${parts.join('; ')}. ` +
    `A KV block is one page of each layer of a group.${why}${states}`
  );
}
