/** The block tables that are in use at a moment, by name. Pure. */
import type { HistoryReader } from '../../sim/recorder-reader.ts';
import { requestLetter } from '../../state/walk-words.ts';

export interface NamedTable {
  readonly name: string;
  readonly blocks: readonly number[];
}

export function tablesAt(reader: HistoryReader, moment: number, requests: readonly number[]): NamedTable[] {
  return requests
    .map((request) => ({
      name: requestLetter(request).replace('request ', ''),
      blocks: reader.blocksOf(request, moment),
    }))
    .filter(({ blocks }) => blocks.length > 0);
}
