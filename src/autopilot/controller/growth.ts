/**
 * How fast the KV in the GPU's memory grows by itself: from looks between which nothing was applied or taken back. A plan
 * is over only after its steps were watched, and by then the cache has grown on.
 */
import type { AutopilotTelemetry } from '../../core/run/autopilot.ts';

/** Looks that the rate reaches back: a sequence that ends gives back at once what it took seconds to take. */
const LOOKS = 12;

export class Growth {
  readonly #changes: { readonly bytes: number; readonly ms: number }[] = [];
  #last: AutopilotTelemetry | null = null;

  /** Something was done: what the next look sees is not growth. */
  disturbed(): void {
    this.#last = null;
  }

  look(telemetry: AutopilotTelemetry): void {
    if (this.#last !== null && telemetry.atMs > this.#last.atMs) {
      this.#changes.push({
        bytes: telemetry.kvBytes - this.#last.kvBytes,
        ms: telemetry.atMs - this.#last.atMs,
      });
      if (this.#changes.length > LOOKS) this.#changes.shift();
    }
    this.#last = telemetry;
  }

  /** 0 or more; 0 before two looks. */
  get bytesPerMs(): number {
    const bytes = this.#changes.reduce((sum, change) => sum + change.bytes, 0);
    const ms = this.#changes.reduce((sum, change) => sum + change.ms, 0);
    return ms > 0 ? Math.max(0, bytes / ms) : 0;
  }
}
