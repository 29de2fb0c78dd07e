/** Twin of the int2 append: the pool and the rings of the sequences after a step. */
import { encodeKeyGroup, encodeRow } from '../../core/kv/encode.ts';
import type { KvLayout } from '../../core/kv/formats.ts';
import { residualFlush, ringRow } from '../../core/kv/kivi.ts';
import { f16Value, packF16Pair, roundToF16 } from '../../core/kv/small-float.ts';

export interface ResidualAppendInput {
  /** [tokens][kvHeads][headDim], the sequences one after the other. */
  readonly key: ArrayLike<number>;
  readonly value: ArrayLike<number>;
  /** [batch][tableStride] */
  readonly blockTable: ArrayLike<number>;
  readonly tableStride: number;
  /** [batch + 1] */
  readonly queryStarts: ArrayLike<number>;
  /** [batch], after the append; 0: inactive. */
  readonly contextLengths: ArrayLike<number>;
  readonly residualSlots: ArrayLike<number>;
  readonly residualTokens: number;
}

type Row = (part: 'k' | 'v', head: number, token: number) => number[];

/** Writes into `pool` and `ring` in place. */
export function residualAppendTwin(
  pool: Uint32Array,
  ring: Uint32Array,
  layout: KvLayout,
  input: ResidualAppendInput,
): void {
  for (let sequence = 0; sequence < input.contextLengths.length; sequence++) {
    appendSequence(pool, ring, layout, input, sequence);
  }
}

function appendSequence(
  pool: Uint32Array,
  ring: Uint32Array,
  layout: KvLayout,
  input: ResidualAppendInput,
  sequence: number,
): void {
  const { kvHeads, headDim, blockSize } = layout.shape;
  const shape = { kvHeads, headDim, residualTokens: input.residualTokens };
  const after = input.contextLengths[sequence] ?? 0;
  const first = input.queryStarts[sequence] ?? 0;
  const added = (input.queryStarts[sequence + 1] ?? 0) - first;
  if (after === 0 || added === 0) return;
  const before = after - added;
  const ringAt = (part: 'k' | 'v', head: number, token: number) =>
    ringRow(shape, input.residualSlots[sequence] ?? 0, part, head, token);
  const fresh: Row = (part, head, token) => {
    const at = ((first + token - before) * kvHeads + head) * headDim;
    const source = part === 'k' ? input.key : input.value;
    return Array.from({ length: headDim }, (_, c) => roundToF16(source[at + c] ?? 0));
  };
  const row: Row = (part, head, token) =>
    token >= before ? fresh(part, head, token) : readRingRow(ring, ringAt(part, head, token), headDim);
  const slotOf = (token: number) =>
    (input.blockTable[sequence * input.tableStride + Math.floor(token / blockSize)] ?? 0) * blockSize +
    (token % blockSize);

  const flush = residualFlush(before, after, input.residualTokens);
  const { group } = layout.k;
  for (let head = 0; head < kvHeads; head++) {
    for (let token = flush.keys[0]; token < flush.keys[1]; token += group) {
      const rows = Array.from({ length: group }, (_, t) => row('k', head, token + t)).flat();
      encodeKeyGroup(pool, layout, head, slotOf(token), rows);
    }
    for (let token = flush.values[0]; token < flush.values[1]; token++) {
      encodeRow(pool, layout, 'v', head, slotOf(token), row('v', head, token));
    }
    for (let token = Math.max(before, after - input.residualTokens); token < after; token++) {
      writeRingRow(ring, ringAt('k', head, token), fresh('k', head, token));
      writeRingRow(ring, ringAt('v', head, token), fresh('v', head, token));
    }
  }
}

/** The values of one ring row. */
export function readRingRow(ring: Uint32Array, at: number, headDim: number): number[] {
  return Array.from({ length: headDim }, (_, c) => {
    const word = ring[at + (c >> 1)] ?? 0;
    return f16Value(c % 2 === 0 ? word & 0xffff : word >>> 16);
  });
}

function writeRingRow(ring: Uint32Array, at: number, values: readonly number[]): void {
  for (let c = 0; c < values.length; c += 2)
    ring[at + c / 2] = packF16Pair(values[c] ?? 0, values[c + 1] ?? 0);
}
