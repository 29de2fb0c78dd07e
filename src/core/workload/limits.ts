/**
 * Whether the requests that were drawn, or read, can be served at all: the longest one against the model and the pool.
 *
 * The rules of the scenario refuse what is certain from its settings; only the requests themselves show the rest. Asked
 * before the first step.
 */
import type { RequestTable } from '../schedule/requests.ts';

export interface ServingLimits {
  /** Longest prompt + output. */
  readonly maxModelTokens: number;
  /** KV blocks of one replica. */
  readonly numBlocks: number;
  readonly blockSize: number;
  /** Blocks of a request's tokens, where layers that forget hold fewer; left out: all tokens are held. */
  readonly blocksOf?: (tokens: number) => number;
  /** Most tokens whose K and V a replica holds of one request; left out: as many as its blocks have slots. */
  readonly longestTokens?: number;
}

/** The row with the most tokens. */
export function longestRequest({ size, promptTokens, outputTokens }: RequestTable): number {
  let [longest, most] = [-1, -1];
  for (let row = 0; row < size; row++) {
    const tokens = (promptTokens[row] ?? 0) + (outputTokens[row] ?? 0);
    if (tokens > most) [longest, most] = [row, tokens];
  }
  return longest;
}

/** Why the longest request can't be served, or null. */
export function requestsContradiction(table: RequestTable, limits: ServingLimits): string | null {
  const row = longestRequest(table);
  if (row < 0) return null;
  const prompt = table.promptTokens[row] ?? 0;
  const output = table.outputTokens[row] ?? 0;
  const tokens = prompt + output;
  const who = `Request ${row + 1} has ${prompt} tokens of prompt and ${output} of output, ${tokens} in all`;
  const { maxModelTokens, numBlocks, blockSize } = limits;
  if (tokens > maxModelTokens) {
    return `${who}, more than the ${maxModelTokens} that the model takes; cut prompts at ${Math.max(1, maxModelTokens - output)}, or raise engine.maxModelTokens where it is lower than the model’s.`;
  }
  // The last token that is generated is never read again, so it needs no slot.
  const blocks = (limits.blocksOf ?? ((held: number) => Math.ceil(held / blockSize)))(tokens - 1);
  if (blocks <= numBlocks) return null;
  const longest = limits.longestTokens ?? numBlocks * blockSize;
  return `${who}, which takes ${blocks} KV blocks of ${blockSize}; a replica has ${numBlocks}: set hardware.kvBlocks to ${blocks} or more, or cut prompts at ${Math.max(1, longest - output)}.`;
}
