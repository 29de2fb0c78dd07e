/**
 * The blocks that a workload asks a prefix cache for, as a log of accesses: each request's full prompt blocks from head
 * to tail, in the order of the table. What nobody shares is asked for once, and takes its room in a cache all the same.
 *
 * Boundary: of the workload alone. When a request starts, and what it leaves behind, is the engine's business; a hit
 * here is a block that was asked for before.
 */
import type { AccessLog } from '../metrics/accesses-log.ts';
import type { RequestTable } from '../schedule/requests.ts';

/** @param maxAccesses later requests are left out, so that a long workload is judged by its beginning */
export function promptAccesses(requests: RequestTable, blockSize: number, maxAccesses: number): AccessLog {
  const rows = rowsWithin(requests, blockSize, maxAccesses);
  const size = rows.reduce((sum, { blocks }) => sum + blocks, 0);
  const [block, depth] = [new Int32Array(size), new Int32Array(size)];
  const [time, hit] = [new Float64Array(size), new Uint8Array(size)];
  const numbers = new Map<number, number>();
  let [at, count] = [0, 0];
  for (const { row, blocks } of rows) {
    const start = requests.blockStart[row] ?? 0;
    const known = (requests.blockStart[row + 1] ?? 0) - start;
    for (let i = 0; i < blocks; i++, at++) {
      const id = i < known ? requests.blockIds[start + i] : undefined;
      const before = id === undefined ? undefined : numbers.get(id);
      const number = before ?? count++;
      if (id !== undefined && before === undefined) numbers.set(id, number);
      block[at] = number;
      depth[at] = i;
      hit[at] = before === undefined ? 0 : 1;
      time[at] = requests.arrivalMs[row] ?? 0;
    }
  }
  return {
    block,
    depth,
    time,
    hit,
    names: Array.from({ length: count }, (_, i) => String(i)),
    timeUnit: 'ms',
  };
}

function rowsWithin({ size, promptTokens }: RequestTable, blockSize: number, maxAccesses: number) {
  const rows: { row: number; blocks: number }[] = [];
  let accesses = 0;
  for (let row = 0; row < size; row++) {
    const blocks = Math.floor((promptTokens[row] ?? 0) / blockSize);
    if (accesses + blocks > maxAccesses) break;
    accesses += blocks;
    rows.push({ row, blocks });
  }
  return rows;
}
