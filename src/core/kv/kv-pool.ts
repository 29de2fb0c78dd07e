/**
 * A pool of KV memory as a library: handles for sequences, over budgets in tokens or bytes that are never exceeded.
 *
 *   alloc → handle with one reference    retain / release   one user more or less
 *   free     gives the memory back now   pin / unpin        neither evicted, freed nor moved
 *   fork     shares blocks               append, writable   copy a shared block before it is written
 *
 * Eviction (a contract). A handle whose last reference was released stays, with its contents, until room is needed;
 * `retain` takes it up again. Who goes first among the idle ones is the policy's (core/eviction/blocks); `free` never
 * waits. A call that cannot be served changes nothing: whether eviction would free enough is known before it begins.
 *
 * Boundary: books only. Contents, and the copies that `fork` and `migrate` ask for, belong to whoever owns the memory;
 * the engine's own fast pool of equal blocks is in pool.ts. Left out: moving evicted handles down by itself.
 */
import type { Listener } from './events.ts';
import { checkPool } from './kv-pool-check.ts';
import {
  KVDoubleFreeError,
  KVNoVictimError,
  KVReferencedError,
  KVReferenceUnderflowError,
} from './kv-pool-errors.ts';
import { PoolState, whole } from './kv-pool-state.ts';
import type {
  KVBlockCopy,
  KVHandle,
  KVPoolEvents,
  KVPoolOptions,
  KVPoolStats,
  KVRequest,
  KVTier,
} from './kv-pool-types.ts';
import { poolStats } from './kv-pool-stats.ts';

export class KVPool {
  #state: PoolState;

  /** @throws RangeError for a block size or budget that is no whole number of at least 1, or bytes without a shape */
  constructor(options: KVPoolOptions) {
    this.#state = new PoolState(options);
  }

  get blockSize(): number {
    return this.#state.blockSize;
  }

  /** What the budgets count. */
  get unit(): 'tokens' | 'bytes' {
    return this.#state.unit;
  }

  /** Told after each change. @returns ends the subscription */
  on<K extends keyof KVPoolEvents>(type: K, listener: Listener<KVPoolEvents, K>): () => void {
    return this.#state.events.on(type, listener);
  }

  /** Every event. @returns ends the subscription */
  onAny(listener: Listener<KVPoolEvents>): () => void {
    return this.#state.events.onAny(listener);
  }

  /** Whether `alloc` would find room, by eviction if need be. */
  canAlloc(request: KVRequest): boolean {
    const { books, amount } = this.#state.price(request);
    return amount <= this.#state.obtainable(books);
  }

  /**
   * Memory for a sequence, with one reference.
   * @throws KVPoolFullError, or KVNoVictimError where all that could make room is in use or pinned; KVTierError
   */
  alloc(request: KVRequest): KVHandle {
    const state = this.#state;
    const { kind, books, blocks, slots, amount } = state.price(request);
    state.makeRoom(books, amount);
    const handle = state.newHandle(kind);
    for (let i = 0; i < blocks; i++) state.attach(handle, state.newBlock(handle, slots));
    handle.tokens = request.tokens;
    state.enter(handle);
    state.events.emit('alloc', { handle, tier: handle.tier, amount });
    return handle;
  }

  /**
   * Gives a handle's memory back now. Blocks that other handles share stay.
   * @throws KVDoubleFreeError, KVUnknownHandleError, KVPinnedError; KVReferencedError while it has other users
   */
  free(handle: KVHandle): void {
    const state = this.#state;
    if (handle.state === 'freed' && state.knows(handle)) throw new KVDoubleFreeError(handle.id);
    const own = state.own(handle);
    state.refusePinned(own, 'freed');
    if (own.references > 1) throw new KVReferencedError(`Handle ${own.id}`, own.references);
    state.tier(own.tier).policy?.remove(own.id);
    state.counts.frees++;
    state.drop(own, 'freed');
  }

  /** One user more. @returns references @throws KVUnknownHandleError, also when it was evicted meanwhile */
  retain(handle: KVHandle): number {
    const own = this.#state.own(handle);
    const wasIdle = own.references === 0;
    this.#state.change(own, () => own.references++);
    this.#state.tier(own.tier).policy?.hit(own.id, this.#state.facts(own));
    if (wasIdle) this.#state.events.emit('hit', { handle, tier: own.tier });
    return own.references;
  }

  /** One user less; without users it may be evicted. @returns references @throws KVReferenceUnderflowError */
  release(handle: KVHandle): number {
    const own = this.#state.own(handle);
    if (own.references === 0) throw new KVReferenceUnderflowError(`Handle ${own.id}`, 'references');
    this.#state.change(own, () => own.references--);
    return own.references;
  }

  /** Keeps it where it is: neither evicted, freed nor moved. Pins are counted. @returns pins */
  pin(handle: KVHandle): number {
    const own = this.#state.own(handle);
    this.#state.change(own, () => own.pins++);
    return own.pins;
  }

  /** @returns pins @throws KVReferenceUnderflowError without a pin */
  unpin(handle: KVHandle): number {
    const own = this.#state.own(handle);
    if (own.pins === 0) throw new KVReferenceUnderflowError(`Handle ${own.id}`, 'pins');
    this.#state.change(own, () => own.pins--);
    return own.pins;
  }

  /**
   * Another handle on the first `tokens` tokens, on the same blocks: it costs nothing until one of the two writes.
   * @throws RangeError for more tokens than there are
   */
  fork(handle: KVHandle, tokens = handle.tokens): KVHandle {
    const state = this.#state;
    const own = state.own(handle);
    if (!Number.isInteger(tokens) || tokens < 1 || tokens > own.tokens) {
      throw new RangeError(`A fork of ${tokens} tokens was asked of a handle of ${own.tokens}.`);
    }
    const fork = state.newHandle(own);
    const blocks = own.layout === 'paged' ? Math.ceil(tokens / state.blockSize) : own.owned.length;
    for (const block of own.owned.slice(0, blocks)) state.attach(fork, block);
    fork.tokens = tokens;
    state.enter(fork);
    state.events.emit('alloc', { handle: fork, tier: fork.tier, amount: 0 });
    return fork;
  }

  /**
   * Room for `tokens` more. A shared last block with free slots is replaced by a copy, which the caller has to fill
   * from the block it was.
   * @throws KVPoolFullError, KVNoVictimError; RangeError where a contiguous handle has reached its reserve
   */
  append(handle: KVHandle, tokens: number): KVBlockCopy[] {
    const state = this.#state;
    const own = state.own(handle);
    const needed = own.tokens + whole('tokens', tokens);
    const missing = Math.max(0, needed - own.capacityTokens);
    if (own.layout === 'contiguous' && missing > 0) {
      throw new RangeError(
        `Handle ${own.id} is contiguous with room for ${own.capacityTokens} tokens and would need ${needed}; allocate it with that reserve, or paged.`,
      );
    }
    const slots = own.layout === 'paged' ? state.blockSize : own.capacityTokens;
    const last = Math.min(own.owned.length, Math.ceil(needed / slots)) - 1;
    const copies = state.keeping(own, () =>
      state.ownBlocks(own, Math.floor(own.tokens / slots), last, Math.ceil(missing / slots)),
    );
    own.tokens = needed;
    return copies;
  }

  /**
   * Makes the blocks of tokens [from, from + tokens) this handle's own, so that they may be written.
   * @throws KVPoolFullError, KVNoVictimError; RangeError beyond the handle's tokens
   */
  writable(handle: KVHandle, from: number, tokens: number): KVBlockCopy[] {
    const own = this.#state.own(handle);
    if (!(from >= 0 && tokens >= 1 && from + tokens <= own.tokens)) {
      throw new RangeError(
        `Tokens ${from} to ${from + tokens} are not within the ${own.tokens} of handle ${own.id}.`,
      );
    }
    const slots = own.layout === 'paged' ? this.blockSize : own.capacityTokens;
    const [first, last] = [Math.floor(from / slots), Math.floor((from + tokens - 1) / slots)];
    return this.#state.keeping(own, () => this.#state.ownBlocks(own, first, last, 0));
  }

  /** Drops tokens from the end, and gives the blocks back that hold none any more. @throws RangeError */
  truncate(handle: KVHandle, tokens: number): void {
    const own = this.#state.own(handle);
    if (!Number.isInteger(tokens) || tokens < 1 || tokens > own.tokens) {
      throw new RangeError(
        `A handle of ${own.tokens} tokens cannot be cut to ${tokens}; free it to drop all.`,
      );
    }
    own.tokens = tokens;
    const kept = own.layout === 'paged' ? Math.ceil(tokens / this.blockSize) : own.owned.length;
    let amount = 0;
    for (const block of own.owned.splice(kept).reverse()) {
      amount += this.#state.blocks.unrefer(block, !own.idle);
    }
    if (amount > 0) this.#state.events.emit('free', { handle, tier: own.tier, amount });
  }

  /**
   * Moves a handle to another tier. Blocks that others refer to are copied there and stay where they are.
   * @throws KVPinnedError, KVTierError, KVPoolFullError, KVNoVictimError
   */
  migrate(handle: KVHandle, to: KVTier): void {
    const state = this.#state;
    const own = state.own(handle);
    const [source, target] = [state.tier(own.tier), state.tier(to)];
    state.refusePinned(own, 'moved');
    if (source === target) return;
    const amount = own.owned.reduce((sum, block) => sum + block.amount, 0);
    state.makeRoom(target, amount);
    source.policy?.remove(own.id);
    const blocks = own.owned;
    const copiedBlocks = blocks.filter(({ references }) => references > 1).length;
    own.owned = [];
    own.tier = to;
    for (const block of blocks) {
      state.blocks.unrefer(block, !own.idle);
      state.attach(own, state.newBlock(own, block.slots));
    }
    target.policy?.admit(own.id, state.facts(own));
    state.counts.migrations++;
    state.events.emit('move', { handle, from: source.tier, to, amount, bytes: own.bytes, copiedBlocks });
  }

  /** Evicts the handle whose turn it is. @throws KVNoVictimError where every handle of the tier is in use or pinned */
  evict(tier: KVTier = 'hbm'): KVHandle {
    const books = this.#state.tier(tier);
    const victim = this.#state.nextVictim(books);
    if (victim === null) throw new KVNoVictimError(this.#state.shortage(books, books.free + 1));
    this.#state.evicted(victim);
    return victim;
  }

  stats(): KVPoolStats {
    return poolStats(this.#state);
  }

  /** The books add up and no budget is exceeded. @throws Error that names the first that does not */
  check(): void {
    checkPool(this.#state);
  }
}
