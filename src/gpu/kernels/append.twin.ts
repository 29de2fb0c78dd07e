/** Twin of the append kernel: the same words, from doubles, one row after the other. */
import { encodeRow } from '../../core/kv/encode.ts';
import type { KvLayout } from '../../core/kv/formats.ts';

export interface AppendInput {
  /** [tokens][kvHeads][headDim] */
  readonly key: ArrayLike<number>;
  readonly value: ArrayLike<number>;
  /** [tokens]; −1 skips */
  readonly slots: ArrayLike<number>;
}

/** Writes the rows into `pool` (u32 words of whole blocks). */
export function appendTwin(pool: Uint32Array, layout: KvLayout, { key, value, slots }: AppendInput): void {
  const { kvHeads, headDim } = layout.shape;
  for (let token = 0; token < slots.length; token++) {
    const slot = slots[token] ?? -1;
    if (slot < 0) continue;
    for (let head = 0; head < kvHeads; head++) {
      encodeRow(pool, layout, 'k', head, slot, rowOf(key, token * kvHeads + head, headDim));
      encodeRow(pool, layout, 'v', head, slot, rowOf(value, token * kvHeads + head, headDim));
    }
  }
}

/** Row i of a dense [rows][width] array. */
export function rowOf(values: ArrayLike<number>, i: number, width: number): number[] {
  return Array.from({ length: width }, (_, c) => values[i * width + c] ?? 0);
}
