/** Who gives up its blocks: the last of the batch; under priorities the least important. */
import type { RowList } from './row-list.ts';
import type { Sequences } from './sequences.ts';

/** Of the running rows from `first` on the one of least priority; of several the one that arrived last. */
export function leastImportant(running: RowList, sequences: Sequences, first: number): number {
  const { priority } = sequences.requests;
  let victim = first;
  for (let row = first; row >= 0; row = running.after(row)) {
    const [a, b] = [priority[row] ?? 0, priority[victim] ?? 0];
    if (a < b || (a === b && sequences.arrival(row) > sequences.arrival(victim))) victim = row;
  }
  return victim;
}
