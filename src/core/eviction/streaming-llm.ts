/**
 * StreamingLLM (arXiv:2309.17453, mit-han-lab/streaming-llm kv_cache.py): the first tokens, which all heads use as an
 * attention sink, and a window of the newest. No score, no copy: whole blocks leave the block table, and the window
 * with sinks of the attention kernels hides the rest of the two blocks at the edges.
 *
 * Positions are relative to the cache: after the edit the sequence is as long as its remaining blocks. Re-rotating
 * keys to their new positions is the model's business.
 */
import { range } from './select.ts';
import type { EvictionPolicy } from './policy.ts';

export const STREAMING_SINK_TOKENS = 4;

/** Kept when `coming` more tokens must fit as well: [0, sinks) and the last `recent − coming`. Shorter caches stay whole. */
export function streamingLlmKeep(
  length: number,
  sinkTokens: number,
  recentTokens: number,
  coming = 0,
): number[] {
  if (length + coming <= sinkTokens + recentTokens) return range(0, length);
  return [...range(0, sinkTokens), ...range(length - recentTokens + coming, length)];
}

export interface StreamingTable {
  /** Indices into the old block table of the blocks that stay, in order. */
  readonly keptBlocks: readonly number[];
  readonly droppedBlocks: readonly number[];
  /** Tokens behind the edited table; with `sinkTokens` and `windowTokens` = recent the kernels see exactly the kept ones. */
  readonly length: number;
}

/** Drops the blocks that hold neither a sink nor one of the `recentTokens` newest tokens. */
export function streamingLlmTable(
  length: number,
  sinkTokens: number,
  recentTokens: number,
  blockSize: number,
): StreamingTable {
  const blocks = range(0, Math.ceil(length / blockSize));
  const sinkBlocks = Math.ceil(sinkTokens / blockSize);
  const firstRecent = Math.floor(Math.max(0, length - recentTokens) / blockSize);
  const dropped = blocks.filter((block) => block >= sinkBlocks && block < firstRecent);
  const kept = blocks.filter((block) => block < sinkBlocks || block >= firstRecent);
  return { keptBlocks: kept, droppedBlocks: dropped, length: length - dropped.length * blockSize };
}

const sinksOf = (budget: number): number => Math.min(STREAMING_SINK_TOKENS, budget);

export const streamingLlm: EvictionPolicy = {
  name: 'streaming-llm',
  title: 'StreamingLLM',
  about: `Keeps the first ${STREAMING_SINK_TOKENS} tokens and the newest ones.`,
  source: 'arXiv:2309.17453',
  signal: 'none',
  scope: 'sequence',
  unit: 'block',
  frees: true,
  when: 'decode',
  protectedTokens: (budget) => ({ first: sinksOf(budget), last: budget - sinksOf(budget) }),
  keep: ({ length, budget }) => streamingLlmKeep(length, sinksOf(budget), budget - sinksOf(budget)),
};
