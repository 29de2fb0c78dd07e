/**
 * KV slots that systems without paging set aside for a request: the longest text that the engine admits, because they
 * must lie in one piece and nobody knows when the text ends. Never more than the pool, so that one request always fits.
 */
import type { SchedulerParts } from './parts.ts';

type Parts = Pick<SchedulerParts, 'manager' | 'sequences' | 'maxTokens'>;

export function reservedTokens({ manager, sequences, maxTokens }: Parts, row: number): number {
  const needed = sequences.prompt(row) + sequences.limit(row);
  return Math.max(needed, Math.min(maxTokens, manager.longestTokens));
}
