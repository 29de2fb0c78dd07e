/**
 * From ranges of tokens to blocks: which block of a sequence stands at which place of its table, which of them an action
 * touches, and what follows from where all of them lie.
 *
 * Boundary: the book read as blocks. It changes nothing.
 */
import type { KvBook } from '../book/book.ts';
import type { RangeAction } from '../book/range.ts';

export interface PlacedBlock {
  /** Number in the sequence. */
  readonly block: number;
  /** Place in its table. */
  readonly place: number;
}

export class BlockTables {
  readonly #book: KvBook;
  readonly #blockSize: number;

  constructor(book: KvBook, blockSize: number) {
    this.#book = book;
    this.#blockSize = blockSize;
  }

  /** Numbers of the blocks on the GPU, in the order of the table. */
  resident(name: string): number[] {
    const size = this.#blockSize;
    return this.#book.parts(name).flatMap(({ from, to, tier }) => {
      const first = Math.floor(from / size);
      const count = tier === 'hbm' ? Math.ceil(to / size) - first : 0;
      return Array.from({ length: count }, (_, i) => first + i);
    });
  }

  /** Places of blocks in the table as it is when those that come are among them. */
  placesWith(name: string, coming: readonly number[]): number[] {
    const others = this.resident(name).filter((block) => !coming.includes(block));
    const table = [...others, ...coming].sort((a, b) => a - b);
    return coming.map((block) => table.indexOf(block));
  }

  /** Blocks on the GPU that an action does something to. */
  touched(action: RangeAction): PlacedBlock[] {
    if (action.kind === 'fetch') return [];
    const size = this.#blockSize;
    const target = action.kind === 'quantize' ? this.#book.bytesPerToken(action.format) : -1;
    const changes = this.#book
      .parts(action.sequence)
      .filter(({ tier, format }) => tier === 'hbm' && this.#book.bytesPerToken(format) > target);
    return this.resident(action.sequence).flatMap((block, place) => {
      const [from, to] = [block * size, (block + 1) * size];
      const inside = from >= action.from && to <= action.to;
      return inside && changes.some((part) => part.from <= from && to <= part.to) ? [{ block, place }] : [];
    });
  }

  /** Those of the blocks that lie within a range. */
  within({ from, to }: RangeAction, blocks: readonly number[]): number[] {
    const size = this.#blockSize;
    return blocks.filter((block) => block * size >= from && (block + 1) * size <= to);
  }

  /** Why a range is none of whole blocks; null where it is. */
  cut({ kind, sequence, from, to }: RangeAction): string | null {
    if (!this.#book.has(sequence)) return null;
    const size = this.#blockSize;
    const tokens = this.#book.tokens(sequence);
    const full = tokens - (tokens % size);
    const high = Math.min(full, to - (to % size));
    const low = Math.ceil(from / size) * size;
    const toTheEnd = kind === 'fetch' && to === tokens;
    if (from === low && (to === high || toTheEnd)) return null;
    const nearest = low < high ? `${low}–${high} does` : `${sequence} has ${full} tokens in full blocks`;
    return `Blocks of this engine hold ${size} tokens, which ${from}–${to} of ${sequence} cuts; ${nearest}.`;
  }

  /** Tokens on the GPU. */
  residentTokens(name: string): number {
    return this.#book.parts(name).reduce((sum, p) => sum + (p.tier === 'hbm' ? p.to - p.from : 0), 0);
  }

  /** All of a sequence lies on the GPU as it was computed. */
  isWhole(name: string): boolean {
    const { native } = this.#book.shape;
    const parts = this.#book.parts(name);
    const whole = parts.every(({ tier, format }) => tier === 'hbm' && format === native);
    return whole && this.residentTokens(name) === this.#book.tokens(name);
  }

  /** Bytes on the GPU that a sequence's formats save. */
  savedBytes(name: string): number {
    const native = this.#book.bytesPerToken(this.#book.shape.native);
    return this.#book.parts(name).reduce((sum, { from, to, tier, format }) => {
      return tier === 'hbm' ? sum + (to - from) * (native - this.#book.bytesPerToken(format)) : sum;
    }, 0);
  }
}
