/**
 * Groups of layers that keep alike, as the block manager sees them: tokens of a block, and which blocks of a sequence a
 * group still needs.
 *
 * Boundary: counts of one group. How a model's layers become groups is in hybrid.ts; who has which block is in
 * block-manager.ts. (vLLM v1/core/single_type_kv_cache_manager.py@002f349: one manager for each kind)
 */
import { blocksForTokens, slidingWindowFreeableBlocks } from './bytes.ts';

/** Which tokens of a sequence its next token still needs. */
export type Keeps =
  | { readonly kind: 'all' }
  /** The newest `tokens`, the next one itself among them. */
  | { readonly kind: 'window'; readonly tokens: number }
  /** Those of the same chunk of positions. */
  | { readonly kind: 'chunk'; readonly tokens: number }
  /** No tokens but a state: one block, whatever the length. */
  | { readonly kind: 'state' };

export interface BlockGroup {
  readonly keeps: Keeps;
  /** Tokens of a block: a whole multiple of the engine's. */
  readonly blockSize: number;
}

/** One group that keeps every token: all models whose layers are alike. */
export function uniformGroup(blockSize: number): BlockGroup {
  return { keeps: { kind: 'all' }, blockSize };
}

/** Blocks of `tokens` tokens from the first on, those that are gone among them. */
export function spannedBlocks({ keeps, blockSize }: BlockGroup, tokens: number): number {
  if (keeps.kind === 'state') return tokens > 0 ? 1 : 0;
  return blocksForTokens(tokens, blockSize);
}

/** Leading blocks that no later token sees once `computed` tokens are computed. */
export function goneBlocks({ keeps, blockSize }: BlockGroup, computed: number): number {
  switch (keeps.kind) {
    case 'all':
    case 'state':
      return 0;
    case 'window':
      return slidingWindowFreeableBlocks(computed, keeps.tokens, blockSize);
    case 'chunk':
      return Math.floor((Math.floor(computed / keeps.tokens) * keeps.tokens) / blockSize);
    default:
      return keeps satisfies never;
  }
}

/**
 * Most blocks that a sequence of `tokens` tokens holds at any moment, `stepTokens` of prompt at a time: what left the
 * window goes before the next step's tokens come.
 */
export function peakBlocks(group: BlockGroup, tokens: number, stepTokens: number): number {
  const { keeps, blockSize } = group;
  const all = spannedBlocks(group, tokens);
  if (keeps.kind === 'window') {
    // One more because the window may start inside of a block.
    return Math.min(all, blocksForTokens(keeps.tokens - 1 + stepTokens, blockSize) + 1);
  }
  if (keeps.kind === 'chunk') return Math.min(all, blocksForTokens(keeps.tokens + stepTokens, blockSize));
  return all;
}

/** Most blocks that a sequence of `tokens` tokens holds at any moment over all groups. */
export function heldBlocks(groups: readonly BlockGroup[], tokens: number, stepTokens: number): number {
  return groups.reduce((sum, group) => sum + peakBlocks(group, tokens, stepTokens), 0);
}

/** The longest sequence, up to `most` tokens, that `numBlocks` blocks hold: by halving, as blocks never fall with it. */
export function longestHeld(
  groups: readonly BlockGroup[],
  numBlocks: number,
  stepTokens: number,
  most: number,
): number {
  let [fits, tooLong] = [0, most + 1];
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2);
    if (heldBlocks(groups, middle, stepTokens) <= numBlocks) fits = middle;
    else tooLong = middle;
  }
  return fits;
}

/** Tokens after which something happens to a decoding sequence: when computed ≡ remainder modulo period. */
export interface TickPhase {
  readonly period: number;
  readonly remainder: number;
  /** A block may leave a window then, and not only one be needed. */
  readonly leaves: boolean;
}

/** When a sequence that decodes needs a block or gives one up, in any of the groups; the same phase once. */
export function tickPhases(groups: readonly BlockGroup[]): TickPhase[] {
  const phases = groups.flatMap(({ keeps, blockSize }): TickPhase[] => {
    if (keeps.kind === 'state') return [];
    const grows = { period: blockSize, remainder: 0, leaves: false };
    if (keeps.kind === 'window') {
      return [grows, { period: blockSize, remainder: (keeps.tokens - 1) % blockSize, leaves: true }];
    }
    if (keeps.kind === 'chunk') {
      const whole = keeps.tokens % blockSize === 0;
      return [grows, { period: whole ? blockSize : keeps.tokens, remainder: 0, leaves: true }];
    }
    return [grows];
  });
  const once = new Map<string, TickPhase>();
  for (const phase of phases) {
    const key = `${phase.period} ${phase.remainder}`;
    if (phase.leaves || !once.has(key)) once.set(key, phase);
  }
  return [...once.values()];
}
