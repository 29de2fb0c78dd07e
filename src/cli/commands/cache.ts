/**
 * `kvlab cache`: a recorded trace replayed through one eviction policy. Requests with block ids count the leading
 * blocks that a prefix cache of N blocks would have held; objects with sizes count against N bytes.
 */
import {
  infinitePrefixReuse,
  prefixReuse,
  recomputeCost,
  REPLAY_POLICY_NAMES,
  replayColumns,
  replayPolicy,
  SizedTraceReader,
  TraceError,
  TraceReader,
  type ReplayPolicyName,
  type Trace,
} from '../../index.ts';
import { InputError } from '../errors.ts';
import { wholeNumber } from '../numbers.ts';
import { eachLine } from '../read.ts';
import { table } from '../tables.ts';
import type { CommandContext, Outcome } from './command.ts';

interface Answer {
  readonly policy: ReplayPolicyName;
  readonly capacity: { readonly unit: 'blocks' | 'bytes'; readonly value: number };
  /** Requests of the trace; for objects with sizes, its accesses. */
  readonly requests: number;
  /** Blocks, or objects, that were asked for: hits + misses. */
  readonly blocks: number;
  readonly hits: number;
  readonly misses: number;
  readonly hitRatio: number;
  /** Hits of a cache that forgets nothing, over `blocks`. */
  readonly unboundedHitRatio: number;
  /** Bytes found over bytes asked for; objects with sizes only. */
  readonly byteHitRatio?: number;
}

const MAX_BLOCKS = 2 ** 31 - 1;

export function cache({ invocation, terminal, write }: CommandContext): Outcome {
  const { trace, blocks, bytes } = invocation;
  if (trace === null)
    throw new InputError('cache needs --trace FILE: requests with block ids, or objects with --bytes.');
  const policy = policyOf(invocation.policy ?? 'lru');
  if ((blocks === null) === (bytes === null)) {
    throw new InputError(
      'cache needs one capacity: --blocks N for requests with block ids, --bytes N for objects.',
    );
  }
  const answer =
    blocks !== null
      ? replayRequests(trace, policy, wholeNumber('--blocks', blocks, 1, MAX_BLOCKS))
      : replayObjects(trace, policy, wholeNumber('--bytes', bytes ?? '', 1, Number.MAX_SAFE_INTEGER));
  const json = `${JSON.stringify(answer)}\n`;
  write?.('cache.json', json);
  terminal.answer(invocation.json ? json : textOf(answer));
  return 'done';
}

function policyOf(name: string): ReplayPolicyName {
  const known = REPLAY_POLICY_NAMES.find((policy) => policy === name);
  if (known !== undefined) return known;
  throw new InputError(
    `There is no eviction policy “${name.slice(0, 40)}”; there are ${REPLAY_POLICY_NAMES.join(', ')}.`,
  );
}

function replayRequests(path: string, policy: ReplayPolicyName, capacity: number): Answer {
  const trace = read(path, new TraceReader());
  const keys = blockIdsOf(trace, path);
  const reuse = prefixReuse(
    trace.requests,
    replayPolicy(policy, capacity, keys),
    capacity,
    recomputeCost(trace.blockTokens ?? 1),
  );
  return {
    policy,
    capacity: { unit: 'blocks', value: capacity },
    requests: trace.requests.length,
    blocks: reuse.blocks,
    hits: reuse.hitBlocks,
    misses: reuse.blocks - reuse.hitBlocks,
    hitRatio: reuse.hitRatio,
    unboundedHitRatio: infinitePrefixReuse(trace.requests).hitRatio,
  };
}

function blockIdsOf({ requests }: Trace, path: string): Float64Array {
  const length = requests.reduce((sum, { blockIds }) => sum + blockIds.length, 0);
  if (length === 0) {
    throw new InputError(
      `${path} has no block ids, so no prefix can be found in it; name a trace with hash_ids.`,
    );
  }
  const keys = new Float64Array(length);
  let at = 0;
  for (const { blockIds } of requests) {
    keys.set(blockIds, at);
    at += blockIds.length;
  }
  return keys;
}

function replayObjects(path: string, policy: ReplayPolicyName, capacity: number): Answer {
  const { keys, sizes, numObjects } = read(path, new SizedTraceReader());
  const { hits, misses, hitBitmap } = replayColumns(replayPolicy(policy, capacity, keys), capacity, {
    keys,
    sizes,
  });
  let [bytes, hitBytes] = [0, 0];
  sizes.forEach((size, at) => {
    bytes += size;
    if (hitBitmap[at] === 1) hitBytes += size;
  });
  return {
    policy,
    capacity: { unit: 'bytes', value: capacity },
    requests: keys.length,
    blocks: keys.length,
    hits,
    misses,
    hitRatio: hits / keys.length,
    unboundedHitRatio: (keys.length - numObjects) / keys.length,
    byteHitRatio: hitBytes / bytes,
  };
}

interface LineReader<T> {
  push(line: string): void;
  finish(): T;
}

/** @throws InputError that names the file, the line and the reason */
function read<T>(path: string, reader: LineReader<T>): T {
  try {
    eachLine(path, 'a trace', (line) => reader.push(line));
    return reader.finish();
  } catch (error) {
    throw error instanceof TraceError ? new InputError(`${path}: ${error.message}`) : error;
  }
}

function textOf(answer: Answer): string {
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  const { policy, capacity, requests, blocks, hits, misses } = answer;
  return table([
    ['policy', policy],
    ['capacity', `${capacity.value} ${capacity.unit}`],
    ['requests', String(requests)],
    [capacity.unit === 'bytes' ? 'objects asked for' : 'blocks asked for', String(blocks)],
    ['hits', String(hits)],
    ['misses', String(misses)],
    ['hit ratio', percent(answer.hitRatio)],
    ['with room for all', percent(answer.unboundedHitRatio)],
    ...(answer.byteHitRatio === undefined ? [] : [['byte hit ratio', percent(answer.byteHitRatio)]]),
  ]);
}
