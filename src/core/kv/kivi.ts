/**
 * KIVI's residual: which tokens of a sequence are quantized, and where the newest ones wait in f16.
 *
 * Keys are quantized R at a time (per channel, over groups of tokens), so between 0 and R−1 of the newest keys are
 * f16. Values are quantized one token at a time (per token, over groups of channels) as they become older than R.
 * The newest R tokens of a sequence live in a ring, token t at t mod R; once quantized, a token lives in its slot of
 * the pool. Source: KIVI (arXiv:2402.02750), models/llama_kivi.py@876b4d2.
 */
import { groupedBits } from './bytes.ts';

export interface ResidualTokens {
  readonly quantizedKeys: number;
  readonly residualKeys: number;
  readonly quantizedValues: number;
  readonly residualValues: number;
}

/** How a sequence of `tokens` tokens is split under a residual of `residualTokens`. */
export function residualTokens(tokens: number, residualTokens: number): ResidualTokens {
  const quantizedKeys = tokens - (tokens % residualTokens);
  const quantizedValues = Math.max(0, tokens - residualTokens);
  return {
    quantizedKeys,
    residualKeys: tokens - quantizedKeys,
    quantizedValues,
    residualValues: tokens - quantizedValues,
  };
}

export interface KiviShape {
  readonly bits: number;
  readonly group: number;
  readonly residualTokens: number;
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Bytes of one sequence of `tokens` tokens as KIVI counts them: only what is filled, over all layers. */
export function kiviBytes(tokens: number, shape: KiviShape): number {
  const split = residualTokens(tokens, shape.residualTokens);
  const elements = shape.layers * shape.kvHeads * shape.headDim;
  const quantizedBits = (split.quantizedKeys + split.quantizedValues) * groupedBits(shape.bits, shape.group);
  return (elements * (quantizedBits + (split.residualKeys + split.residualValues) * 16)) / 8;
}

/** Shape of the ring buffer of one layer: f16 pairs, u32 [residualSlots][K, V][kvHeads][R][headDim/2]. */
export interface RingShape {
  readonly kvHeads: number;
  readonly headDim: number;
  readonly residualTokens: number;
}

/** Words of one residual slot: one sequence's ring, keys and values. */
export function ringWords({ kvHeads, headDim, residualTokens }: RingShape): number {
  return kvHeads * residualTokens * headDim;
}

/** First word of the row of `token` in a ring buffer. */
export function ringRow(
  shape: RingShape,
  residualSlot: number,
  part: 'k' | 'v',
  head: number,
  token: number,
): number {
  const { kvHeads, headDim, residualTokens } = shape;
  const half = (residualSlot * 2 + (part === 'k' ? 0 : 1)) * kvHeads + head;
  return (half * residualTokens + (token % residualTokens)) * (headDim / 2);
}

/** Tokens that become quantized when a sequence grows from `before` to `after` tokens: half-open ranges. */
export function residualFlush(
  before: number,
  after: number,
  residual: number,
): { readonly keys: readonly [number, number]; readonly values: readonly [number, number] } {
  const [from, to] = [residualTokens(before, residual), residualTokens(after, residual)];
  return { keys: [from.quantizedKeys, to.quantizedKeys], values: [from.quantizedValues, to.quantizedValues] };
}
