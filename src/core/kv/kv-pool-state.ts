/** The insides of a KVPool: handles, blocks and tiers, and the steps that its calls are made of. */
import type { BlockFacts } from '../eviction/blocks/index.ts';
import { Emitter } from './events.ts';
import { PoolBlocks, type PoolBlock } from './kv-pool-blocks.ts';
import { bytesPerTokenOf } from './kv-pool-bytes.ts';
import {
  KVNoVictimError,
  KVPinnedError,
  KVPoolFullError,
  KVTierError,
  KVUnknownHandleError,
  type KVShortage,
} from './kv-pool-errors.ts';
import { PoolHandle } from './kv-pool-handle.ts';
import { TierBooks } from './kv-pool-tier.ts';
import {
  KV_DTYPES,
  KV_TIERS,
  type KVBlockCopy,
  type KVDtype,
  type KVHandle,
  type KVHandleLayout,
  type KVPoolEvents,
  type KVPoolOptions,
  type KVRequest,
  type KVTier,
} from './kv-pool-types.ts';

const DEFAULT_BLOCK_SIZE = 16;

interface Kind {
  readonly dtype: KVDtype;
  readonly layout: KVHandleLayout;
  readonly tier: KVTier;
}

/** What a request comes to. */
interface Price {
  readonly kind: Kind;
  readonly books: TierBooks;
  readonly blocks: number;
  /** Slots of each. */
  readonly slots: number;
  /** All of them, in the budget's unit. */
  readonly amount: number;
}

/** @throws RangeError unless it is a whole number of at least 1 */
export function whole(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new RangeError(`${name} is ${value}; a whole number of at least 1 is needed.`);
}

export class PoolState {
  readonly blockSize: number;
  readonly unit: 'tokens' | 'bytes';
  readonly tiers = new Map<KVTier, TierBooks>();
  readonly blocks = new PoolBlocks();
  readonly handles = new Map<number, PoolHandle>();
  readonly events = new Emitter<KVPoolEvents>();
  readonly counts = { allocations: 0, frees: 0, evictions: 0, migrations: 0, copies: 0, refusals: 0 };
  #bytesPerToken: ((dtype: KVDtype) => number) | null;
  /** Also those that are gone, to tell a double free from a stranger. */
  #known = new WeakSet<KVHandle>();
  #nextHandle = 0;
  /** Accesses so far: the policies' clock. */
  #now = 0;

  constructor(options: KVPoolOptions) {
    const {
      blockSize = DEFAULT_BLOCK_SIZE,
      policy = 'lru',
      shape,
      maxTokens,
      maxBytes,
      tiers = {},
    } = options;
    this.blockSize = whole('blockSize', blockSize);
    if ((maxTokens === undefined) === (maxBytes === undefined)) {
      throw new RangeError('A pool has one budget: give maxTokens or maxBytes.');
    }
    this.unit = maxBytes === undefined ? 'tokens' : 'bytes';
    this.#bytesPerToken = options.bytesPerToken ?? (shape ? bytesPerTokenOf(shape) : null);
    if (this.unit === 'bytes' && this.#bytesPerToken === null) {
      throw new RangeError('A budget in bytes needs the bytes of a token: give shape or bytesPerToken.');
    }
    const budgets = { hbm: maxBytes ?? maxTokens, ...tiers };
    for (const tier of KV_TIERS) {
      const budget = budgets[tier];
      if (budget === undefined) continue;
      this.tiers.set(tier, new TierBooks(tier, whole(`The budget of ${tier}`, budget), policy));
    }
  }

  /** @throws KVTierError */
  tier(name: KVTier): TierBooks {
    const books = this.tiers.get(name);
    if (!books) throw new KVTierError(name, [...this.tiers.keys()]);
    return books;
  }

  /** Whether the handle came from here, whatever became of it. */
  knows(handle: KVHandle): boolean {
    return this.#known.has(handle);
  }

  /** @throws KVUnknownHandleError unless the handle is of this pool and resident */
  own(handle: KVHandle): PoolHandle {
    const own = this.handles.get(handle.id);
    if (own === handle) return own;
    const { state } = handle;
    throw new KVUnknownHandleError(handle.id, this.knows(handle) && state !== 'resident' ? state : 'foreign');
  }

  /** @throws KVPinnedError */
  refusePinned(handle: PoolHandle, action: string): void {
    if (handle.pins > 0) throw new KVPinnedError(handle.id, handle.pins, action);
  }

  /** @throws RangeError, KVTierError */
  price({ tokens, dtype = 'f16', layout = 'paged', tier = 'hbm', reserve = tokens }: KVRequest): Price {
    whole('tokens', tokens);
    if (whole('reserve', reserve) < tokens) {
      throw new RangeError(`reserve is ${reserve}; at least the ${tokens} tokens are needed.`);
    }
    if (!KV_DTYPES.includes(dtype)) {
      throw new RangeError(`dtype is ${String(dtype)}; there are ${KV_DTYPES.join(', ')}.`);
    }
    const [blocks, slots] =
      layout === 'paged' ? [Math.ceil(reserve / this.blockSize), this.blockSize] : [1, reserve];
    const amount = blocks * this.amount(dtype, slots);
    return { kind: { dtype, layout, tier }, books: this.tier(tier), blocks, slots, amount };
  }

  /** What a block takes of a budget. */
  amount(dtype: KVDtype, slots: number): number {
    if (this.unit === 'tokens') return slots;
    // A part of a byte is a byte; the tolerance is for sums such as 80 · (8 + 32/80) bits.
    return Math.ceil(slots * (this.#bytesPerToken?.(dtype) ?? 0) - 1e-6);
  }

  /** What is free, and what eviction could free. */
  obtainable(books: TierBooks): number {
    return books.free + (books.policy ? books.reclaimable : 0);
  }

  /** Evicts until `amount` is free, or changes nothing. @throws KVPoolFullError, KVNoVictimError */
  makeRoom(books: TierBooks, amount: number): void {
    if (amount > this.obtainable(books)) {
      this.counts.refusals++;
      this.events.emit('miss', { tier: books.tier, needed: amount, free: books.free });
      const shortage = this.shortage(books, amount);
      throw books.policy && amount <= books.capacity
        ? new KVNoVictimError(shortage)
        : new KVPoolFullError(shortage);
    }
    while (books.free < amount) {
      const victim = this.nextVictim(books);
      if (victim === null) throw new Error(`${books.tier} promised ${books.reclaimable} and has no victim.`);
      this.evicted(victim);
    }
  }

  shortage(books: TierBooks, needed: number): KVShortage {
    const { tier, free, reclaimable, capacity } = books;
    return { tier, unit: this.unit, needed, free, reclaimable, capacity };
  }

  nextVictim(books: TierBooks): PoolHandle | null {
    const canEvict = (id: number | string): boolean => this.handles.get(Number(id))?.idle === true;
    const id = books.policy?.victim(this.#nextHandle, canEvict, this.#now) ?? null;
    return id === null ? null : (this.handles.get(Number(id)) ?? null);
  }

  /** The policy has given it up already. */
  evicted(handle: PoolHandle): void {
    this.counts.evictions++;
    this.drop(handle, 'evicted');
  }

  /** A handle without blocks and tokens. */
  newHandle(kind: Kind): PoolHandle {
    const handle = new PoolHandle(this.#nextHandle++, kind, this.#bytesPerToken?.(kind.dtype) ?? null);
    this.#known.add(handle);
    return handle;
  }

  /** Makes a handle resident. */
  enter(handle: PoolHandle): void {
    this.handles.set(handle.id, handle);
    this.tier(handle.tier).policy?.admit(handle.id, this.facts(handle));
    this.counts.allocations++;
  }

  newBlock(handle: PoolHandle, slots: number): PoolBlock {
    return this.blocks.create(this.tier(handle.tier), slots, this.amount(handle.dtype, slots));
  }

  attach(handle: PoolHandle, block: PoolBlock): void {
    this.blocks.refer(block, !handle.idle);
    handle.owned.push(block);
  }

  /** Changes references or pins, and with them what keeps the blocks. */
  change(handle: PoolHandle, apply: () => void): void {
    const before = handle.idle;
    apply();
    if (handle.idle === before) return;
    for (const block of handle.owned) {
      if (handle.idle) this.blocks.unhold(block);
      else this.blocks.hold(block);
    }
  }

  /** Does something to a handle while it cannot be evicted. */
  keeping<T>(handle: PoolHandle, act: () => T): T {
    this.change(handle, () => handle.references++);
    try {
      return act();
    } finally {
      this.change(handle, () => handle.references--);
    }
  }

  /** Takes a handle's blocks away for good. */
  drop(handle: PoolHandle, why: 'freed' | 'evicted'): void {
    this.handles.delete(handle.id);
    let amount = 0;
    for (const block of handle.owned.reverse()) amount += this.blocks.unrefer(block, !handle.idle);
    handle.owned = [];
    handle.tokens = 0;
    handle.state = why;
    this.events.emit(why === 'freed' ? 'free' : 'evict', { handle, tier: handle.tier, amount });
  }

  /** Gives the handle copies of those blocks [first, last] that others refer to, and `fresh` new ones behind them. */
  ownBlocks(handle: PoolHandle, first: number, last: number, fresh: number): KVBlockCopy[] {
    const slots = handle.layout === 'paged' ? this.blockSize : handle.capacityTokens;
    const each = this.amount(handle.dtype, slots);
    const places = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
    const isShared = (place: number): boolean => (handle.owned[place]?.references ?? 0) > 1;
    this.makeRoom(this.tier(handle.tier), (places.filter(isShared).length + fresh) * each);
    // Eviction may have left some of them to this handle alone.
    const copies = places.filter(isShared).flatMap((place) => {
      const [shared, copy] = [handle.owned[place], this.newBlock(handle, slots)];
      if (!shared) return [];
      this.blocks.refer(copy, !handle.idle);
      this.blocks.unrefer(shared, !handle.idle);
      handle.owned[place] = copy;
      return [{ from: shared.id, to: copy.id }];
    });
    for (let i = 0; i < fresh; i++) this.attach(handle, this.newBlock(handle, slots));
    this.counts.copies += copies.length;
    const amount = (copies.length + fresh) * each;
    if (amount > 0) this.events.emit('alloc', { handle, tier: handle.tier, amount });
    return copies;
  }

  facts(handle: PoolHandle): BlockFacts {
    const size = handle.owned.reduce((sum, { amount }) => sum + amount, 0);
    // A miss costs the computing of its tokens.
    return { size, cost: handle.tokens, now: this.#now++, depth: 0 };
  }
}
