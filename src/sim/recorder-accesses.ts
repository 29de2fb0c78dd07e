/**
 * The accesses of a recorded run: each block of prompt that a request asked the prefix cache for as it entered the batch,
 * with the step's time and whether the cache had it.
 *
 * A block that was found is a hit; one that had to be filled, a miss, whether it was computed or came from a tier below.
 * Blocks of generated text are asked for by nobody until a later prompt repeats them, so filling them is no access, and
 * neither is a block that holds text nobody can share (an id of −1).
 *
 * Where layers keep unlike, the accesses are those of the first group of layers. Of a window’s hit only the blocks that it
 * needs are asked for, and depths count from the first of them.
 */
import { AccessRecorder, type AccessLog } from '../core/metrics/accesses-log.ts';
import type { RequestTable } from '../core/schedule/requests.ts';
import { EVENT_CODE, type BlockHistory } from './recorder-history.ts';

export function accessLogOf(
  { events, steps, blockSize }: BlockHistory,
  { promptTokens }: Pick<RequestTable, 'promptTokens'>,
): AccessLog {
  const recorder = new AccessRecorder();
  const { kind, block, request, value } = events;
  /** Group of layers of each block that is not of the first. */
  const groups = new Map<number, number>();
  /** Blocks that a request refers to. */
  const held = new Map<number, number>();
  /** Leading blocks of a request that were found or filled since it last entered the batch. */
  const depths = new Map<number, number>();
  let step = 0;
  for (let i = 0; i < kind.length; i++) {
    while ((steps.eventEnd[step] ?? Infinity) <= i) step++;
    const [code, row] = [kind[i], request[i] ?? -1];
    const at = block[i] ?? -1;
    if (code === EVENT_CODE.alloc) {
      if ((value[i] ?? 0) > 0) groups.set(at, value[i] ?? 0);
      else groups.delete(at);
    }
    if ((groups.get(at) ?? 0) > 0) continue;
    if (code === EVENT_CODE.alloc || code === EVENT_CODE.hit) held.set(row, (held.get(row) ?? 0) + 1);
    if (code === EVENT_CODE.free) {
      held.set(row, (held.get(row) ?? 0) - 1);
      // It has given up all of them: the next one that it finds or fills is its first again.
      if (held.get(row) === 0) depths.delete(row);
    }
    if (code !== EVENT_CODE.hit && code !== EVENT_CODE.cache) continue;
    const depth = depths.get(row) ?? 0;
    depths.set(row, depth + 1);
    if (depth >= Math.floor((promptTokens[row] ?? 0) / blockSize)) continue;
    recorder.record(value[i] ?? -1, steps.startMs[step] ?? 0, code === EVENT_CODE.hit, depth);
  }
  return recorder.log('ms');
}
