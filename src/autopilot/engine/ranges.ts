/**
 * Actions on ranges of a sequence, on the real engine: what the book says is done to the blocks.
 *
 *   quantize  the blocks' words go through the smaller format and back (core/kv/reencode.ts); the saved bytes are a credit
 *   evict     the blocks leave the sequence's table and are free
 *   offload   the blocks' words go to host memory, the blocks are free, and the sequence stands still
 *   fetch     they come back to their places, and the sequence goes on
 *
 * Each keeps what `undo` needs: words, places and the ids of the blocks. A sequence that was preempted since is computed
 * again whole, and nothing is taken back for it.
 *
 * Boundary: one engine between two steps. When actions are taken, and what for, is the controller's.
 */
import { reencodeRows } from '../../core/kv/reencode.ts';
import type { KvFormat } from '../../core/kv/formats.ts';
import type { BlockId } from '../../core/kv/pool.ts';
import type { BlockWords, LiveCache } from '../../engine/actions/live-cache.ts';
import type { BookChange, KvBook } from '../book/book.ts';
import type { RangeAction } from '../book/range.ts';
import { ActionError, type Priced } from '../plant.ts';

/** Blocks that were saved, by their number in the sequence. */
interface Saved {
  readonly blocks: readonly number[];
  readonly ids: readonly BlockId[];
  readonly words: BlockWords;
}

/** An action on a range that was done. */
export interface DoneRange {
  readonly action: RangeAction;
  readonly change: BookChange;
  readonly row: number;
  /** Which life of the sequence: it ends when the sequence is preempted. */
  readonly life: number;
  readonly saved: Saved;
}

interface HostBlock {
  readonly words: Uint32Array;
  readonly id: BlockId;
}

const NOTHING: Saved = { blocks: [], ids: [], words: [] };

export class RangeActions {
  readonly #book: KvBook;
  readonly #live: LiveCache;
  readonly #rowOf: (name: string) => number;
  /** Blocks of each sequence that lie in host memory, by their number; those sequences stand still. */
  readonly #host = new Map<string, Map<number, HostBlock>>();
  readonly #lives = new Map<string, number>();
  readonly #held: string[] = [];
  /** Blocks that were offered to the prefix cache, and tokens computed, before the first action on a sequence. */
  readonly #offered = new Map<string, { readonly blocks: number; readonly computed: number }>();

  constructor(book: KvBook, live: LiveCache, rowOf: (name: string) => number) {
    this.#book = book;
    this.#live = live;
    this.#rowOf = rowOf;
  }

  /** Sequences that stand still, the one that does longest first. */
  get held(): readonly string[] {
    return this.#held;
  }

  /** Blocks that a held sequence needs to go on. */
  blocksInHost(name: string): number {
    return this.#host.get(name)?.size ?? 0;
  }

  price(action: RangeAction): Priced {
    const cut = this.#cutBlocks(action);
    if (cut !== null) return { ok: false, sentence: cut };
    const priced = this.#book.price(action);
    if (!priced.ok) return priced;
    if (action.kind === 'evict' && this.#hostBlocks(action).length > 0)
      return { ok: false, sentence: inHost(action) };
    const blocks = this.#blocksFor(action);
    const row = this.#rowOf(action.sequence);
    const shared = blocks.filter(({ place }) => this.#live.isShared(row, place));
    if (action.kind === 'quantize' && shared.length > 0) return { ok: false, sentence: sharedRange(action) };
    if (action.kind !== 'fetch')
      return {
        ...priced,
        freesBytes: Math.max(0, priced.freesBytes - shared.length * this.#live.blockBytes),
      };
    const needed = this.#hostBlocks(action).length;
    const free = Math.max(0, this.#live.freeBlocks);
    if (needed <= free) return priced;
    const sentence = `${needed} blocks would come back and ${free} are free; fetch a shorter range or make room first.`;
    return { ok: false, sentence };
  }

  /** @throws ActionError; nothing has changed then */
  async apply(action: RangeAction): Promise<DoneRange> {
    const priced = this.price(action);
    if (!priced.ok) throw new ActionError(priced.sentence);
    const row = this.#rowOf(action.sequence);
    switch (action.kind) {
      case 'quantize':
        return this.#done(action, row, await this.#quantize(action, row, action.format));
      case 'evict':
        return this.#done(action, row, await this.#leave(action, row));
      case 'offload':
        return this.#done(action, row, await this.#offload(action, row));
      case 'fetch':
        return this.#done(action, row, this.#fetch(action, row));
      default:
        return action satisfies never;
    }
  }

  /**
   * Takes one action back; newer ones must be taken back before.
   * @param makeRoom frees a block, or answers that there is nothing to free
   */
  undo(done: DoneRange, makeRoom: (except: number) => boolean): void {
    const { action, change, row, life, saved } = done;
    const { sequence } = action;
    if (!this.#book.has(sequence) || this.#life(sequence) !== life) return;
    switch (action.kind) {
      case 'quantize':
        this.#rewrite(sequence, row, saved);
        break;
      case 'evict':
        this.#bringBack(sequence, row, saved, makeRoom);
        break;
      case 'offload':
        this.#bringBack(sequence, row, this.#inHost(sequence, saved), makeRoom);
        this.#goOn(sequence, row);
        break;
      case 'fetch':
        this.#toHost(sequence, row, saved);
        break;
      default:
        action satisfies never;
    }
    this.#book.put(change);
    this.#settle(sequence, row);
  }

  /** All that a sequence holds, on the GPU and in host memory, block by block in the order of its tokens. */
  async copy(name: string): Promise<{ readonly blocks: readonly number[]; readonly words: BlockWords }> {
    const row = this.#rowOf(name);
    const table = this.#resident(name);
    const words = await this.#live.read(row, [...table.keys()]);
    const inHost = [...(this.#host.get(name) ?? [])].map(([block, own]) => ({ block, words: own.words }));
    const all = [...table.flatMap((block, i) => (words[i] ? [{ block, words: words[i] }] : [])), ...inHost];
    all.sort((a, b) => a.block - b.block);
    return { blocks: all.map(({ block }) => block), words: all.map((one) => one.words) };
  }

  /** A sequence ended, or lost its blocks: what was done to it is over. */
  forget(name: string): void {
    this.#host.delete(name);
    this.#offered.delete(name);
    this.#lives.set(name, this.#life(name) + 1);
    const held = this.#held.indexOf(name);
    if (held >= 0) this.#held.splice(held, 1);
  }

  /** Brings all blocks of a held sequence back, so that it goes on. @returns false where they do not fit */
  fetchAll(name: string): boolean {
    const row = this.#rowOf(name);
    const tokens = this.#book.tokens(name);
    const action = { kind: 'fetch', sequence: name, from: 0, to: tokens } as const;
    if (this.blocksInHost(name) > Math.max(0, this.#live.freeBlocks)) return false;
    this.#book.apply(action);
    this.#fetchBlocks(name, row, [...(this.#host.get(name)?.keys() ?? [])]);
    this.#settle(name, row);
    return true;
  }

  /** @throws Error where the engine's tables are not what the book says */
  check(): void {
    this.#book.check();
    for (const name of this.#book.names()) {
      const state = this.#live.state(this.#rowOf(name));
      const resident = this.#book
        .parts(name)
        .reduce((sum, p) => sum + (p.tier === 'hbm' ? p.to - p.from : 0), 0);
      if (resident !== state.computed - state.dropped)
        throw new Error(
          `${name} has ${resident} tokens on the GPU in the book and ${state.computed - state.dropped} in the engine.`,
        );
      const held = this.#held.includes(name);
      if (held !== this.blocksInHost(name) > 0)
        throw new Error(
          `${name} ${held ? 'stands still' : 'goes on'} with ${this.blocksInHost(name)} blocks in host memory.`,
        );
    }
  }

  #done(action: RangeAction, row: number, saved: Saved): DoneRange {
    const { sequence } = action;
    const change = this.#book.apply(action);
    if (!this.#offered.has(sequence)) {
      const { computed } = this.#live.state(row);
      this.#offered.set(sequence, { blocks: this.#live.stopOffering(row), computed });
    }
    this.#settle(sequence, row);
    return { action, change, row, life: this.#life(sequence), saved };
  }

  async #quantize(action: RangeAction, row: number, format: KvFormat): Promise<Saved> {
    const blocks = this.#blocksFor(action);
    const saved = await this.#save(row, blocks);
    const { layout } = this.#live;
    const rounded = saved.words.map((block) => {
      const words = block.slice();
      for (let at = 0; at < words.length; at += layout.blockWords)
        reencodeRows(words.subarray(at, at + layout.blockWords), layout, format, {
          from: 0,
          to: this.#live.blockSize,
        });
      return words;
    });
    this.#live.write(
      row,
      blocks.map(({ place }) => place),
      rounded,
    );
    return saved;
  }

  async #leave(action: RangeAction, row: number): Promise<Saved> {
    const saved = await this.#save(row, this.#blocksFor(action));
    const table = this.#resident(action.sequence);
    this.#live.drop(
      row,
      saved.blocks.map((block) => table.indexOf(block)),
    );
    return saved;
  }

  async #offload(action: RangeAction, row: number): Promise<Saved> {
    const blocks = this.#blocksFor(action);
    const saved = await this.#save(row, blocks);
    this.#toHost(action.sequence, row, saved);
    return saved;
  }

  #fetch(action: RangeAction, row: number): Saved {
    return this.#fetchBlocks(action.sequence, row, this.#hostBlocks(action));
  }

  /** Where they fit is asked before. */
  #fetchBlocks(name: string, row: number, blocks: readonly number[]): Saved {
    const saved = this.#fromHost(name, blocks);
    this.#place(name, row, saved);
    saved.blocks.forEach((block) => this.#host.get(name)?.delete(block));
    this.#goOn(name, row);
    return saved;
  }

  async #save(
    row: number,
    blocks: readonly { readonly block: number; readonly place: number }[],
  ): Promise<Saved> {
    if (blocks.length === 0) return NOTHING;
    const places = blocks.map(({ place }) => place);
    const ids = this.#live.idsOf(row, places);
    return { blocks: blocks.map(({ block }) => block), ids, words: await this.#live.read(row, places) };
  }

  /** Blocks on the GPU become blocks in host memory, and their sequence stands still. */
  #toHost(name: string, row: number, { blocks, ids, words }: Saved): void {
    const table = this.#resident(name);
    const places = table.flatMap((block, place) => (blocks.includes(block) ? [place] : []));
    this.#live.drop(row, places);
    const host = this.#host.get(name) ?? new Map<number, HostBlock>();
    this.#host.set(name, host);
    blocks.forEach((block, i) => {
      const [own, id] = [words[i], ids[i]];
      if (own && id !== undefined) host.set(block, { words: own, id });
    });
    if (host.size === 0 || this.#held.includes(name)) return;
    this.#held.push(name);
    this.#live.hold(row);
  }

  /** A sequence without blocks in host memory goes on. */
  #goOn(name: string, row: number): void {
    const held = this.#held.indexOf(name);
    if (held < 0 || this.blocksInHost(name) > 0) return;
    this.#held.splice(held, 1);
    this.#live.resume(row);
  }

  /** Blocks go back to where they were, whatever has to make room. */
  #bringBack(name: string, row: number, saved: Saved, makeRoom: (except: number) => boolean): void {
    if (saved.blocks.length === 0) return;
    while (this.#live.freeBlocks < saved.blocks.length) {
      if (!makeRoom(row))
        throw new Error(`${saved.blocks.length} blocks of ${name} have no place to come back to.`);
    }
    this.#place(name, row, saved);
    saved.blocks.forEach((block) => this.#host.get(name)?.delete(block));
  }

  #place(name: string, row: number, { blocks, ids, words }: Saved): void {
    const order = [...blocks.keys()].sort((a, b) => (blocks[a] ?? 0) - (blocks[b] ?? 0));
    const table = [...this.#resident(name).filter((block) => !blocks.includes(block)), ...blocks].sort(
      (a, b) => a - b,
    );
    const places = order.map((i) => table.indexOf(blocks[i] ?? -1));
    const left = { places, ids: order.flatMap((i) => ids[i] ?? []) };
    const back = order.flatMap((i) => words[i] ?? []);
    if (!this.#live.restore(row, left, back)) throw new Error(`The blocks of ${name} did not fit.`);
  }

  /** Words of before, wherever the blocks lie now. */
  #rewrite(name: string, row: number, { blocks, words }: Saved): void {
    const table = this.#resident(name);
    const here = blocks.flatMap((block, i) => {
      const [place, own] = [table.indexOf(block), words[i]];
      if (place >= 0 && own) return [{ place, own }];
      const host = this.#host.get(name)?.get(block);
      if (host && own) this.#host.get(name)?.set(block, { ...host, words: own });
      return [];
    });
    this.#live.write(
      row,
      here.map(({ place }) => place),
      here.map(({ own }) => own),
    );
  }

  #fromHost(name: string, blocks: readonly number[]): Saved {
    const host = this.#host.get(name);
    const found = blocks.flatMap((block) => {
      const there = host?.get(block);
      return there ? [{ block, ...there }] : [];
    });
    return {
      blocks: found.map(({ block }) => block),
      ids: found.map(({ id }) => id),
      words: found.map(({ words }) => words),
    };
  }

  /** Those of an offload that are still in host memory. */
  #inHost(name: string, { blocks }: Saved): Saved {
    return this.#fromHost(
      name,
      blocks.filter((block) => this.#host.get(name)?.has(block)),
    );
  }

  /** Numbers of the blocks on the GPU, in the order of the table. */
  #resident(name: string): number[] {
    const { blockSize } = this.#live;
    return this.#book
      .parts(name)
      .flatMap(({ from, to, tier }) =>
        tier === 'hbm'
          ? Array.from(
              { length: Math.ceil(to / blockSize) - Math.floor(from / blockSize) },
              (_, i) => Math.floor(from / blockSize) + i,
            )
          : [],
      );
  }

  /** Blocks on the GPU that an action does something to. */
  #blocksFor(action: RangeAction): { readonly block: number; readonly place: number }[] {
    if (action.kind === 'fetch') return [];
    const { blockSize } = this.#live;
    const target = action.kind === 'quantize' ? this.#book.bytesPerToken(action.format) : -1;
    const changes = this.#book
      .parts(action.sequence)
      .filter(({ tier, format }) => tier === 'hbm' && this.#book.bytesPerToken(format) > target);
    return this.#resident(action.sequence).flatMap((block, place) => {
      const [from, to] = [block * blockSize, (block + 1) * blockSize];
      const inside = from >= action.from && to <= action.to;
      return inside && changes.some((part) => part.from <= from && to <= part.to) ? [{ block, place }] : [];
    });
  }

  /** Blocks in host memory within a range. */
  #hostBlocks({ sequence, from, to }: RangeAction): number[] {
    const { blockSize } = this.#live;
    return [...(this.#host.get(sequence)?.keys() ?? [])]
      .filter((block) => block * blockSize >= from && (block + 1) * blockSize <= to)
      .sort((a, b) => a - b);
  }

  /** Ranges are whole blocks. */
  #cutBlocks({ kind, sequence, from, to }: RangeAction): string | null {
    const { blockSize } = this.#live;
    if (!this.#book.has(sequence)) return null;
    const tokens = this.#book.tokens(sequence);
    const full = tokens - (tokens % blockSize);
    const high = kind === 'fetch' && to === tokens ? full : Math.min(full, to - (to % blockSize));
    const low = Math.ceil(from / blockSize) * blockSize;
    if (from === low && (to === high || (kind === 'fetch' && to === tokens))) return null;
    const nearest = low < high ? `${low}–${high} does` : `${sequence} has ${full} tokens in full blocks`;
    return `Blocks of this engine hold ${blockSize} tokens, which ${from}–${to} of ${sequence} cuts; ${nearest}.`;
  }

  #isWhole(name: string): boolean {
    const native = this.#book.shape.native;
    const whole = this.#book.parts(name).every(({ tier, format }) => tier === 'hbm' && format === native);
    const tokens = this.#book.parts(name).reduce((sum, { from, to }) => sum + to - from, 0);
    return whole && tokens === this.#book.tokens(name);
  }

  /** What follows from where a sequence's tokens lie now: its credit, and whether its blocks may be found by their text. */
  #settle(name: string, row: number): void {
    this.#credit(name, row);
    const offered = this.#offered.get(name);
    // What was computed while something of it was gone or rounded is another text's.
    if (!offered || !this.#isWhole(name) || this.#live.state(row).computed !== offered.computed) return;
    this.#live.offerAgain(row, offered.blocks);
    this.#offered.delete(name);
  }

  /** Whole blocks that the sequence's formats save. */
  #credit(name: string, row: number): void {
    const { native } = this.#book.shape;
    const saved = this.#book.parts(name).reduce((sum, { from, to, tier, format }) => {
      const less = this.#book.bytesPerToken(native) - this.#book.bytesPerToken(format);
      return tier === 'hbm' ? sum + (to - from) * less : sum;
    }, 0);
    this.#live.setCredit(row, Math.floor(saved / this.#live.blockBytes));
  }

  #life(name: string): number {
    return this.#lives.get(name) ?? 0;
  }
}

function sharedRange({ sequence, from, to }: RangeAction): string {
  return `Some of the blocks of ${from}–${to} of ${sequence} are another sequence's as well, which would lose with it; choose a range behind the shared prefix.`;
}

function inHost({ sequence, from, to }: RangeAction): string {
  return `Some of ${from}–${to} of ${sequence} lies in host memory; fetch it first, or choose a range in the GPU's memory.`;
}
