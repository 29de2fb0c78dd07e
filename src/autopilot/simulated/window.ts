/** What the simulated engine did in the last while: latencies of requests that ended, tokens made. Old entries go. */
import { percentileLinear } from '../../core/metrics/percentiles.ts';

interface Ended {
  readonly atMs: number;
  readonly e2eMs: number;
  readonly ttftMs: number;
}

export class RecentWindow {
  readonly windowMs: number;
  #ended: Ended[] = [];
  #tokens: { readonly atMs: number; readonly count: number }[] = [];

  constructor(windowMs: number) {
    this.windowMs = windowMs;
  }

  ended(atMs: number, e2eMs: number, ttftMs: number): void {
    this.#ended.push({ atMs, e2eMs, ttftMs });
  }

  made(atMs: number, count: number): void {
    this.#tokens.push({ atMs, count });
  }

  /** p95 of both latencies; null where no request ended. */
  latencies(nowMs: number): { readonly p95Ms: number | null; readonly ttftP95Ms: number | null } {
    this.#ended = this.#ended.filter(({ atMs }) => atMs > nowMs - this.windowMs);
    if (this.#ended.length === 0) return { p95Ms: null, ttftP95Ms: null };
    return {
      p95Ms: percentileLinear(
        this.#ended.map(({ e2eMs }) => e2eMs),
        95,
      ),
      ttftP95Ms: percentileLinear(
        this.#ended.map(({ ttftMs }) => ttftMs),
        95,
      ),
    };
  }

  tokensPerSecond(nowMs: number): number {
    this.#tokens = this.#tokens.filter(({ atMs }) => atMs > nowMs - this.windowMs);
    const span = Math.min(this.windowMs, nowMs);
    return span > 0 ? (1000 * this.#tokens.reduce((sum, { count }) => sum + count, 0)) / span : 0;
  }
}
