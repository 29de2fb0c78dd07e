/** Routers by name: which replica a request goes to. Ties go to the replica with the lower number. */
import type { RouterName } from '../core/scenario/simulate/schema.ts';
import type { RequestTable } from '../core/schedule/requests.ts';
import { dynamoLogit } from '../core/schedule/routing.ts';
import type { Route } from './loop.ts';
import type { Replica } from './replica.ts';

function indexOfLeast(replicas: readonly Replica[], cost: (replica: Replica) => number): number {
  let best = 0;
  let least = Infinity;
  replicas.forEach((replica, index) => {
    const value = cost(replica);
    if (value < least) [best, least] = [index, value];
  });
  return best;
}

/** Requests that a replica has not finished. */
export function numOutstanding({ numRunning, numWaiting }: Replica): number {
  return numRunning + numWaiting;
}

export const ROUTERS: Readonly<Record<RouterName, (requests: RequestTable) => Route>> = {
  'round-robin': () => {
    let next = 0;
    return (_request, replicas) => next++ % replicas.length;
  },
  'least-loaded': () => (_request, replicas) => indexOfLeast(replicas, numOutstanding),
  /**
   * Dynamo's cost: blocks of prompt to compute there, and blocks of what is there already or waits. What a lower tier of
   * the replica holds counts as found.
   */
  'prefix-aware':
    ({ promptTokens }) =>
    (request, replicas, nowMs) => {
      const prompt = promptTokens[request] ?? 0;
      return indexOfLeast(replicas, (replica) => {
        const { blockSize } = replica.manager;
        const load = replica.numActiveBlocks + replica.numWaitingTokens / blockSize;
        return dynamoLogit(prompt, blockSize, replica.matchedTokens(request, nowMs) / blockSize, load);
      });
    },
};
