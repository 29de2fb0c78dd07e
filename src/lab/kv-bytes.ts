/** Bytes that hold a context's K and V in one layer, where they really lie: for int2 partly in an f16 ring. */
import type { KvLayout } from '../core/kv/formats.ts';
import { residualTokens, ringWords } from '../core/kv/kivi.ts';

/** @param ringTokens tokens of the int2 ring; unused by other formats */
export function contextBytes(layout: KvLayout, ringTokens: number, tokens: number): number {
  const { format, shape, blockBytes, k, v } = layout;
  const { blockSize, kvHeads, headDim } = shape;
  if (format !== 'int2') return (tokens * blockBytes) / blockSize;
  const split = residualTokens(tokens, ringTokens);
  const packed = split.quantizedKeys * k.regionWords + split.quantizedValues * v.regionWords;
  const recent = split.residualKeys + split.residualValues;
  return kvHeads * ((packed * 4) / blockSize + recent * headDim * 2);
}

/** Bytes of one sequence's ring in one layer; 0 but for int2. */
export function ringBytes({ format, shape }: KvLayout, ringTokens: number): number {
  const { kvHeads, headDim } = shape;
  return format === 'int2' ? ringWords({ kvHeads, headDim, residualTokens: ringTokens }) * 4 : 0;
}
