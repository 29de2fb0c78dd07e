/** Which requests refer to how many blocks, most first. Shared blocks count for the request that took them last. */
import type { PoolState } from '../../../sim/recorder-state.ts';

export interface OwnerCount {
  readonly request: number;
  readonly blocks: number;
}

export function ownersOf({ owner, numBlocks }: PoolState): OwnerCount[] {
  const counts = new Map<number, number>();
  for (let block = 0; block < numBlocks; block++) {
    const request = owner[block] ?? -1;
    if (request >= 0) counts.set(request, (counts.get(request) ?? 0) + 1);
  }
  return [...counts]
    .map(([request, blocks]) => ({ request, blocks }))
    .sort((a, b) => b.blocks - a.blocks || a.request - b.request);
}
