/**
 * A running engine's cache as those see it who act on it: words of single blocks, blocks that leave a table and come back,
 * sequences that stand still.
 *
 * Every call needs an engine between two steps (`Engine.settle`), and none is allowed while a step runs. Blocks are named by
 * their place in the sequence's table. What is where, and what an action means, is the caller's book.
 */
import type { BlockId } from '../../core/kv/pool.ts';
import type { SequenceState } from '../sequence-state.ts';
import type { TransferEngine } from '../transfer/inside.ts';

/** Words of blocks, layer by layer: u32 [layers][blocks][blockWords]. */
export type BlockWords = readonly Uint32Array[];

/** Blocks that left a table. */
export interface LeftBlocks {
  /** Ascending, as the table was before. */
  readonly places: readonly number[];
  readonly ids: readonly BlockId[];
  /** Blocks of the sequence that were offered to the prefix cache. */
  readonly offered: number;
}

export class LiveCache {
  readonly #engine: TransferEngine;

  constructor(engine: TransferEngine) {
    this.#engine = engine;
  }

  get blockSize(): number {
    return this.#engine.inside.settings.blockSize;
  }

  /** Of one block over all layers. */
  get blockBytes(): number {
    return this.#engine.inside.cache.blockBytes;
  }

  state(request: number): SequenceState {
    return this.#engine.inside.book.state(request);
  }

  /** Whether another table has this block as well. */
  isShared(request: number, place: number): boolean {
    return this.#engine.inside.session.manager.isShared(request, place);
  }

  read(request: number, places: readonly number[]): Promise<BlockWords> {
    return this.#engine.inside.cache.readBlocks(this.#physical(request, places));
  }

  /** Nobody finds the blocks by their text any more: they hold what was made of it. */
  write(request: number, places: readonly number[], words: BlockWords): void {
    const { cache, session } = this.#engine.inside;
    const table = session.manager.blocksOf(request);
    for (const place of places) {
      const block = table[place];
      if (block !== undefined) session.manager.uncache(block);
    }
    cache.writeBlocks(this.#physical(request, places), words);
  }

  /** Full blocks leave the table, and are free where nobody else has them. @param places ascending */
  drop(request: number, places: readonly number[]): LeftBlocks {
    const { manager } = this.#engine.inside.session;
    const table = manager.blocksOf(request);
    const ids = places.flatMap((place) => table[place] ?? []);
    const offered = manager.offered(request);
    manager.drop(request, places);
    this.state(request).dropped += places.length * this.blockSize;
    return { places, ids, offered };
  }

  /**
   * Blocks come back to their places, the same ones where they are still free.
   * @returns false, and nothing is changed, when fewer are free
   */
  restore(request: number, { places, ids, offered }: LeftBlocks, words: BlockWords, clean: boolean): boolean {
    const { manager } = this.#engine.inside.session;
    if (manager.restore(request, places, ids) === null) return false;
    const state = this.state(request);
    state.dropped -= places.length * this.blockSize;
    // What was computed while they were gone is another text's; only where nothing was may blocks be found again.
    if (clean && state.dropped === 0) manager.setOffered(request, offered);
    this.write(request, places, words);
    return true;
  }

  /** Takes a running sequence out of the batch; it keeps its blocks. */
  hold(request: number): void {
    const { session, book } = this.#engine.inside;
    session.scheduler.hold(request);
    book.hold(this.state(request));
  }

  resume(request: number): void {
    const { session, book } = this.#engine.inside;
    book.resume(this.state(request));
    session.scheduler.resume(request);
  }

  /** A running sequence gives up its blocks and is computed again. */
  preempt(request: number): void {
    const { session, book } = this.#engine.inside;
    session.scheduler.preempt(request);
    book.leave(this.state(request), 'waiting');
  }

  /** In the order of the batch, the newest last. */
  running(): readonly number[] {
    return this.#engine.inside.session.scheduler.runningRows();
  }

  get freeBlocks(): number {
    return this.#engine.inside.session.manager.numFreeBlocks;
  }

  #physical(request: number, places: readonly number[]): number[] {
    const { physical, session } = this.#engine.inside;
    const table = session.manager.blocksOf(request);
    return places.map((place) => {
      const block = table[place];
      if (block === undefined)
        throw new RangeError(
          `Block ${place} of request ${request} was asked for; its table has ${table.length}.`,
        );
      return physical[block] ?? 0;
    });
  }
}
