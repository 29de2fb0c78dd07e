/** Padding of heads to the dimension that the cache keeps them in, and back. */

export interface HeadWidths {
  /** Channels of a head in the file. */
  readonly from: number;
  /** Channels of a head on the GPU. */
  readonly to: number;
}

/** Zeros behind the channels of each head. */
export function padHeads(values: Float32Array, { from, to }: HeadWidths): Float32Array {
  const heads = values.length / from;
  const out = new Float32Array(heads * to);
  for (let head = 0; head < heads; head++)
    out.set(values.subarray(head * from, (head + 1) * from), head * to);
  return out;
}

/** The channels without the padding. */
export function cutHeads(values: Float32Array, { from, to }: HeadWidths): Float32Array {
  const heads = values.length / to;
  const out = new Float32Array(heads * from);
  for (let head = 0; head < heads; head++) {
    out.set(values.subarray(head * to, head * to + from), head * from);
  }
  return out;
}
