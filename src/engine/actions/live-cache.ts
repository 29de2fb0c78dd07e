/**
 * A running engine's cache as those see it who act on it: words of single blocks, blocks that leave a table and come back,
 * sequences that stand still.
 *
 * Every call needs an engine between two steps (`Engine.settle`), and none is allowed while a step runs. Blocks are named by
 * their place in the sequence's table. What is where, and what an action means, is the caller's book.
 */
import type { BlockId } from '../../core/kv/pool.ts';
import type { KvLayout } from '../../core/kv/formats.ts';
import type { SequenceState } from '../sequence-state.ts';
import { blocksOfLayers, layersOf } from '../transfer/arrivals.ts';
import type { TransferEngine } from '../transfer/inside.ts';

/** Words of single blocks: u32 [layers][blockWords] each. */
export type BlockWords = readonly Uint32Array[];

/** Blocks that left a table. */
export interface LeftBlocks {
  /** Ascending, as the table was before. */
  readonly places: readonly number[];
  readonly ids: readonly BlockId[];
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

  /** How the words of one layer of a block lie. */
  get layout(): KvLayout {
    return this.#engine.inside.cache.layout;
  }

  idsOf(request: number, places: readonly number[]): readonly BlockId[] {
    const table = this.#engine.inside.session.manager.blocksOf(request);
    return places.flatMap((place) => table[place] ?? []);
  }

  async read(request: number, places: readonly number[]): Promise<BlockWords> {
    const { cache } = this.#engine.inside;
    const layers = await cache.readBlocks(this.#physical(request, places));
    return blocksOfLayers(layers, cache.layout.blockWords);
  }

  /** Nobody finds the blocks by their text any more: they hold what was made of it. */
  write(request: number, places: readonly number[], words: BlockWords): void {
    const { cache, session } = this.#engine.inside;
    const table = session.manager.blocksOf(request);
    for (const place of places) {
      const block = table[place];
      if (block !== undefined) session.manager.uncache(block);
    }
    const layers = layersOf(words, 0, places.length, cache.pools.length);
    cache.writeBlocks(this.#physical(request, places), layers);
  }

  /** What a sequence computes from now on is not offered to the prefix cache: it saw something else than its text. */
  stopOffering(request: number): number {
    const { manager } = this.#engine.inside.session;
    const offered = manager.offered(request);
    manager.setOffered(request, Infinity);
    return offered;
  }

  offerAgain(request: number, offered: number): void {
    this.#engine.inside.session.manager.setOffered(request, offered);
  }

  /** Blocks that a sequence's tokens take less than its table says. */
  setCredit(request: number, blocks: number): void {
    this.#engine.inside.session.manager.setCredit(request, blocks);
  }

  /** Full blocks leave the table, and are free where nobody else has them. @param places ascending */
  drop(request: number, places: readonly number[]): LeftBlocks {
    const left = { places, ids: this.idsOf(request, places) };
    this.#engine.inside.session.manager.drop(request, places);
    this.state(request).dropped += places.length * this.blockSize;
    return left;
  }

  /**
   * Blocks come back to their places, the same ones where they are still free.
   * @returns false, and nothing is changed, when fewer are free
   */
  restore(request: number, { places, ids }: LeftBlocks, words: BlockWords): boolean {
    if (this.#engine.inside.session.manager.restore(request, places, ids) === null) return false;
    this.state(request).dropped -= places.length * this.blockSize;
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

  /** A running sequence goes back behind `computed` of its tokens and computes the others again, in their places. */
  rewind(request: number, computed: number): void {
    const { session, book } = this.#engine.inside;
    this.hold(request);
    const state = this.state(request);
    state.computed = computed;
    book.resume(state);
    session.scheduler.resume(request, computed);
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

  /** Blocks that sequences refer to, less their credits. */
  get activeBlocks(): number {
    return this.#engine.inside.session.manager.numActiveBlocks;
  }

  /** Blocks of ended sequences that a prefix cache may keep. */
  limitIdle(blocks: number): void {
    this.#engine.inside.session.manager.limitIdle(blocks);
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
