/**
 * KV that a sequence gets from somewhere else than its own computation: host memory, where the blocks of preempted
 * sequences and of evicted prefixes go, and the sequence that it is a fork of (parallel samples: full blocks are shared
 * by the prefix cache, the last one is copied when the second writer comes). And another engine, whose sequence goes on
 * here (transfer/).
 *
 * The scheduler decides with `matched`, `load` and `keep`; the bytes move in `flush`, between its decision and the step.
 */
import type { BlockManager } from '../core/kv/block-manager.ts';
import type { KvConnector } from '../core/schedule/connector.ts';
import { HostBlocks } from './host-blocks.ts';
import type { KvCache } from './kv-cache.ts';
import type { EngineRequests } from './requests.ts';
import type { SequenceState } from './sequence-state.ts';
import { Arrivals, layersOf } from './transfer/arrivals.ts';

export interface ConnectorParts {
  readonly cache: KvCache;
  readonly physical: Uint32Array;
  readonly hostBytes: number;
  readonly stateOf: (row: number) => SequenceState | undefined;
}

export interface ConnectorCounts {
  /** Bytes that went to host memory and came back so far. */
  readonly outBytes: number;
  readonly inBytes: number;
}

interface Read {
  readonly keys: readonly string[];
  readonly blocks: readonly number[];
}

interface Write {
  readonly blocks: readonly number[];
  readonly keys: readonly string[];
}

/** Blocks of a sequence that came from another engine, from its block `first` on. */
interface Landing {
  readonly request: number;
  readonly blocks: readonly number[];
  readonly first: number;
}

export class EngineConnector implements KvConnector {
  readonly #parts: ConnectorParts;
  readonly #manager: BlockManager;
  readonly #requests: EngineRequests;
  readonly #host: HostBlocks;
  #reads: Read[] = [];
  #writes: Write[] = [];
  #copies: { from: number; to: number }[] = [];
  #landings: Landing[] = [];
  /** Of other engines. */
  readonly arrivals = new Arrivals();
  #arriving: Promise<unknown> = Promise.resolve();
  #outBytes = 0;
  #inBytes = 0;

  constructor(parts: ConnectorParts, manager: BlockManager, requests: EngineRequests) {
    this.#parts = parts;
    this.#manager = manager;
    this.#requests = requests;
    this.#host = new HostBlocks(Math.floor(parts.hostBytes / parts.cache.blockBytes));
  }

  get counts(): ConnectorCounts {
    return { outBytes: this.#outBytes, inBytes: this.#inBytes };
  }

  matched(request: number, found: number, total: number): number {
    const fork = this.#forked(request);
    const most = total - 1 - found;
    if (fork !== null) return Math.max(0, Math.min(fork.computed - found, most));
    const arrived = this.arrivals.tokens(request) - found;
    if (arrived > 0) return Math.max(0, Math.min(arrived, most));
    const { blockSize } = this.#manager;
    const keys = this.#keysFrom(request, found / blockSize);
    let blocks = 0;
    while (blocks < keys.length && this.#host.has(keys[blocks] ?? '')) blocks++;
    const kept = this.#host.keptTokens(request) - found;
    return Math.max(0, Math.min(kept > 0 ? kept : blocks * blockSize, most));
  }

  load(request: number, found: number, tokens: number): void {
    const { blockSize } = this.#manager;
    const first = found / blockSize;
    const count = Math.ceil((found + tokens) / blockSize) - first;
    const blocks = this.#physicalOf(request).slice(first, first + count);
    const fork = this.#forked(request);
    if (fork === null && this.arrivals.tokens(request) > found) {
      this.#landings.push({ request, blocks, first });
      return;
    }
    if (fork !== null) {
      const source = this.#physicalOf(fork.row).slice(first, first + count);
      blocks.forEach((to, i) => this.#copies.push({ from: source[i] ?? 0, to }));
      return;
    }
    const kept = this.#host.keptTokens(request) > found;
    const keys = kept
      ? blocks.map((_, i) => keptKey(request, first + i))
      : this.#keysFrom(request, first).slice(0, count);
    this.#writes.push({ blocks, keys });
  }

  keep(request: number, computed: number): boolean {
    const blocks = this.#physicalOf(request).slice(0, this.#manager.blocksFor(computed));
    if (blocks.length === 0 || !this.#host.fits(blocks.length) || this.#manager.droppedTokens(request) > 0) {
      return false;
    }
    this.#reads.push({ blocks, keys: blocks.map((_, i) => keptKey(request, i)) });
    this.#host.keep(request, computed);
    return true;
  }

  /** A cached block is about to be overwritten: its contents go to host memory. */
  evicted(block: number, id: number): void {
    if (this.#host.fits(1))
      this.#reads.push({ blocks: [this.#parts.physical[block] ?? 0], keys: [textKey(id)] });
  }

  /** A request is over: nothing is kept for it. */
  forget(request: number): void {
    this.#host.forget(request);
    this.arrivals.forget(request);
  }

  /** Moves the bytes that the last plan asked for. Everything lands before what is submitted next. */
  async flush(): Promise<void> {
    const { cache } = this.#parts;
    const [reads, writes, copies] = [this.#reads, this.#writes, this.#copies];
    [this.#reads, this.#writes, this.#copies] = [[], [], []];
    if (writes.length > 0) await this.#arriving;
    const arrivals = writes.map(({ blocks, keys }) => ({
      blocks,
      layers: this.#host.gather(keys, cache.layout.blockWords, cache.pools.length),
    }));
    // What leaves is copied out before its block is written.
    if (reads.length > 0) this.#read(reads);
    for (const { blocks, layers } of arrivals) {
      cache.writeBlocks(blocks, layers);
      this.#inBytes += blocks.length * cache.blockBytes;
    }
    cache.copyBlocks(copies);
    for (const landing of this.#landings.splice(0)) this.#land(landing);
  }

  /** KV of another engine into the blocks, and for int2 the ring, that its sequence was given. */
  #land({ request, blocks, first }: Landing): void {
    const { cache, stateOf } = this.#parts;
    const kv = this.arrivals.take(request);
    cache.writeBlocks(blocks, layersOf(kv.blocks, first, blocks.length, cache.pools.length));
    if (kv.ring) cache.writeRings(stateOf(request)?.slot ?? 0, kv.ring);
  }

  #read(reads: readonly Read[]): void {
    const { cache } = this.#parts;
    const blocks = reads.flatMap((read) => read.blocks);
    const keys = reads.flatMap((read) => read.keys);
    this.#outBytes += blocks.length * cache.blockBytes;
    const arrived = cache
      .readBlocks(blocks)
      .then((layers) => this.#host.put(keys, layers, cache.layout.blockWords));
    // Names are there at once, so that the next plan may already ask for them; `flush` waits for the bytes.
    this.#host.announce(keys);
    this.#arriving = Promise.all([this.#arriving, arrived]);
    this.#arriving.catch(() => undefined);
  }

  #forked(request: number): SequenceState | null {
    const parent = this.#parts.stateOf(request)?.request.forkOf;
    const state = parent === undefined ? undefined : this.#parts.stateOf(parent);
    return state?.phase === 'running' && state.dropped === 0 ? state : null;
  }

  #physicalOf(request: number): number[] {
    return this.#manager.blocksOf(request).map((block) => this.#parts.physical[block] ?? 0);
  }

  #keysFrom(request: number, first: number): string[] {
    const { blockStart, blockIds } = this.#requests;
    const from = (blockStart[request] ?? 0) + first;
    return Array.from(blockIds.subarray(from, blockStart[request + 1] ?? 0), textKey);
  }
}

const textKey = (id: number): string => `text ${id}`;
const keptKey = (request: number, index: number): string => `request ${request} block ${index}`;
