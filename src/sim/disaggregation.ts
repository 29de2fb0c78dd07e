/**
 * Prefill and decode on replicas of their own: a request computes its prompt and first token on one, its K and V are
 * sent over a link, and it goes on decoding on another, which is chosen when it arrives (the one with the fewest
 * requests that are decoding or on their way).
 *
 * The two sides see tables of their own: to the prefill side every output is one token; to the decode side that token is
 * the prompt's last, and all before it comes over the link.
 *
 * Sending is layer by layer: it begins when the first layer of a chunk is computed and ends at least one layer's bytes
 * after the last one. A replica has one link out and one link in; chunks queue on both. Left out: the prefill side's
 * blocks are free when the prompt is computed, not when they are sent; what was sent waits outside the decode side's pool
 * until that has room; and what the decode side has cached is sent too.
 */
import type { RequestTable } from '../core/schedule/requests.ts';
import type { StepPlan } from '../core/schedule/scheduler.ts';
import type { SimConnector } from './connector.ts';
import { Link, type LinkSettings } from './link.ts';

export function prefillTable(requests: RequestTable): RequestTable {
  return { ...requests, outputTokens: requests.outputTokens.map((tokens) => Math.min(tokens, 1)) };
}

export function decodeTable(requests: RequestTable): RequestTable {
  return {
    ...requests,
    promptTokens: requests.promptTokens.map((tokens) => tokens + 1),
    outputTokens: requests.outputTokens.map((tokens) => Math.max(1, tokens - 1)),
  };
}

export interface HandoffConfig {
  readonly requests: RequestTable;
  readonly prefillReplicas: number;
  readonly decodeReplicas: number;
  readonly link: LinkSettings;
  /** Of the first tokens of a sequence that it still needs. */
  readonly tokenBytes: (tokens: number) => number;
  /** Of a sequence, whatever its length: the states of hybrid models, sent with the last chunk. */
  readonly stateBytes: number;
  readonly layers: number;
  /** Bytes left a prefill replica. */
  readonly onSent?: (replica: number, bytes: number) => void;
}

/** Where requests are between the two sides. Replicas count from 0; those that decode come after those that prefill. */
export class Handoff {
  readonly out: readonly Link[];
  readonly in: readonly Link[];
  #config: HandoffConfig;
  #target: Int32Array;
  /** Requests that each decode replica has or will have. */
  #load: number[];
  /** Tokens of a request that were sent. */
  #sent: Int32Array;
  /** Requests whose last byte is there at that time. */
  #sentMs = new Map<number, number>();
  #delivered = new Set<number>();

  constructor(config: HandoffConfig) {
    this.#config = config;
    this.out = Array.from({ length: config.prefillReplicas }, () => new Link(config.link));
    this.in = Array.from({ length: config.decodeReplicas }, () => new Link(config.link));
    this.#target = new Int32Array(config.requests.size).fill(-1);
    this.#load = new Array<number>(config.decodeReplicas).fill(0);
    this.#sent = new Int32Array(config.requests.size);
  }

  isPrefill(replica: number): boolean {
    return replica < this.#config.prefillReplicas;
  }

  /** A request arrives: its decode replica is chosen. One that ends with its first token needs none. */
  arrived(request: number): void {
    if ((this.#config.requests.outputTokens[request] ?? 0) <= 1) return;
    let best = 0;
    this.#load.forEach((load, i) => {
      if (load < (this.#load[best] ?? 0)) best = i;
    });
    this.#target[request] = this.#config.prefillReplicas + best;
    this.#load[best] = (this.#load[best] ?? 0) + 1;
  }

  /** The replica that a request goes on at, or −1 when it ends where it is prefilled. */
  targetOf(request: number): number {
    return this.#target[request] ?? -1;
  }

  /** It is over, or was sent back. */
  left(request: number): void {
    const at = this.targetOf(request) - this.#config.prefillReplicas;
    if (at < 0) return;
    this.#target[request] = -1;
    this.#load[at] = (this.#load[at] ?? 0) - 1;
  }

  /** A prefill replica computed a step: its chunks go out. */
  stepped(replica: number, startMs: number, endMs: number, { chunks, work }: StepPlan): void {
    const { tokenBytes, stateBytes, layers, prefillReplicas, requests } = this.#config;
    const out = this.out[replica];
    const firstLayerMs = startMs + (endMs - startMs) / layers;
    chunks.forEach((request, i) => {
      const into = this.in[this.targetOf(request) - prefillReplicas];
      if (!out || !into) return;
      // What the prefix cache had goes along with the first chunk; what was sent before a preemption is not sent again.
      const before = this.#sent[request] ?? 0;
      const upTo = (work.prefillContextTokens[i] ?? 0) + (work.prefillTokens[i] ?? 0);
      const state = upTo === requests.promptTokens[request] ? stateBytes : 0;
      const bytes = Math.max(0, tokenBytes(upTo) - tokenBytes(before)) + state;
      this.#sent[request] = Math.max(before, upTo);
      this.#config.onSent?.(replica, bytes);
      const lastLayerMs = endMs + bytes / layers / out.bytesPerMs + out.latencyMs;
      const sentMs = Math.max(
        out.transfer(firstLayerMs, bytes),
        into.transfer(firstLayerMs, bytes),
        lastLayerMs,
      );
      this.#sentMs.set(request, Math.max(sentMs, this.#sentMs.get(request) ?? 0));
    });
  }

  /** When a request that finished its prompt is at its decode replica. */
  takeSentMs(request: number, nowMs: number): number {
    const sentMs = this.#sentMs.get(request) ?? nowMs;
    this.#sentMs.delete(request);
    this.#sent[request] = 0;
    return Math.max(nowMs, sentMs);
  }

  /** Its K and V are there. */
  delivered(request: number): void {
    this.#delivered.add(request);
  }

  /** What a decode replica's scheduler is told: the prompt of a delivered request is there to be taken in. */
  readonly connector: SimConnector = {
    holdMs: 0,
    loadedMs: 0,
    begin: () => {},
    end: () => {},
    matched: (request, found, total) => (this.#delivered.has(request) ? Math.max(0, total - 1 - found) : 0),
    load: (request) => void this.#delivered.delete(request),
    peek: () => 0,
    keep: () => false,
  };
}
