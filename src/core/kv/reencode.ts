/**
 * What a smaller format would give back, in the words of a pool that keeps its own: rows are decoded, encoded in the other
 * format word for word as formats.ts says, decoded, and written back.
 *
 * A pool of f32 then holds exactly the values of the other format; one of f16 or of 8 bits rounds them once more to its own.
 * Boundary: words of blocks that lie side by side, one layer. Which blocks they are is the caller's.
 */
import { decodeRow, encodeKeyGroup, encodeRow, type KvPart } from './encode.ts';
import { kvLayout, tokenGroup, type KvFormat, type KvLayout } from './formats.ts';

/** Slots [from, to) of the words, counted over all blocks. */
export interface SlotRange {
  readonly from: number;
  readonly to: number;
}

/** Slots that a format rounds together: ranges begin and end at multiples of it. */
export function roundedTogether(format: KvFormat, blockSize: number): number {
  return format === 'int2' ? tokenGroup(blockSize) : 1;
}

/**
 * Rounds rows in place.
 * @param words [blocks][layout.blockWords]
 * @throws RangeError where the slots lie outside, or cut a group that the format rounds together
 */
export function reencodeRows(
  words: Uint32Array,
  layout: KvLayout,
  format: KvFormat,
  { from, to }: SlotRange,
): void {
  const { kvHeads, blockSize } = layout.shape;
  const slots = (words.length / layout.blockWords) * blockSize;
  if (from < 0 || to > slots || from > to)
    throw new RangeError(`Slots ${from} to ${to} were asked for; the words hold 0 to ${slots}.`);
  const group = roundedTogether(format, blockSize);
  if (from % group !== 0 || to % group !== 0)
    throw new RangeError(`${format} rounds ${group} slots together; ${from} to ${to} cuts such a group.`);
  const scratch = new Scratch(layout, format);
  for (let head = 0; head < kvHeads; head++) {
    for (let slot = from; slot < to; slot += group) {
      scratch.round(words, 'k', head, slot, group);
      for (let i = 0; i < group; i++) scratch.round(words, 'v', head, slot + i, 1);
    }
  }
}

/** One block of the other format, through which rows go. */
class Scratch {
  readonly #layout: KvLayout;
  readonly #other: KvLayout;
  readonly #words: Uint32Array;

  constructor(layout: KvLayout, format: KvFormat) {
    this.#layout = layout;
    this.#other = kvLayout(format, layout.shape);
    this.#words = new Uint32Array(this.#other.blockWords);
  }

  /** @param count rows from `slot` on that are rounded together */
  round(words: Uint32Array, part: KvPart, head: number, slot: number, count: number): void {
    const other = this.#other;
    const rows = Array.from({ length: count }, (_, i) =>
      decodeRow(words, this.#layout, part, head, slot + i),
    );
    const [first] = rows;
    if (!first) return;
    if (part === 'k' && other.k.params === 'channel')
      encodeKeyGroup(
        this.#words,
        other,
        head,
        0,
        rows.flatMap((row) => [...row]),
      );
    else encodeRow(this.#words, other, part, head, 0, first);
    for (let i = 0; i < count; i++)
      encodeRow(words, this.#layout, part, head, slot + i, decodeRow(this.#words, other, part, head, i));
  }
}
