/**
 * The simulated engine's sequences as the book knows them, tied to its block manager.
 *
 * A row stands in the book while something of it is not native in the GPU's memory. What its tokens save, in whole
 * blocks, is its credit in the block manager, so that others can have those blocks until it ends. Blocks that another
 * sequence shares are passed over: to change them would change the other one. Blocks that are changed leave the prefix
 * cache, since they do not hold what their hash says any more.
 *
 * Boundary: bytes, blocks and tables. Time is links.ts, limits and telemetry are the plant's.
 */
import type { SequencePart, SequenceState } from '../../core/run/autopilot.ts';
import { KV_FORMATS } from '../../core/kv/formats.ts';
import { KV_TIERS } from '../../core/kv/kv-pool-types.ts';
import type { BlockManager } from '../../core/kv/block-manager.ts';
import type { Sequences } from '../../core/schedule/sequences.ts';
import type { StateDigest } from '../book/digest.ts';
import { KvBook, type BookChange } from '../book/book.ts';
import type { Parts } from '../book/parts.ts';
import { planRange, type RangeAction, type RangeFacts } from '../book/range.ts';
import { ActionError, type Priced } from '../plant.ts';
import type { SimulatedShape } from './shape.ts';

/** What an action changed: enough for its inverse. */
export interface LedgerChange {
  readonly row: number;
  /** Number of the row's residence: after a preemption it is another. */
  readonly residence: number;
  readonly changes: readonly BookChange[];
  /** Texts that were taken out of the prefix cache, by place in the table. */
  readonly hidden: readonly { readonly place: number; readonly id: number }[];
  readonly offered: number;
  readonly computed: number;
  readonly tokens: number;
  readonly freedBytes: number;
  /** Over a link. */
  readonly movedBytes: number;
  /** Of what it held before, in the GPU's memory: what a way back needs. */
  readonly savedBytes: number;
}

/** More than a table has: no further block of the request is cached. */
const NEVER_AGAIN = Infinity;

export function rowOf(name: string): number {
  return /^r\d+$/.test(name) ? Number(name.slice(1)) : -1;
}

export function nameOf(row: number): string {
  return `r${row}`;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

export class Ledger {
  readonly book: KvBook;
  readonly #shape: SimulatedShape;
  readonly #manager: BlockManager;
  readonly #sequences: Sequences;
  readonly #residences = new Map<number, number>();
  #facts: RangeFacts;

  constructor(shape: SimulatedShape, manager: BlockManager, sequences: Sequences) {
    this.#shape = shape;
    this.#manager = manager;
    this.#sequences = sequences;
    const lower = shape.tiers.map(({ tier, capacityBytes }) => [tier, capacityBytes] as const);
    this.book = new KvBook({
      native: shape.native,
      bytesPerToken: shape.bytesPerToken,
      // Room in the GPU's memory is the block manager's to say.
      capacity: { hbm: Infinity, ...Object.fromEntries(lower) },
    });
    const capacity = this.book.shape.capacity;
    this.#facts = {
      bytes: shape.bytesPerToken,
      freeBytes: (tier) => (capacity[tier] === undefined ? null : this.book.freeBytes(tier)),
    };
  }

  /** Nothing of any sequence is anything but native. */
  get isEmpty(): boolean {
    return this.book.size === 0;
  }

  parts(row: number): Parts {
    const computed = this.#sequences.computed(row);
    const name = nameOf(row);
    if (!this.book.has(name)) return computed > 0 ? [this.#native(0, computed)] : [];
    this.#sync(row);
    return this.book.parts(name);
  }

  isPinned(row: number): boolean {
    return (this.#sequences.requests.priority[row] ?? 0) > 0;
  }

  state(row: number, phase: SequenceState['phase'], lastUsedMs: number, uses: number): SequenceState {
    const parts = this.parts(row);
    return {
      name: nameOf(row),
      tokens: this.#sequences.computed(row),
      bytes: this.book.bytesOf(parts),
      gpuBytes: this.book.bytesOf(parts, 'hbm'),
      phase,
      lastUsedMs,
      uses,
      pinned: this.isPinned(row),
      parts: parts.map((part) => ({ ...part })),
    };
  }

  /** @param running whether the row is in the batch */
  price(action: RangeAction, running: boolean): Priced {
    const planned = this.#plan(action, running);
    if (!planned.ok) return planned;
    const { freesBytes, tokens, movedBytes } = planned;
    return { ok: true, freesBytes, tokens, movedBytes };
  }

  /** @throws ActionError with the sentence of `price`; nothing has changed then */
  apply(action: RangeAction, running: boolean): LedgerChange {
    const planned = this.#plan(action, running);
    if (!planned.ok) throw new ActionError(planned.sentence);
    const row = rowOf(action.sequence);
    const offered = this.#manager.offered(row);
    this.#open(row);
    const hidden = planned.ranges.flatMap((range) => this.#hide(row, range));
    this.#manager.setOffered(row, NEVER_AGAIN);
    const changes = planned.ranges.map(({ from, to }) => this.book.apply({ ...action, from, to }));
    this.#setCredit(row);
    const isCopied = action.kind === 'quantize' || action.kind === 'evict';
    return {
      row,
      residence: this.#residence(row),
      changes,
      hidden,
      offered,
      computed: this.#sequences.computed(row),
      tokens: planned.tokens,
      freedBytes: planned.freesBytes,
      movedBytes: planned.movedBytes,
      savedBytes: isCopied
        ? changes.reduce((sum, { before }) => sum + this.book.bytesOf(before, 'hbm'), 0)
        : 0,
    };
  }

  /** Takes a change back. @returns whether the sequence is still there */
  put(change: LedgerChange): boolean {
    const { row } = change;
    if (!this.isThere(change)) return false;
    this.#open(row);
    for (const each of [...change.changes].reverse()) this.book.put(each);
    for (const { place, id } of change.hidden) this.#manager.cacheAgain(row, place, id);
    // What was computed since then looked at the changed tokens, and is no text that another request may find.
    if (this.#sequences.computed(row) === change.computed) this.#manager.setOffered(row, change.offered);
    this.#setCredit(row);
    this.#close(row);
    return true;
  }

  isThere({ row, residence }: LedgerChange): boolean {
    return this.#manager.blocksOf(row).length > 0 && this.#residence(row) === residence;
  }

  /** A row lost its blocks: it ended, or was preempted. */
  forget(row: number): void {
    this.#residences.set(row, this.#residence(row) + 1);
    if (this.book.has(nameOf(row))) this.book.finish(nameOf(row));
  }

  /** Tokens of a row's context that attention does not read, in native tokens: evicted ones, and what smaller formats save. */
  unreadTokens(row: number): number {
    const native = this.#shape.bytesPerToken(this.#shape.native) ?? 1;
    const parts = this.parts(row);
    return this.#sequences.computed(row) - this.book.bytesOf(parts) / native;
  }

  rows(): number[] {
    return this.book.names().map(rowOf);
  }

  /** Takes in tables, contents, formats and tiers of the rows in the batch. */
  digest(state: StateDigest, rows: readonly number[]): void {
    const { prefixCaching } = this.#manager;
    for (const row of rows) {
      state.number(row);
      const blocks = this.#manager.blocksOf(row);
      for (const block of blocks) {
        state.number(block);
        if (prefixCaching) state.number(this.#manager.contentsOf(block));
      }
      state.number(blocks.length).number(this.#manager.creditOf(row));
      for (const { from, to, tier, format } of this.parts(row)) {
        state.number(from).number(to).number(KV_TIERS.indexOf(tier)).number(KV_FORMATS.indexOf(format));
      }
    }
  }

  check(): void {
    this.#manager.check();
    this.book.check();
    for (const row of this.rows()) {
      if (this.#manager.blocksOf(row).length === 0)
        throw new Error(`${nameOf(row)} is in the book and has no blocks.`);
      this.#sync(row);
      const [is, was] = [this.#creditNow(row), this.#manager.creditOf(row)];
      if (is !== was) throw new Error(`${nameOf(row)} saves ${is} blocks, but its credit is ${was}.`);
    }
  }

  #plan(
    action: RangeAction,
    running: boolean,
  ):
    | { ok: false; sentence: string }
    | { ok: true; ranges: Range[]; tokens: number; freesBytes: number; movedBytes: number } {
    const row = rowOf(action.sequence);
    if (row < 0 || !running) {
      return {
        ok: false,
        sentence: `${action.sequence} is not running; an action needs a sequence of the batch.`,
      };
    }
    const parts = this.parts(row);
    const sequence = { tokens: this.#sequences.computed(row), parts, pinned: this.isPinned(row) };
    const whole = planRange(action, sequence, this.#facts);
    if (!whole.ok) return whole;
    const ranges: Range[] = [];
    let [tokens, freed, movedBytes] = [0, 0, 0];
    for (const range of this.#ownRanges(row, action)) {
      const plan = planRange({ ...action, ...range }, sequence, this.#facts);
      if (!plan.ok) continue;
      ranges.push(range);
      tokens += plan.tokens;
      freed += plan.freesBytes;
      movedBytes += plan.movedBytes;
    }
    if (ranges.length === 0) {
      const sentence = `All of ${action.from}–${action.to} of ${action.sequence} lies in blocks that other sequences share; choose tokens behind the shared prefix.`;
      return { ok: false, sentence };
    }
    const before = this.#savedBytes(row);
    const blocks = this.#blocksOf(before + freed) - this.#blocksOf(before);
    if (-blocks > this.#manager.numFreeBlocks && blocks < 0) {
      const sentence = `${action.sequence} would need ${-blocks} blocks again and ${Math.max(0, this.#manager.numFreeBlocks)} are free; choose a shorter range or make room first.`;
      return { ok: false, sentence };
    }
    return { ok: true, ranges, tokens, freesBytes: blocks * this.#shape.blockBytes, movedBytes };
  }

  /** What of a range lies in blocks that no other table refers to. */
  #ownRanges(row: number, { from, to }: Range): Range[] {
    if (!this.#manager.prefixCaching) return [{ from, to }];
    const { blockSize } = this.#shape;
    const ranges: { from: number; to: number }[] = [];
    for (let place = Math.floor(from / blockSize); place * blockSize < to; place++) {
      if (this.#manager.isShared(row, place)) continue;
      const own = { from: Math.max(from, place * blockSize), to: Math.min(to, (place + 1) * blockSize) };
      const last = ranges.at(-1);
      if (last?.to === own.from) last.to = own.to;
      else ranges.push(own);
    }
    return ranges;
  }

  #hide(row: number, { from, to }: Range): { place: number; id: number }[] {
    if (!this.#manager.prefixCaching) return [];
    const { blockSize } = this.#shape;
    const hidden: { place: number; id: number }[] = [];
    const blocks = this.#manager.blocksOf(row);
    for (let place = Math.floor(from / blockSize); place * blockSize < to; place++) {
      const block = blocks[place];
      const id = block === undefined ? -1 : this.#manager.contentsOf(block);
      if (block === undefined || id < 0) continue;
      this.#manager.uncache(block);
      hidden.push({ place, id });
    }
    return hidden;
  }

  #native(from: number, to: number): SequencePart {
    return { from, to, tier: 'hbm', format: this.#shape.native };
  }

  #residence(row: number): number {
    return this.#residences.get(row) ?? 0;
  }

  #open(row: number): void {
    const name = nameOf(row);
    if (this.book.has(name)) this.#sync(row);
    else this.book.submit(name, this.#sequences.computed(row), { pinned: this.isPinned(row) });
  }

  /** A row of which everything is native again needs no entry. */
  #close(row: number): void {
    const [part, ...more] = this.book.parts(nameOf(row));
    const isNative =
      more.length === 0 &&
      part?.from === 0 &&
      part.to === this.book.tokens(nameOf(row)) &&
      part.tier === 'hbm' &&
      part.format === this.#shape.native;
    if (isNative) this.book.finish(nameOf(row));
  }

  /** Tokens that were computed since the book last looked. */
  #sync(row: number): void {
    const computed = this.#sequences.computed(row);
    if (computed > this.book.tokens(nameOf(row))) this.book.grow(nameOf(row), computed);
  }

  #savedBytes(row: number): number {
    const name = nameOf(row);
    if (!this.book.has(name)) return 0;
    const native = this.#shape.bytesPerToken(this.#shape.native) ?? 0;
    return this.book.tokens(name) * native - this.book.bytesOf(this.book.parts(name), 'hbm');
  }

  #blocksOf(savedBytes: number): number {
    return Math.floor(savedBytes / this.#shape.blockBytes);
  }

  #creditNow(row: number): number {
    return this.#blocksOf(this.#savedBytes(row));
  }

  #setCredit(row: number): void {
    this.#manager.setCredit(row, this.#creditNow(row));
  }
}
