/**
 * Element types of weights in files, and their values as f32.
 *
 * Q8_0 and Q4_0 are ggml's blocks of 32 values along a row: f16 scale d, then 32 signed bytes, or 16 bytes of nibbles with
 * element j in the low and j + 16 in the high half of byte j; Q4_1 has a minimum behind its scale; Q6_K, in which files
 * "in Q4_0" keep their output matrix, has blocks of 256 with 16 scales of their own (ggml-quants.c, MIT). All little
 * endian.
 */
import { f16Value } from '../../core/kv/small-float.ts';

export const TENSOR_TYPES = ['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0', 'Q4_1', 'Q6_K'] as const;
export type TensorType = (typeof TENSOR_TYPES)[number];

/** Values of a block and its bytes; a plain element is a block of one. */
export const TYPE_BLOCKS: Record<TensorType, { readonly values: number; readonly bytes: number }> = {
  F32: { values: 1, bytes: 4 },
  F16: { values: 1, bytes: 2 },
  BF16: { values: 1, bytes: 2 },
  Q8_0: { values: 32, bytes: 34 },
  Q4_0: { values: 32, bytes: 18 },
  Q4_1: { values: 32, bytes: 20 },
  Q6_K: { values: 256, bytes: 210 },
};

/** Bytes of `values` elements. */
export function typeBytes(type: TensorType, values: number): number {
  const block = TYPE_BLOCKS[type];
  return (values / block.values) * block.bytes;
}

let halves: Float32Array | null = null;
/** Value of each of the 65,536 halves: a lookup is many times faster than taking the bits apart. */
export function halfTable(): Float32Array {
  halves ??= Float32Array.from({ length: 65536 }, (_, bits) => f16Value(bits));
  return halves;
}

function halfAt(bytes: Uint8Array, at: number): number {
  return halfTable()[(bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)] ?? 0;
}

type Decoder = (bytes: Uint8Array, out: Float32Array) => void;

/** Elements may start at any byte of a file, so views of wider types need a copy where they are not aligned. */
function aligned(bytes: Uint8Array, size: number): Uint8Array {
  return bytes.byteOffset % size === 0 ? bytes : bytes.slice();
}

function words16(bytes: Uint8Array): Uint16Array {
  const at = aligned(bytes, 2);
  return new Uint16Array(at.buffer, at.byteOffset, at.byteLength >> 1);
}

const DECODERS: Record<TensorType, Decoder> = {
  F32: (bytes, out) => {
    const at = aligned(bytes, 4);
    out.set(new Float32Array(at.buffer, at.byteOffset, out.length));
  },
  F16: (bytes, out) => {
    const table = halfTable();
    const words = words16(bytes);
    for (let i = 0; i < out.length; i++) out[i] = table[words[i] ?? 0] ?? 0;
  },
  BF16: (bytes, out) => {
    const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
    const words = words16(bytes);
    for (let i = 0; i < out.length; i++) bits[i] = (words[i] ?? 0) << 16;
  },
  Q8_0: (bytes, out) => {
    const codes = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let block = 0, at = 0; at < out.length; block += 34) {
      const scale = halfAt(bytes, block);
      for (let j = 0; j < 32; j++) out[at++] = (codes[block + 2 + j] ?? 0) * scale;
    }
  },
  Q4_0: (bytes, out) => {
    for (let block = 0, at = 0; at < out.length; block += 18, at += 32) {
      const scale = halfAt(bytes, block);
      for (let j = 0; j < 16; j++) {
        const pair = bytes[block + 2 + j] ?? 0;
        out[at + j] = ((pair & 15) - 8) * scale;
        out[at + j + 16] = ((pair >> 4) - 8) * scale;
      }
    }
  },
  Q4_1: (bytes, out) => {
    for (let block = 0, at = 0; at < out.length; block += 20, at += 32) {
      const [scale, least] = [halfAt(bytes, block), halfAt(bytes, block + 2)];
      for (let j = 0; j < 16; j++) {
        const pair = bytes[block + 4 + j] ?? 0;
        out[at + j] = (pair & 15) * scale + least;
        out[at + j + 16] = (pair >> 4) * scale + least;
      }
    }
  },
  Q6_K: (bytes, out) => {
    for (let block = 0, at = 0; at < out.length; block += 210, at += 256) {
      decodeQ6K(bytes.subarray(block, block + 210), out.subarray(at, at + 256));
    }
  },
};

/** 128 bytes of low nibbles, 64 of pairs of high bits, 16 scales of 8 bits, and the scale of those. */
function decodeQ6K(block: Uint8Array, out: Float32Array): void {
  const scale = halfAt(block, 208);
  const scales = new Int8Array(block.buffer, block.byteOffset + 192, 16);
  for (let i = 0; i < 256; i++) {
    // Each half of 128 is four runs of 32; run r takes its high bits from bits 2r, runs 2 and 3 the upper nibbles.
    const [half, run, l] = [i >> 7, (i >> 5) & 3, i & 31];
    const nibbles = block[half * 64 + (run & 1) * 32 + l] ?? 0;
    const low = run < 2 ? nibbles & 15 : nibbles >> 4;
    const high = ((block[128 + half * 32 + l] ?? 0) >> (2 * run)) & 3;
    out[i] = ((low | (high << 4)) - 32) * scale * (scales[i >> 4] ?? 0);
  }
}

/** The values of `bytes`, whole blocks of them. */
export function decodeValues(type: TensorType, bytes: Uint8Array, values: number): Float32Array {
  const out = new Float32Array(values);
  DECODERS[type](bytes, out);
  return out;
}
