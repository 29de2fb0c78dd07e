/** Twin of the embedding kernel. */
import { FROM_SLOT } from './transformer-config.ts';

export interface EmbedInput {
  /** [vocab][hidden] */
  readonly table: ArrayLike<number>;
  readonly hidden: number;
  /** [positions][hidden] */
  readonly positionTable?: ArrayLike<number>;
  readonly ids: ArrayLike<number>;
  readonly lastTokens: ArrayLike<number>;
  readonly positions: ArrayLike<number>;
}

/** [tokens][hidden] */
export function embedTwin({
  table,
  hidden,
  positionTable,
  ids,
  lastTokens,
  positions,
}: EmbedInput): Float64Array {
  const vocab = table.length / hidden;
  return Float64Array.from({ length: ids.length * hidden }, (_, i) => {
    const token = Math.floor(i / hidden);
    const word = ids[token] ?? 0;
    const id = word >= FROM_SLOT ? (lastTokens[word - FROM_SLOT] ?? 0) : word;
    const value = id < vocab ? (table[id * hidden + (i % hidden)] ?? 0) : 0;
    return value + (positionTable?.[(positions[token] ?? 0) * hidden + (i % hidden)] ?? 0);
  });
}
