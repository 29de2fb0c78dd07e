/**
 * Blocks that sequences save: a block table says how many blocks of the engine's format a sequence's tokens would take, a
 * credit by how many fewer they do take, because some of them were quantized, evicted or moved to a lower tier.
 *
 * The pool has `spareBlocks` ids more than the memory has blocks. They stand in a reserve that nobody is given; a credit
 * lets some of them out, and its end takes as many back: free ones as an allocation would, contents of the prefix cache
 * going first where that is their turn. What cannot be taken back at once is a debt, and blocks that become free pay it.
 * So with credits c: blocks in use ≤ blocks of the memory + c, and the order of eviction is the pool's own.
 *
 * Boundary: how many blocks. Which tokens save them is their book's.
 */
import type { BlockStore } from './block-store.ts';
import type { BlockId } from './pool.ts';

/** In events: no request. */
const NOBODY = -1;

export class BlockCredits {
  readonly spareBlocks: number;
  #store: BlockStore;
  #reserve: BlockId[] = [];
  #credits = new Map<number, number>();
  #sum = 0;

  constructor(store: BlockStore, spareBlocks: number) {
    this.#store = store;
    this.spareBlocks = spareBlocks;
    this.#balance();
  }

  /** Blocks that sequences hold beyond the memory: no block is free while it is above 0. */
  get debt(): number {
    return this.#wanted - this.#reserve.length;
  }

  get reserve(): readonly BlockId[] {
    return this.#reserve;
  }

  get sum(): number {
    return this.#sum;
  }

  of(request: number): number {
    return this.#credits.get(request) ?? 0;
  }

  set(request: number, blocks: number): void {
    if (!(Number.isInteger(blocks) && blocks >= 0))
      throw new RangeError(`A credit of ${blocks} blocks was asked for; it is a whole number of at least 0.`);
    this.#sum += blocks - this.of(request);
    if (blocks === 0) this.#credits.delete(request);
    else this.#credits.set(request, blocks);
    this.#balance();
  }

  /** A request gave up its blocks, and with them its credit; or others did, which may pay a debt. */
  end(request: number): void {
    if (this.of(request) > 0) this.set(request, 0);
    else if (this.debt > 0) this.#balance();
  }

  check(): void {
    const sum = [...this.#credits.values()].reduce((all, blocks) => all + blocks, 0);
    if (sum !== this.#sum) throw new Error(`Credits are ${sum} blocks, but ${this.#sum} were counted.`);
    if (this.debt < 0 || (this.debt > 0 && this.#store.numFree > 0))
      throw new Error(`A debt of ${this.debt} blocks stands while ${this.#store.numFree} are free.`);
  }

  get #wanted(): number {
    return Math.max(0, this.spareBlocks - this.#sum);
  }

  #balance(): void {
    const wanted = this.#wanted;
    for (let block = this.#reserve.pop(); block !== undefined; block = this.#reserve.pop()) {
      if (this.#reserve.length < wanted) {
        this.#reserve.push(block);
        break;
      }
      this.#store.pool.releaseFirst(block);
    }
    while (this.#reserve.length < wanted && this.#store.numFree > 0) {
      this.#reserve.push(this.#store.take(NOBODY, 0));
    }
  }
}
