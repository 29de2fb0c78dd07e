/**
 * Whether requests that were drawn, or read, fit a replica of the scenario; and the KV blocks that it has for them.
 *
 * Boundary: one replica's memory and the model's longest text. What is certain without requests is in rules.ts.
 */
import type { Read } from '../../json.ts';
import { replicaBudget } from '../../kv/replica-budget.ts';
import { findArchitecture } from '../../model/architecture.ts';
import type { RequestTable } from '../../schedule/requests.ts';
import { requestsContradiction } from '../../workload/limits.ts';
import type { SimScenario } from './schema.ts';

/** Longest prompt + output that the scenario allows; infinite for a model that is not known. */
export function maxModelTokens({ model, engine }: SimScenario): number {
  return engine.maxModelTokens || (findArchitecture(model)?.maxPositionTokens ?? Infinity);
}

function meanTokens({ size, promptTokens, outputTokens }: RequestTable): number {
  let sum = 0;
  for (let row = 0; row < size; row++) sum += (promptTokens[row] ?? 0) + (outputTokens[row] ?? 0);
  return Math.max(1, Math.round(sum / Math.max(1, size)));
}

/**
 * KV blocks of one replica: the scenario's, else what its memory leaves; or why the weights or the longest request do not
 * fit. Models with windows or states are counted at the mean length of the requests.
 */
export function servedBlocks(scenario: SimScenario, requests: RequestTable): Read<number> {
  const budget = replicaBudget(scenario, { referenceTokens: meanTokens(requests) });
  if (!budget.ok) return budget;
  const sentence = requestsContradiction(requests, {
    maxModelTokens: maxModelTokens(scenario),
    numBlocks: budget.kvBlocks,
    blockSize: scenario.engine.blockSize,
  });
  return sentence === null ? { ok: true, value: budget.kvBlocks } : { ok: false, sentence };
}

/**
 * What a KV block of a run is, where layers keep unlike: not a block of the pool. Null where it is one, and where the
 * scenario gives the number of blocks itself.
 */
export function equivalentBlocks(scenario: SimScenario, requests: RequestTable): string | null {
  const tokens = meanTokens(requests);
  const budget = replicaBudget(scenario, { referenceTokens: tokens });
  if (!budget.ok || budget.kvBlocks === budget.poolBlocks || scenario.hardware.kvBlocks !== null) return null;
  const { kvBlocks, poolBlocks, kvBytes, blockBytes, kvBytesPerToken } = budget;
  const { blockSize } = scenario.engine;
  const [real, full] = [blockBytes, kvBytesPerToken * blockSize].map(
    (bytes) => `${Math.round(bytes / 1024)} KiB`,
  );
  return (
    `Not every layer of ${scenario.model} keeps every token. The ${kvBlocks} KV blocks of a replica are equivalents: ` +
    `as many as hold its sequences at their mean length, ${tokens} tokens, of ${real} each; a block that keeps all ` +
    `would take ${full}. The pool itself has ${poolBlocks} blocks, ${(kvBytes / 1e9).toFixed(1)} GB.`
  );
}
