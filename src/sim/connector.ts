/**
 * A KV connector with a clock: what the scheduler asks for and gives up moves over links, and steps wait for it.
 *
 * Loads are layer by layer: while one layer's K and V arrive, the layers before it compute. So a step ends no earlier
 * than the last load plus one layer's share of its computing. What leaves is different: its blocks are overwritten by
 * the step, which begins when they are out.
 */
import type { KvConnector } from '../core/schedule/connector.ts';

export interface SimConnector extends KvConnector {
  /** Until when a step that was just scheduled cannot begin. */
  readonly holdMs: number;
  /** When the last load for it is over. */
  readonly loadedMs: number;
  /** A step is about to be scheduled. */
  begin(nowMs: number): void;
  /** The step is over. */
  end(nowMs: number): void;
  /** As `matched`, for a router that only wants to know. */
  peek(request: number, found: number, total: number, nowMs: number): number;
}

/** When a step ends that was scheduled at `nowMs` and computes for `computeMs`. */
export function stepEndMs(connector: SimConnector, nowMs: number, computeMs: number, layers: number): number {
  const computed = Math.max(nowMs, connector.holdMs) + computeMs;
  return Math.max(computed, connector.loadedMs + computeMs / layers);
}

/** Several connectors as one: the first that has something of a request loads it. */
export class Connectors implements SimConnector {
  #members: readonly SimConnector[];
  #asked = -1;
  #owner: SimConnector | null = null;

  constructor(members: readonly SimConnector[]) {
    this.#members = members;
  }

  get holdMs(): number {
    return this.#members.reduce((latest, { holdMs }) => Math.max(latest, holdMs), 0);
  }

  get loadedMs(): number {
    return this.#members.reduce((latest, { loadedMs }) => Math.max(latest, loadedMs), 0);
  }

  begin(nowMs: number): void {
    for (const member of this.#members) member.begin(nowMs);
  }

  end(nowMs: number): void {
    for (const member of this.#members) member.end(nowMs);
  }

  matched(request: number, found: number, total: number): number {
    this.#asked = request;
    for (const member of this.#members) {
      const tokens = member.matched(request, found, total);
      this.#owner = member;
      if (tokens > 0) return tokens;
    }
    return 0;
  }

  peek(request: number, found: number, total: number, nowMs: number): number {
    return this.#members.reduce(
      (most, member) => Math.max(most, member.peek(request, found, total, nowMs)),
      0,
    );
  }

  load(request: number, found: number, tokens: number): void {
    if (request !== this.#asked)
      throw new Error(`Request ${request} is loaded, but ${this.#asked} was asked for.`);
    this.#owner?.load(request, found, tokens);
  }

  keep(request: number, computed: number): boolean {
    return this.#members.some((member) => member.keep(request, computed));
  }
}
