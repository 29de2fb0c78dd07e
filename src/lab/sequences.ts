/**
 * The sequences of one repetition and the cache slots they hold: block tables over one pool, or one contiguous
 * reservation each. All layers share the tables; each layer has a buffer of its own.
 */
import { BlockTable } from '../core/kv/block-table.ts';
import { ContiguousReservation, type ReservationId } from '../core/kv/contiguous.ts';
import { BlockPool, type BlockMove } from '../core/kv/pool.ts';
import { pagedUsage, type KvUsage } from '../core/kv/usage.ts';
import type { Random } from '../core/random.ts';
import type { SequencePlan } from '../core/scenario/rules.ts';
import type { MemoryPlan } from './memory-plan.ts';

export interface Taken {
  readonly slots: readonly number[];
  /** Copies that have to run before the slots are written. */
  readonly copies: readonly BlockMove[];
}

/** One sequence's part of the cache. */
export interface SequenceCache {
  readonly tokens: number;
  /** Blocks that it refers to or has reserved, shared ones included. */
  readonly blocks: number;
  /** Row of the attention launch that it must have; null: any. */
  readonly row: number | null;
  /** @throws Error when the pool has no room: the memory plan was wrong. */
  append(count: number): Taken;
  writeRow(row: Uint32Array): void;
  free(): void;
}

export interface CacheBook {
  /** A new, empty sequence. */
  open(): SequenceCache;
  /** A sequence that begins with the first `tokens` tokens of another; null where the layout can't share. */
  fork(from: SequenceCache, tokens: number): SequenceCache | null;
  /** For policies that edit tables; null under `contiguous`. */
  tableOf(cache: SequenceCache): BlockTable | null;
  usage(): KvUsage;
  /** @throws Error that says which block is both free and used, or neither. */
  check(): void;
}

/** @param blockBytes bytes of one block over all layers */
export function createCacheBook(
  layout: 'paged' | 'contiguous',
  plan: MemoryPlan,
  blockBytes: number,
  random: Random,
): CacheBook {
  return layout === 'paged' ? new PagedBook(plan, blockBytes, random) : new ContiguousBook(plan, blockBytes);
}

class PagedSequence implements SequenceCache {
  readonly table: BlockTable;
  readonly row = null;
  readonly #close: () => void;

  constructor(table: BlockTable, close: () => void) {
    this.table = table;
    this.#close = close;
  }
  get tokens(): number {
    return this.table.tokens;
  }
  get blocks(): number {
    return this.table.blocks.length;
  }
  append(count: number): Taken {
    const appended = this.table.append(count);
    if (appended.kind === 'full') {
      throw new Error(`The pool has ${appended.free} free blocks where ${appended.needed} are needed.`);
    }
    return appended;
  }
  writeRow(row: Uint32Array): void {
    this.table.writeRow(row);
  }
  free(): void {
    this.table.free();
    this.#close();
  }
}

class PagedBook implements CacheBook {
  readonly #pool: BlockPool;
  readonly #blockSize: number;
  readonly #blockBytes: number;
  readonly #open = new Map<SequenceCache, PagedSequence>();

  constructor({ blocks, layout }: MemoryPlan, blockBytes: number, random: Random) {
    this.#pool = new BlockPool(blocks);
    this.#blockSize = layout.shape.blockSize;
    this.#blockBytes = blockBytes;
    scatter(this.#pool, random);
  }
  open(): SequenceCache {
    return this.#enter(new BlockTable(this.#pool, this.#blockSize));
  }
  fork(from: SequenceCache, tokens: number): SequenceCache | null {
    const source = this.#open.get(from);
    return source ? this.#enter(source.table.fork(tokens)) : null;
  }
  tableOf(cache: SequenceCache): BlockTable | null {
    return this.#open.get(cache)?.table ?? null;
  }
  usage(): KvUsage {
    return pagedUsage(this.#pool, this.#tables(), this.#blockBytes);
  }
  check(): void {
    this.#pool.check(this.#tables());
  }
  #tables(): BlockTable[] {
    return [...this.#open.values()].map(({ table }) => table);
  }
  #enter(table: BlockTable): SequenceCache {
    const sequence: PagedSequence = new PagedSequence(table, () => this.#open.delete(sequence));
    this.#open.set(sequence, sequence);
    return sequence;
  }
}

/** A fresh pool hands its blocks out in order; one that has served for a while does not, and that is what is measured. */
function scatter(pool: BlockPool, random: Random): void {
  const all = pool.allocate(pool.numBlocks);
  if (all.kind === 'full') return;
  for (const block of random.shuffled(all.blocks)) pool.release(block);
}

class ContiguousSequence implements SequenceCache {
  tokens = 0;
  readonly blocks: number;
  readonly row: number;
  readonly #book: ContiguousReservation;
  readonly #id: ReservationId;

  constructor(book: ContiguousReservation, id: ReservationId, row: number, blocks: number) {
    this.#book = book;
    this.#id = id;
    this.row = row;
    this.blocks = blocks;
  }
  append(count: number): Taken {
    const appended = this.#book.append(this.#id, count);
    if (appended.kind !== 'ok') {
      throw new Error(`A reservation of ${appended.reserved} tokens was asked to hold ${appended.needed}.`);
    }
    this.tokens += count;
    return { slots: appended.slots, copies: [] };
  }
  /** Prefill reads through a table in either layout; here it says what the reservation is. */
  writeRow(row: Uint32Array): void {
    for (let i = 0; i < row.length; i++) row[i] = this.row * this.blocks + i;
  }
  free(): void {
    this.#book.free(this.#id);
  }
}

class ContiguousBook implements CacheBook {
  readonly #book: ContiguousReservation;
  readonly #blocksEach: number;
  readonly #blockSize: number;
  readonly #bytesPerToken: number;

  constructor({ blocks, tableStride, layout }: MemoryPlan, blockBytes: number) {
    this.#blockSize = layout.shape.blockSize;
    this.#blocksEach = tableStride;
    this.#bytesPerToken = blockBytes / this.#blockSize;
    this.#book = new ContiguousReservation(blocks * this.#blockSize);
  }
  open(): SequenceCache {
    const slots = this.#blocksEach * this.#blockSize;
    const reserved = this.#book.reserve(slots);
    if (reserved.kind !== 'ok') {
      throw new Error(`No run of ${reserved.needed} slots is left; the largest has ${reserved.largest}.`);
    }
    return new ContiguousSequence(this.#book, reserved.id, reserved.firstSlot / slots, this.#blocksEach);
  }
  fork(): null {
    return null;
  }
  tableOf(): null {
    return null;
  }
  usage(): KvUsage {
    return this.#book.usage(this.#bytesPerToken);
  }
  check(): void {
    this.#book.check();
  }
}

/** A request on its way through a repetition. */
export interface Request {
  readonly id: number;
  readonly plan: SequencePlan;
  cache: SequenceCache | null;
  /** Ring of the int2 residual. */
  readonly residualSlot: number;
  /** Output tokens so far; the first comes out of the last prefill step. */
  outputs: number;
  startMs: number | null;
  firstTokenMs: number | null;
  endMs: number | null;
  peakKvBytes: number;
}
