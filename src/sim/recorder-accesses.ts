/**
 * The accesses of a recorded run: each block of prompt that a request asked the prefix cache for as it entered the batch,
 * with the step's time and whether the cache had it.
 *
 * A block that was found is a hit; one that had to be filled, a miss, whether it was computed or came from a tier below.
 * Blocks of generated text are asked for by nobody until a later prompt repeats them, so filling them is no access, and
 * neither is a block that holds text nobody can share (an id of −1).
 */
import { AccessRecorder, type AccessLog } from '../core/metrics/accesses-log.ts';
import type { RequestTable } from '../core/schedule/requests.ts';
import { EVENT_CODE, type BlockHistory } from './recorder-history.ts';

export function accessLogOf(
  { events, steps, blockSize }: BlockHistory,
  { promptTokens }: Pick<RequestTable, 'promptTokens'>,
): AccessLog {
  const recorder = new AccessRecorder();
  const { kind, request, value } = events;
  /** Leading blocks of a request that were found or filled since it last entered the batch. */
  const depths = new Map<number, number>();
  let step = 0;
  for (let i = 0; i < kind.length; i++) {
    while ((steps.eventEnd[step] ?? Infinity) <= i) step++;
    const [code, row] = [kind[i], request[i] ?? -1];
    // It gives up its blocks: the next one that it is found or fills is its first again.
    if (code === EVENT_CODE.free) depths.delete(row);
    if (code !== EVENT_CODE.hit && code !== EVENT_CODE.cache) continue;
    const depth = depths.get(row) ?? 0;
    depths.set(row, depth + 1);
    if (depth >= Math.floor((promptTokens[row] ?? 0) / blockSize)) continue;
    recorder.record(value[i] ?? -1, steps.startMs[step] ?? 0, code === EVENT_CODE.hit, depth);
  }
  return recorder.log('ms');
}
