/**
 * The blocks of a pool at one moment, and how an event changes them. Recorder and reader run this same code, so a state
 * that is read back is the one that was.
 */
import { EVENT_CODE, type BlockEvents } from './recorder-history.ts';

const NONE = -1;
/** References beyond this are counted as this. */
const MOST_REFERENCES = 65_535;

export class PoolState {
  readonly numBlocks: number;
  /** Row of a request that refers to the block: the one that took it last, of those that still do. −1: nobody. */
  readonly owner: Int32Array;
  readonly references: Uint16Array;
  /** Id of contents that can be found, or −1. */
  readonly contents: Int32Array;
  /**
   * Number of the last event of the block, counted from 0. Before its first event a block has its place in a new pool's
   * queue, block − numBlocks, so that blocks of no reference, ordered by `touched`, stand as the free queue does.
   */
  readonly touched: Int32Array;
  /** Where the contents came from: 0 computed here, else the number of the tier they were loaded from. */
  readonly tier: Uint8Array;
  /** Group of layers that the block was last given to. */
  readonly group: Uint8Array;
  numActive = 0;
  /** Blocks without a reference whose contents can be found. */
  numCached = 0;
  /** Events that are in the state. */
  event = 0;

  constructor(numBlocks: number) {
    this.numBlocks = numBlocks;
    this.owner = new Int32Array(numBlocks);
    this.references = new Uint16Array(numBlocks);
    this.contents = new Int32Array(numBlocks);
    this.touched = new Int32Array(numBlocks);
    this.tier = new Uint8Array(numBlocks);
    this.group = new Uint8Array(numBlocks);
    this.reset();
  }

  /** A pool that nothing has happened to. */
  reset(): void {
    this.owner.fill(NONE);
    this.references.fill(0);
    this.contents.fill(NONE);
    this.tier.fill(0);
    this.group.fill(0);
    for (let block = 0; block < this.numBlocks; block++) this.touched[block] = block - this.numBlocks;
    this.numActive = 0;
    this.numCached = 0;
    this.event = 0;
  }

  /** Counts the blocks anew, after the arrays were written from outside. */
  recount(): void {
    this.numActive = 0;
    this.numCached = 0;
    for (let block = 0; block < this.numBlocks; block++) {
      if ((this.references[block] ?? 0) > 0) this.numActive++;
      else if ((this.contents[block] ?? NONE) !== NONE) this.numCached++;
    }
  }

  /** The next event. `value` as in BlockEvents. */
  apply(kind: number, block: number, request: number, value: number): void {
    switch (kind) {
      case EVENT_CODE.alloc:
        this.#forget(block);
        this.#refer(block, request);
        this.tier[block] = 0;
        this.group[block] = Math.max(0, value);
        break;
      case EVENT_CODE.load:
        this.tier[block] = value;
        break;
      case EVENT_CODE.hit:
        if (this.references[block] === 0) this.numCached--;
        this.#refer(block, request);
        break;
      case EVENT_CODE.cache:
        this.contents[block] = value;
        break;
      case EVENT_CODE.evict:
      case EVENT_CODE.drop:
        this.#forget(block);
        break;
      default:
        this.#give(block, value);
    }
    this.touched[block] = this.event++;
  }

  /** All events up to (not including) number `end`. */
  applyUntil(events: BlockEvents, end: number): void {
    const { kind, block, request, value } = events;
    for (let i = this.event; i < end; i++) {
      this.apply(kind[i] ?? 0, block[i] ?? 0, request[i] ?? 0, value[i] ?? 0);
    }
  }

  #forget(block: number): void {
    if ((this.contents[block] ?? NONE) === NONE) return;
    this.contents[block] = NONE;
    if (this.references[block] === 0) this.numCached--;
  }

  #refer(block: number, request: number): void {
    const references = this.references[block] ?? 0;
    if (references === 0) this.numActive++;
    if (references < MOST_REFERENCES) this.references[block] = references + 1;
    this.owner[block] = request;
  }

  /** @param heir who refers to the block from now on, or −1 */
  #give(block: number, heir: number): void {
    const references = this.references[block] ?? 0;
    this.references[block] = heir === NONE ? 0 : Math.max(1, references - 1);
    this.owner[block] = heir;
    if (heir !== NONE) return;
    this.numActive--;
    if ((this.contents[block] ?? NONE) !== NONE) this.numCached++;
  }
}
