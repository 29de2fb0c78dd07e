/** Twin of the dequantize kernel. */
import { decodeRow } from '../../core/kv/encode.ts';
import type { KvLayout } from '../../core/kv/formats.ts';
import { ringRow } from '../../core/kv/kivi.ts';
import { readRingRow } from './append-residual.twin.ts';

export interface DequantizeInput {
  readonly pool: Uint32Array;
  readonly slots: ArrayLike<number>;
  /** int2: the rings, and per token [K, V] the ring row or −1. */
  readonly residual?: {
    readonly ring: Uint32Array;
    readonly rows: ArrayLike<number>;
    readonly residualTokens: number;
  };
}

/** Fills `key` and `value`, [tokens][kvHeads][headDim], where there is a row to read. */
export function dequantizeTwin(
  layout: KvLayout,
  { pool, slots, residual }: DequantizeInput,
  key: Float64Array,
  value: Float64Array,
): void {
  const { kvHeads, headDim } = layout.shape;
  const read = (part: 'k' | 'v', head: number, token: number): ArrayLike<number> | null => {
    const row = residual?.rows[token * 2 + (part === 'k' ? 0 : 1)] ?? -1;
    if (residual && row >= 0) {
      const { residualTokens } = residual;
      const slot = Math.floor(row / residualTokens);
      const at = ringRow({ kvHeads, headDim, residualTokens }, slot, part, head, row % residualTokens);
      return readRingRow(residual.ring, at, headDim);
    }
    const slot = slots[token] ?? -1;
    return slot < 0 ? null : decodeRow(pool, layout, part, head, slot);
  };
  for (let token = 0; token < slots.length; token++) {
    for (let head = 0; head < kvHeads; head++) {
      const at = (token * kvHeads + head) * headDim;
      key.set(read('k', head, token) ?? [], at);
      value.set(read('v', head, token) ?? [], at);
    }
  }
}
