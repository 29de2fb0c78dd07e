/**
 * Host memory that preempted sequences are swapped to: all of a sequence goes out when it loses its blocks and comes
 * back when it is admitted again. What does not fit is computed again.
 *
 * Slots and not blocks are counted, and the copies of many small blocks cost what one large copy costs. The link is its
 * own: swapping and a host tier do not wait for one another.
 */
import type { SimConnector } from './connector.ts';
import { Link, type LinkSettings } from './link.ts';

export interface SwapConfig {
  readonly link: LinkSettings;
  readonly capacityGB: number;
  /** Of the first tokens of a sequence that it still needs. */
  readonly tokenBytes: (tokens: number) => number;
  /** Of a sequence, whatever its length: the states of hybrid models. */
  readonly stateBytes: number;
  /** Milliseconds that computing a sequence's tokens again would take; with it, the cheaper of the two is chosen. */
  readonly recomputeMs?: (tokens: number) => number;
  /** Bytes went out or came in. */
  readonly onMoved?: (outBytes: number, inBytes: number) => void;
}

/** Bytes that vLLM's first engine set aside for it (`swap_space`, 4 GiB a GPU), in GB. Assumed where nothing is said. */
export const SWAP_SPACE_GB = 4.295;

export class SwapSpace implements SimConnector {
  holdMs = 0;
  loadedMs = 0;
  readonly down: Link;
  readonly up: Link;
  #config: SwapConfig;
  #nowMs = 0;
  #usedBytes = 0;
  /** Request → tokens that lie here. */
  #kept = new Map<number, number>();

  constructor(config: SwapConfig) {
    this.#config = config;
    this.down = new Link(config.link);
    this.up = new Link(config.link);
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  begin(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  end(): void {
    // Nothing moves between steps.
  }

  matched(request: number, found: number): number {
    const kept = this.#kept.get(request) ?? 0;
    if (kept > found) return kept - found;
    this.#drop(request);
    return 0;
  }

  peek(): number {
    // A request that is routed was never preempted.
    return 0;
  }

  load(request: number, _found: number, tokens: number): void {
    const bytes = this.#bytesOf(tokens);
    this.loadedMs = Math.max(this.loadedMs, this.up.transfer(this.#nowMs, bytes));
    this.#config.onMoved?.(0, bytes);
    this.#drop(request);
  }

  keep(request: number, computed: number): boolean {
    this.#drop(request);
    const { capacityGB, recomputeMs } = this.#config;
    const bytes = this.#bytesOf(computed);
    if (computed === 0 || this.#usedBytes + bytes > capacityGB * 1e9) return false;
    const outMs = this.down.wouldEndMs(this.#nowMs, bytes) - this.#nowMs;
    const inMs = this.up.latencyMs + bytes / this.up.bytesPerMs;
    if (recomputeMs && recomputeMs(computed) < outMs + inMs) return false;
    this.holdMs = Math.max(this.holdMs, this.down.transfer(this.#nowMs, bytes));
    this.#config.onMoved?.(bytes, 0);
    this.#kept.set(request, computed);
    this.#usedBytes += bytes;
    return true;
  }

  #drop(request: number): void {
    const kept = this.#kept.get(request);
    if (kept === undefined) return;
    this.#usedBytes -= this.#bytesOf(kept);
    this.#kept.delete(request);
  }

  #bytesOf(tokens: number): number {
    return this.#config.tokenBytes(tokens) + this.#config.stateBytes;
  }
}
