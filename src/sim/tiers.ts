/**
 * Tiers below a replica's block pool: host memory, CXL, NVMe, a remote store.
 *
 * Blocks go down as they are evicted from the pool, each tier passing on what it evicts itself, or as they are written,
 * into every tier. Evicted blocks hold up the step that overwrites them until they are out; written ones are copied in
 * the background, and not at all once more waits than the pool holds: what is copied last would be overwritten first.
 *
 * Blocks come back when a request is admitted whose text goes on in a tier where the pool's own blocks end. A tier that
 * several replicas share is one store behind one pair of links.
 *
 * Left out: loading ahead of admission, and a part of what matches.
 */
import { TierStore } from '../core/kv/tiers.ts';
import type { BlockListener } from '../core/kv/block-events.ts';
import type { RequestTable } from '../core/schedule/requests.ts';
import type { SimConnector } from './connector.ts';
import { Link, type LinkSettings } from './link.ts';

export interface TierSettings extends LinkSettings {
  readonly kind: string;
  readonly capacityGB: number;
}

/** One store and its links, each direction with the whole bandwidth. */
export class Tier {
  readonly kind: string;
  readonly store: TierStore;
  readonly down: Link;
  readonly up: Link;
  /** Tokens that were loaded. */
  hitTokens = 0;
  /** How often a request's text went on here, with how many tokens, behind how many: whether or not they were loaded. */
  readonly asked = { times: 0, tokens: 0, found: 0 };

  constructor(settings: TierSettings, blockBytes: number) {
    this.kind = settings.kind;
    this.store = new TierStore((settings.capacityGB * 1e9) / blockBytes);
    this.down = new Link(settings);
    this.up = new Link(settings);
  }
}

/**
 * Whether loading pays: `tokens` tokens behind the first `found` of `total`, in `loadMs`.
 * @returns true to load them
 */
export type LoadRule = (found: number, tokens: number, total: number, loadMs: number) => boolean;

export interface TiersConfig {
  /** Fastest first. */
  readonly tiers: readonly Tier[];
  readonly requests: RequestTable;
  readonly blockSize: number;
  readonly blockBytes: number;
  /** Blocks of the replica's pool. */
  readonly poolBlocks: number;
  readonly offload: 'write-through' | 'on-evict';
  readonly worthLoading: LoadRule;
  /** Whether the pool still has a copy of an id's text. */
  readonly isCached: (id: number) => boolean;
  /** Bytes went down or came up. */
  readonly onMoved?: (downBytes: number, upBytes: number) => void;
  /** The request's block at that place in its table comes from that tier, 0 for the first. */
  readonly onLoad?: (request: number, place: number, tier: number) => void;
  /** A text comes to a tier, or leaves it. */
  readonly onStored?: (tier: number, id: number, came: boolean) => void;
}

export class Tiers implements SimConnector {
  holdMs = 0;
  loadedMs = 0;
  /** Time that steps waited for blocks to leave, in all. */
  heldMs = 0;
  #config: TiersConfig;
  #nowMs = 0;
  /** Ids whose blocks the current step fills. */
  #written: number[] = [];
  /** Blocks that were matched in each tier, for the request that was asked for last. */
  #counts: number[];
  /** Ids of those blocks, and the tier of each. */
  #matched: number[] = [];
  #matchedTiers: number[] = [];

  constructor(config: TiersConfig) {
    this.#config = config;
    this.#counts = config.tiers.map(() => 0);
  }

  /** Fastest first. */
  get levels(): readonly Tier[] {
    return this.#config.tiers;
  }

  /** For the replica's block manager. */
  readonly listener: BlockListener = (kind, _block, _request, id) => {
    if (kind === 'cache' && this.#config.offload === 'write-through') this.#written.push(id);
    // A second copy of a text goes while the first one stays: nothing is lost yet.
    if (kind === 'evict' && this.#config.offload === 'on-evict' && !this.#config.isCached(id))
      this.#evicted(id);
  };

  begin(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  end(nowMs: number): void {
    this.heldMs += Math.max(0, this.holdMs - this.#nowMs);
    for (const id of this.#written) this.#copyDown(id, nowMs);
    this.#written.length = 0;
  }

  matched(request: number, found: number, total: number): number {
    const tokens = this.#match(request, found, total, this.#nowMs);
    if (tokens === 0) return 0;
    this.#countAsked(found);
    return this.#isWorth(found, tokens, total, this.#nowMs) ? tokens : 0;
  }

  peek(request: number, found: number, total: number, nowMs: number): number {
    const tokens = this.#match(request, found, total, nowMs);
    return tokens > 0 && this.#isWorth(found, tokens, total, nowMs) ? tokens : 0;
  }

  /** Finds where a request's text goes on; remembered for the load that may follow. */
  #match(request: number, found: number, total: number, nowMs: number): number {
    const { requests, blockSize, tiers } = this.#config;
    const from = requests.blockStart[request] ?? 0;
    const known = (requests.blockStart[request + 1] ?? 0) - from;
    const most = Math.min(known, Math.floor((total - 1) / blockSize));
    this.#counts.fill(0);
    this.#matched.length = 0;
    this.#matchedTiers.length = 0;
    for (let i = Math.floor(found / blockSize); i < most; i++) {
      const id = requests.blockIds[from + i] ?? -1;
      const at = tiers.findIndex(({ store }) => store.isReady(id, nowMs));
      if (at < 0) break;
      this.#counts[at] = (this.#counts[at] ?? 0) + 1;
      this.#matched.push(id);
      this.#matchedTiers.push(at);
    }
    return this.#matched.length * blockSize;
  }

  #isWorth(found: number, tokens: number, total: number, nowMs: number): boolean {
    return this.#config.worthLoading(found, tokens, total, this.#loadEndMs(nowMs, false) - nowMs);
  }

  #countAsked(found: number): void {
    const { tiers, blockSize } = this.#config;
    tiers.forEach(({ asked }, at) => {
      const blocks = this.#counts[at] ?? 0;
      if (blocks === 0) return;
      asked.times++;
      asked.tokens += blocks * blockSize;
      asked.found += found;
    });
  }

  load(request: number, found: number, tokens: number): void {
    const { tiers, blockSize, blockBytes, onMoved, onLoad } = this.#config;
    this.loadedMs = Math.max(this.loadedMs, this.#loadEndMs(this.#nowMs, true));
    onMoved?.(0, (tokens / blockSize) * blockBytes);
    tiers.forEach((tier, at) => (tier.hitTokens += (this.#counts[at] ?? 0) * blockSize));
    this.#matched.forEach((id, i) => {
      for (const { store } of tiers) store.touch(id);
      onLoad?.(request, found / blockSize + i, this.#matchedTiers[i] ?? 0);
    });
  }

  keep(): boolean {
    return false;
  }

  /** When what was matched is there; tiers send side by side. */
  #loadEndMs(nowMs: number, really: boolean): number {
    const { tiers, blockBytes } = this.#config;
    let endMs = nowMs;
    tiers.forEach(({ up }, at) => {
      const bytes = (this.#counts[at] ?? 0) * blockBytes;
      if (bytes === 0) return;
      endMs = Math.max(endMs, really ? up.transfer(nowMs, bytes) : up.wouldEndMs(nowMs, bytes));
    });
    return endMs;
  }

  #copyDown(id: number, nowMs: number): void {
    const { tiers, blockBytes, poolBlocks, onMoved } = this.#config;
    for (const [at, { store, down }] of tiers.entries()) {
      if (store.has(id)) store.touch(id);
      else if (down.backlogBytes(nowMs) <= poolBlocks * blockBytes) {
        this.#put(at, id, down.transfer(nowMs, blockBytes));
        onMoved?.(blockBytes, 0);
      }
    }
  }

  /** Returns the id that had to leave, or −1. */
  #put(at: number, id: number, readyMs: number): number {
    const { tiers, onStored } = this.#config;
    const leaving = tiers[at]?.store.put(id, readyMs) ?? -1;
    if (leaving >= 0) onStored?.(at, leaving, false);
    onStored?.(at, id, true);
    return leaving;
  }

  /** The pool's evicted block goes to the first tier, what that evicts to the second, and so on. */
  #evicted(id: number): void {
    const { tiers, blockBytes, onMoved } = this.#config;
    let readyMs = this.#nowMs;
    let leaving = id;
    for (const [at, { store, down }] of tiers.entries()) {
      if (store.has(leaving)) {
        store.touch(leaving);
        return;
      }
      readyMs = down.transfer(readyMs, blockBytes);
      onMoved?.(blockBytes, 0);
      if (at === 0) this.holdMs = Math.max(this.holdMs, readyMs);
      leaving = this.#put(at, leaving, readyMs);
      if (leaving < 0) return;
    }
  }
}
