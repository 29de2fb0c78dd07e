/**
 * Cuts prefill work into dispatches of bounded size: a dispatch that runs long freezes the desktop that shares the GPU,
 * and some systems reset the device after two seconds.
 *
 * A slice takes query tokens of every sequence and a range of kv heads. Tokens are cut first, in whole tiles; heads
 * only where one tile of tokens is still too much.
 */

export interface PrefillSlice {
  /** Tokens [firstToken, firstToken + tokens) of each sequence's queries. */
  readonly firstToken: number;
  readonly tokens: number;
  readonly firstHead: number;
  readonly heads: number;
}

export interface PrefillWork {
  /** Query tokens of one tile; slices begin at multiples of it. */
  readonly tileTokens: number;
  readonly kvHeads: number;
  /** Multiply-adds of one query token with one key, over one query group. */
  readonly macsPerTokenHeadKey: number;
  readonly batch: number;
  readonly maxQueryTokens: number;
  readonly maxContextTokens: number;
  /** Multiply-adds of one dispatch. Never exceeded, unless one tile of one head in all sequences is already more. */
  readonly maxDispatchMacs: number;
}

/** Counts every key up to each query's own position: an upper bound, exact for the longest sequence in each place. */
export function prefillSlices(work: PrefillWork): PrefillSlice[] {
  const { tileTokens, kvHeads, maxQueryTokens, maxContextTokens, maxDispatchMacs } = work;
  const tileMacs = work.batch * tileTokens * maxContextTokens * work.macsPerTokenHeadKey;
  const tiles = Math.ceil(maxQueryTokens / tileTokens);
  const headTiles = Math.max(1, Math.floor(maxDispatchMacs / tileMacs));
  const tilesPerSlice = Math.min(tiles, Math.max(1, Math.floor(headTiles / kvHeads)));
  const headsPerSlice = Math.min(kvHeads, headTiles);
  const slices: PrefillSlice[] = [];
  for (let firstToken = 0; firstToken < maxQueryTokens; firstToken += tilesPerSlice * tileTokens) {
    const tokens = Math.min(tilesPerSlice * tileTokens, maxQueryTokens - firstToken);
    for (let firstHead = 0; firstHead < kvHeads; firstHead += headsPerSlice) {
      slices.push({ firstToken, tokens, firstHead, heads: Math.min(headsPerSlice, kvHeads - firstHead) });
    }
  }
  return slices;
}
