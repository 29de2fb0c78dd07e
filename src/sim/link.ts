/**
 * One direction of a link: bandwidth, latency and a queue. Transfers take the whole bandwidth one after another, in the
 * order in which they are asked for; the latency comes on top and overlaps with the next transfer.
 *
 * Left out: sharing the bandwidth between transfers, and the difference between few large and many small ones.
 */

export interface LinkSettings {
  /** GB = 10⁹ bytes. */
  readonly bandwidthGBps: number;
  readonly latencyUs: number;
}

const BYTES_PER_MS_OF_GBPS = 1e6;

export class Link {
  readonly bytesPerMs: number;
  readonly latencyMs: number;
  #freeMs = 0;
  #bytes = 0;
  #transfers = 0;
  #busyMs = 0;
  #waitedMs = 0;

  constructor({ bandwidthGBps, latencyUs }: LinkSettings) {
    this.bytesPerMs = bandwidthGBps * BYTES_PER_MS_OF_GBPS;
    this.latencyMs = latencyUs / 1000;
  }

  /** All bytes that were sent or wait to be. */
  get bytes(): number {
    return this.#bytes;
  }

  get transfers(): number {
    return this.#transfers;
  }

  /** Time that transfers take or took, without latencies. */
  get busyMs(): number {
    return this.#busyMs;
  }

  /** Time that transfers waited for others, in all. */
  get waitedMs(): number {
    return this.#waitedMs;
  }

  /** Bytes that are still to be sent. */
  backlogBytes(nowMs: number): number {
    return Math.max(0, this.#freeMs - nowMs) * this.bytesPerMs;
  }

  /** When a transfer would be over, if it were asked for now. */
  wouldEndMs(nowMs: number, bytes: number): number {
    return Math.max(nowMs, this.#freeMs) + bytes / this.bytesPerMs + this.latencyMs;
  }

  /** Queues a transfer; returns when its last byte is there. @throws RangeError for fewer than 0 bytes */
  transfer(nowMs: number, bytes: number): number {
    if (!(bytes >= 0)) throw new RangeError(`A transfer of ${bytes} bytes was asked for.`);
    const endMs = this.wouldEndMs(nowMs, bytes);
    this.#waitedMs += Math.max(0, this.#freeMs - nowMs);
    this.#freeMs = endMs - this.latencyMs;
    this.#bytes += bytes;
    this.#transfers++;
    this.#busyMs += bytes / this.bytesPerMs;
    return endMs;
  }
}
