/**
 * The requests of a trace as a table: cut, sped up, and with block ids at the engine's block size.
 *
 * A trace's ids may stand for more or fewer tokens than the engine's blocks. Ids are chained, so a trace block of 512
 * tokens is 32 engine blocks of 16 known by it, and an engine block of 512 is known by the last of its 32 trace blocks.
 * What requests generated is not in a trace, so their ids end with the prompt.
 */
import type { RequestTable } from '../schedule/requests.ts';
import type { Trace } from './traces/trace.ts';

export interface TraceCut {
  /** Requests from the start; 0: all. */
  readonly requests: number;
  /** Arrival times are divided by this. */
  readonly speed: number;
  readonly blockSize: number;
}

/** Block sizes near `blockSize` at which the ids of a trace can be used. */
function nearestBlockSizes(blockSize: number, traceTokens: number): number[] {
  const fits = (size: number): boolean => traceTokens % size === 0 || size % traceTokens === 0;
  let below = Math.min(blockSize, 4096);
  while (!fits(below)) below--;
  let above = blockSize;
  while (!fits(above)) above++;
  return [below, above];
}

/** Why a trace's block ids can't be used at a block size, or null. */
export function blockSizeContradiction(trace: Trace, blockSize: number): string | null {
  const tokens = trace.blockTokens;
  if (tokens === null || tokens % blockSize === 0 || blockSize % tokens === 0) return null;
  return (
    `engine.blockSize is ${blockSize}, which neither divides nor is a multiple of the ${tokens} tokens that an id of ` +
    `the trace stands for; use ${nearestBlockSizes(blockSize, tokens).join(' or ')}.`
  );
}

/** @throws RangeError where the block sizes do not go together */
export function requestsOfTrace(trace: Trace, { requests, speed, blockSize }: TraceCut): RequestTable {
  const sentence = blockSizeContradiction(trace, blockSize);
  if (sentence !== null) throw new RangeError(sentence);
  const rows = requests === 0 ? trace.requests : trace.requests.slice(0, requests);
  const size = rows.length;
  return {
    size,
    arrivalMs: Float64Array.from(rows, ({ arrivalSeconds }) => (arrivalSeconds * 1000) / speed),
    after: new Int32Array(size).fill(-1),
    promptTokens: Int32Array.from(rows, ({ promptTokens }) => promptTokens),
    // An engine gives one token at least.
    outputTokens: Int32Array.from(rows, ({ outputTokens }) => Math.max(1, outputTokens)),
    priority: new Uint8Array(size),
    ...idsOfTrace(rows, trace.blockTokens ?? blockSize, blockSize),
  };
}

function idsOfTrace(
  rows: Trace['requests'],
  traceTokens: number,
  blockSize: number,
): Pick<RequestTable, 'blockStart' | 'blockIds'> {
  const parts = Math.max(1, traceTokens / blockSize);
  const merged = Math.max(1, blockSize / traceTokens);
  const blockStart = new Int32Array(rows.length + 1);
  rows.forEach(({ promptTokens, blockIds }, row) => {
    const full = Math.floor(promptTokens / blockSize);
    const known = Math.min(full, Math.floor(blockIds.length / merged) * parts);
    blockStart[row + 1] = (blockStart[row] ?? 0) + known;
  });
  const ids = new Int32Array(blockStart[rows.length] ?? 0);
  // Ids of files are any whole numbers: they are numbered anew, so that their parts fit 32 bits.
  const numbers = new Map<number, number>();
  rows.forEach(({ blockIds }, row) => {
    const start = blockStart[row] ?? 0;
    const count = (blockStart[row + 1] ?? 0) - start;
    for (let i = 0; i < count; i++) {
      const traceBlock = parts > 1 ? Math.floor(i / parts) : (i + 1) * merged - 1;
      const id = blockIds[traceBlock] ?? -1;
      let number = numbers.get(id);
      if (number === undefined) numbers.set(id, (number = numbers.size));
      ids[start + i] = number * parts + (parts > 1 ? i % parts : 0);
    }
  });
  return { blockStart, blockIds: ids };
}
