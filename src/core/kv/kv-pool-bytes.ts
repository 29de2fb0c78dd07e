/** Bytes of one token by dtype, from a shape: what a pool with a budget in bytes counts with. */
import { FORMAT_BITS, groupedBits, layerBytesPerToken, perTokenHeadBits } from './bytes.ts';
import type { KVDtype, KVPoolShape } from './kv-pool-types.ts';

/** Elements that share a scale and a zero point, as KIVI and this laboratory's own int4 and int2. */
const GROUP = 32;

/** Bits of a stored element of a vector of `headDim`, scales included. */
const DTYPE_BITS: Readonly<Record<KVDtype, (headDim: number) => number>> = {
  f32: () => FORMAT_BITS.f32,
  f16: () => FORMAT_BITS.f16,
  bf16: () => FORMAT_BITS.bf16,
  fp8: () => FORMAT_BITS.fp8,
  q8_0: () => FORMAT_BITS.q8_0,
  q5_0: () => FORMAT_BITS.q5_0,
  q4_0: () => FORMAT_BITS.q4_0,
  int8: perTokenHeadBits,
  int4: () => groupedBits(4, GROUP),
  int2: () => groupedBits(2, GROUP),
};

/** @throws RangeError where a dimension is no whole number of at least 1 */
export function bytesPerTokenOf({
  layers,
  kvHeads,
  headDim,
  valueDim = headDim,
}: KVPoolShape): (dtype: KVDtype) => number {
  for (const [name, value] of Object.entries({ layers, kvHeads, headDim, valueDim })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`shape.${name} is ${value}; a whole number of at least 1 is needed.`);
    }
  }
  return (dtype) =>
    layers *
    layerBytesPerToken({
      kind: 'heads',
      kvHeads,
      keyDim: headDim,
      valueDim,
      keyBits: DTYPE_BITS[dtype](headDim),
      valueBits: DTYPE_BITS[dtype](valueDim),
    });
}
