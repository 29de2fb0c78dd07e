/**
 * Actions on ranges of a sequence, on the real engine: what the book says is done to the blocks.
 *
 *   quantize  the blocks' words go through the smaller format and back (core/kv/reencode.ts); the saved bytes are a credit
 *   evict     the blocks leave the sequence's table and are free
 *   offload   the blocks' words go to host memory, the blocks are free, and the sequence stands still
 *   fetch     they come back to their places, and the sequence goes on
 *
 * Each keeps what `undo` needs: words, places and the ids of the blocks. What a sequence computed between an action and its
 * undo saw the changed cache, so it is computed again (`recompute`). A sequence that was preempted since is computed again
 * whole, and nothing is taken back for it.
 *
 * Boundary: one engine between two steps. When actions are taken, and what for, is the controller's.
 */
import { reencodeRows } from '../../core/kv/reencode.ts';
import type { KvFormat } from '../../core/kv/formats.ts';
import type { BlockWords, LiveCache } from '../../engine/actions/live-cache.ts';
import type { BookChange, KvBook } from '../book/book.ts';
import type { RangeAction } from '../book/range.ts';
import { ActionError, type Priced } from '../plant.ts';
import { HostKv, NOTHING_SAVED, type Saved } from './host-kv.ts';
import { BlockTables, type PlacedBlock } from './tables.ts';

/** An action on a range that was done. */
export interface DoneRange {
  readonly action: RangeAction;
  readonly change: BookChange;
  readonly row: number;
  /** Which life of the sequence: it ends when the sequence is preempted. */
  readonly life: number;
  readonly saved: Saved;
  /** Tokens that were computed when it was done. */
  readonly computed: number;
}

/** Frees blocks of others, or answers that there is nothing to free. */
export type MakeRoom = (except: number) => boolean;

export class RangeActions {
  readonly #book: KvBook;
  readonly #live: LiveCache;
  readonly #tables: BlockTables;
  readonly #rowOf: (name: string) => number;
  readonly #host = new HostKv();
  readonly #lives = new Map<string, number>();
  readonly #held: string[] = [];
  /** Blocks that were offered to the prefix cache, and tokens computed, before the first action on a sequence. */
  readonly #offered = new Map<string, { readonly blocks: number; readonly computed: number }>();
  /** Tokens from which on a sequence has to compute again. */
  readonly #stale = new Map<string, number>();
  /** Sequences that compute again what they had. */
  readonly #behind = new Set<string>();

  constructor(book: KvBook, live: LiveCache, rowOf: (name: string) => number) {
    this.#book = book;
    this.#live = live;
    this.#tables = new BlockTables(book, live.blockSize);
    this.#rowOf = rowOf;
  }

  /** Sequences that stand still, the one that does longest first. */
  get held(): readonly string[] {
    return this.#held;
  }

  /** Blocks that a held sequence needs to go on. */
  blocksInHost(name: string): number {
    return this.#host.count(name);
  }

  price(action: RangeAction): Priced {
    const { sequence } = action;
    if (this.isBehind(sequence)) return refusal(behind(sequence));
    const cut = this.#tables.cut(action);
    if (cut !== null) return refusal(cut);
    const priced = this.#book.price(action);
    if (!priced.ok) return priced;
    const inHost = this.#tables.within(action, this.#host.blocks(sequence)).length;
    if (action.kind === 'evict' && inHost > 0) return refusal(partlyInHost(action));
    if (action.kind === 'fetch') {
      const free = Math.max(0, this.#live.freeBlocks);
      return inHost <= free ? priced : refusal(noRoom(inHost, free));
    }
    const row = this.#rowOf(sequence);
    const shared = this.#tables.touched(action).filter(({ place }) => this.#live.isShared(row, place)).length;
    if (action.kind === 'quantize' && shared > 0) return refusal(sharedRange(action));
    return { ...priced, freesBytes: Math.max(0, priced.freesBytes - shared * this.#live.blockBytes) };
  }

  /** @throws ActionError; nothing has changed then */
  async apply(action: RangeAction): Promise<DoneRange> {
    const priced = this.price(action);
    if (!priced.ok) throw new ActionError(priced.sentence);
    const row = this.#rowOf(action.sequence);
    const saved = await this.#save(row, this.#tables.touched(action));
    switch (action.kind) {
      case 'quantize':
        this.#round(action.sequence, row, saved, action.format);
        return this.#done(action, row, saved);
      case 'evict':
        this.#live.drop(row, this.#tables.placesWith(action.sequence, saved.blocks));
        return this.#done(action, row, saved);
      case 'offload':
        this.#toHost(action.sequence, row, saved);
        return this.#done(action, row, saved);
      case 'fetch': {
        const blocks = this.#tables.within(action, this.#host.blocks(action.sequence));
        return this.#done(action, row, this.#fetch(action.sequence, row, blocks));
      }
      default:
        return action satisfies never;
    }
  }

  /** Takes one action back; newer ones must be taken back before, and `recompute` called behind the last. */
  undo({ action, change, row, life, saved, computed }: DoneRange, makeRoom: MakeRoom): void {
    const { kind, sequence } = action;
    if (!this.#book.has(sequence) || this.#life(sequence) !== life) return;
    switch (kind) {
      case 'quantize':
        this.#rewrite(sequence, row, saved);
        break;
      case 'evict':
        this.#bringBack(sequence, row, saved, makeRoom);
        break;
      case 'offload':
        this.#bringBack(sequence, row, this.#host.get(sequence, saved.blocks), makeRoom);
        this.#goOn(sequence, row);
        break;
      case 'fetch':
        this.#toHost(sequence, row, saved);
        break;
      default:
        kind satisfies never;
    }
    this.#book.put(change);
    this.#settle(sequence, row);
    const changesValues = kind === 'quantize' || kind === 'evict';
    if (changesValues && this.#live.state(row).computed > computed)
      this.#stale.set(sequence, Math.min(computed, this.#stale.get(sequence) ?? Infinity));
  }

  /** Sequences whose newest tokens saw what was taken back go back to where they stood then. */
  recompute(): void {
    for (const [name, computed] of this.#stale) {
      const row = this.#rowOf(name);
      // One that stands still is taken up at that place when it goes on.
      if (this.#held.includes(name)) continue;
      this.#live.rewind(row, computed);
      this.#behind.add(name);
      this.#settle(name, row);
    }
    this.#stale.clear();
  }

  /** Whether a sequence computes again what it had. */
  isBehind(name: string): boolean {
    if (!this.#behind.has(name)) return false;
    if (this.#live.state(this.#rowOf(name)).computed < this.#book.tokens(name)) return true;
    this.#behind.delete(name);
    return false;
  }

  /** All that a sequence holds, on the GPU and in host memory, block by block in the order of its tokens. */
  async copy(name: string): Promise<{ readonly blocks: readonly number[]; readonly words: BlockWords }> {
    const table = this.#tables.resident(name);
    const words = await this.#live.read(this.#rowOf(name), [...table.keys()]);
    const host = this.#host.get(name, this.#host.blocks(name));
    const all = [...pairs(table, words), ...pairs(host.blocks, host.words)].sort((a, b) => a.block - b.block);
    return { blocks: all.map(({ block }) => block), words: all.map((one) => one.words) };
  }

  /** A sequence ended, or lost its blocks: what was done to it is over. */
  forget(name: string): void {
    this.#host.forget(name);
    this.#offered.delete(name);
    this.#stale.delete(name);
    this.#behind.delete(name);
    this.#lives.set(name, this.#life(name) + 1);
    const held = this.#held.indexOf(name);
    if (held >= 0) this.#held.splice(held, 1);
  }

  /** Brings all blocks of a held sequence back, so that it goes on. @returns false where they do not fit */
  fetchAll(name: string): boolean {
    if (this.#host.count(name) > Math.max(0, this.#live.freeBlocks)) return false;
    const row = this.#rowOf(name);
    this.#fetch(name, row, this.#host.blocks(name));
    this.#book.apply({ kind: 'fetch', sequence: name, from: 0, to: this.#book.tokens(name) });
    this.#settle(name, row);
    return true;
  }

  /** @throws Error where the engine's tables are not what the book says */
  check(): void {
    this.#book.check();
    for (const name of this.#book.names()) {
      const { computed, dropped } = this.#live.state(this.#rowOf(name));
      const behindBy = this.isBehind(name) ? this.#book.tokens(name) - computed : 0;
      const resident = this.#tables.residentTokens(name) - behindBy;
      if (resident !== computed - dropped)
        throw new Error(
          `${name} has ${resident} tokens on the GPU in the book and ${computed - dropped} in the engine.`,
        );
      const [held, inHost] = [this.#held.includes(name), this.#host.count(name)];
      if (held !== inHost > 0)
        throw new Error(`${name} ${held ? 'stands still' : 'goes on'} with ${inHost} blocks in host memory.`);
    }
  }

  #done(action: RangeAction, row: number, saved: Saved): DoneRange {
    const { sequence } = action;
    const change = this.#book.apply(action);
    const { computed } = this.#live.state(row);
    if (!this.#offered.has(sequence))
      this.#offered.set(sequence, { blocks: this.#live.stopOffering(row), computed });
    this.#settle(sequence, row);
    return { action, change, row, life: this.#life(sequence), saved, computed };
  }

  #round(name: string, row: number, { blocks, words }: Saved, format: KvFormat): void {
    const { layout, blockSize } = this.#live;
    const rounded = words.map((block) => {
      const own = block.slice();
      for (let at = 0; at < own.length; at += layout.blockWords) {
        const layer = own.subarray(at, at + layout.blockWords);
        reencodeRows(layer, layout, format, { from: 0, to: blockSize });
      }
      return own;
    });
    this.#live.write(row, this.#tables.placesWith(name, blocks), rounded);
  }

  async #save(row: number, touched: readonly PlacedBlock[]): Promise<Saved> {
    if (touched.length === 0) return NOTHING_SAVED;
    const places = touched.map(({ place }) => place);
    const ids = this.#live.idsOf(row, places);
    return { blocks: touched.map(({ block }) => block), ids, words: await this.#live.read(row, places) };
  }

  /** Where they fit is asked before. */
  #fetch(name: string, row: number, blocks: readonly number[]): Saved {
    const saved = this.#host.get(name, blocks);
    this.#place(name, row, saved);
    this.#goOn(name, row);
    return saved;
  }

  /** Blocks on the GPU become blocks in host memory, and their sequence stands still. */
  #toHost(name: string, row: number, saved: Saved): void {
    this.#live.drop(row, this.#tables.placesWith(name, saved.blocks));
    this.#host.put(name, saved);
    if (this.#host.count(name) === 0 || this.#held.includes(name)) return;
    this.#held.push(name);
    this.#live.hold(row);
  }

  /** A sequence without blocks in host memory goes on. */
  #goOn(name: string, row: number): void {
    const held = this.#held.indexOf(name);
    if (held < 0 || this.#host.count(name) > 0) return;
    this.#held.splice(held, 1);
    this.#live.resume(row);
  }

  /** Blocks go back to where they were, whatever has to make room. */
  #bringBack(name: string, row: number, saved: Saved, makeRoom: MakeRoom): void {
    const needed = saved.blocks.length;
    while (needed > 0 && this.#live.freeBlocks < needed) {
      if (!makeRoom(row)) throw new Error(`${needed} blocks of ${name} have no place to come back to.`);
    }
    this.#place(name, row, saved);
  }

  #place(name: string, row: number, saved: Saved): void {
    if (saved.blocks.length === 0) return;
    const left = { places: this.#tables.placesWith(name, saved.blocks), ids: saved.ids };
    if (!this.#live.restore(row, left, saved.words)) throw new Error(`The blocks of ${name} did not fit.`);
    this.#host.drop(name, saved.blocks);
  }

  /** Words of before, wherever the blocks lie now. */
  #rewrite(name: string, row: number, { blocks, words }: Saved): void {
    const table = this.#tables.resident(name);
    const here = pairs(blocks, words).filter(({ block }) => table.includes(block));
    for (const { block, words: own } of pairs(blocks, words)) this.#host.rewrite(name, block, own);
    this.#live.write(
      row,
      here.map(({ block }) => table.indexOf(block)),
      here.map((one) => one.words),
    );
  }

  /** What follows from where a sequence's tokens lie now: its credit, and whether its blocks may be found by their text. */
  #settle(name: string, row: number): void {
    this.#live.setCredit(row, Math.floor(this.#tables.savedBytes(name) / this.#live.blockBytes));
    const offered = this.#offered.get(name);
    // What was computed while something of it was gone or rounded is another text's.
    if (!offered || !this.#tables.isWhole(name) || this.#live.state(row).computed !== offered.computed)
      return;
    this.#live.offerAgain(row, offered.blocks);
    this.#offered.delete(name);
  }

  #life(name: string): number {
    return this.#lives.get(name) ?? 0;
  }
}

function pairs(blocks: readonly number[], words: BlockWords): { block: number; words: Uint32Array }[] {
  return blocks.flatMap((block, i) => (words[i] ? [{ block, words: words[i] }] : []));
}

function refusal(sentence: string): Priced {
  return { ok: false, sentence };
}

function behind(sequence: string): string {
  return `${sequence} computes again what it had before an action was taken back; try again when it is through.`;
}

function noRoom(needed: number, free: number): string {
  return `${needed} blocks would come back and ${free} are free; fetch a shorter range or make room first.`;
}

function sharedRange({ sequence, from, to }: RangeAction): string {
  return `Some of the blocks of ${from}–${to} of ${sequence} are another sequence's as well, which would lose with it; choose a range behind the shared prefix.`;
}

function partlyInHost({ sequence, from, to }: RangeAction): string {
  return `Some of ${from}–${to} of ${sequence} lies in host memory; fetch it first, or choose a range in the GPU's memory.`;
}
