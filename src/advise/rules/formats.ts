/** Bits of a stored number with its scales, of heads of 128: what the same bytes hold in another format. */
import type { SimEngine } from '../../core/scenario/simulate/schema.ts';

const BITS: Readonly<Record<SimEngine['kvFormat'], number>> = {
  bf16: 16,
  fp8: 8,
  // A scale of four bytes for each head and token.
  int8: 8.25,
  int4: 4.5,
  int2: 3,
};

export function kvFormatBits(format: SimEngine['kvFormat']): number {
  return BITS[format];
}
