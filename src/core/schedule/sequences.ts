/**
 * What became of each request so far: how much of it is computed and generated, and where it stands. Shared by every
 * scheduler, so that they differ in what they choose and in nothing else.
 *
 * A sequence that decodes stands in `decoders` and moves with it; `settle` writes its state back when it stops.
 */
import type { TickPhase } from '../kv/block-groups.ts';
import type { RequestTable } from './requests.ts';
import { Decoders } from './decoders.ts';

export class Sequences {
  readonly requests: RequestTable;
  readonly decoders: Decoders;
  /** Tokens in the cache, of sequences that do not decode. */
  #computed: Int32Array;
  /** Tokens generated, of sequences that do not decode. */
  #generated: Int32Array;
  #arrival: Int32Array;
  #arrivals = 0;
  #order: Int32Array;
  #admissions = 0;

  /** @param phases tokens of a block, or when the blocks of a decoding sequence change (`BlockManager.tickPhases`) */
  constructor(requests: RequestTable, phases: number | readonly TickPhase[]) {
    this.requests = requests;
    this.decoders = new Decoders(requests.size, phases);
    this.#computed = new Int32Array(requests.size);
    this.#generated = new Int32Array(requests.size);
    this.#arrival = new Int32Array(requests.size);
    this.#order = new Int32Array(requests.size);
  }

  prompt(row: number): number {
    return this.requests.promptTokens[row] ?? 0;
  }

  /** Tokens that it generates in all; a request always gets its first one. */
  limit(row: number): number {
    return Math.max(1, this.requests.outputTokens[row] ?? 1);
  }

  /** Tokens whose K and V are in the cache. */
  computed(row: number): number {
    return this.decoders.has(row) ? this.decoders.computed(row) : (this.#computed[row] ?? 0);
  }

  generated(row: number): number {
    return this.decoders.has(row)
      ? this.limit(row) - this.decoders.remaining(row)
      : (this.#generated[row] ?? 0);
  }

  /** Prompt and what was generated: what must be in the cache before the next token. */
  total(row: number): number {
    return this.prompt(row) + this.generated(row);
  }

  arrive(row: number): void {
    this.#arrival[row] = this.#arrivals++;
  }

  /** Place among all arrivals. */
  arrival(row: number): number {
    return this.#arrival[row] ?? 0;
  }

  /** Place in the batch: rises with each admission. */
  order(row: number): number {
    return this.#order[row] ?? 0;
  }

  /** The row enters the batch with `computed` tokens found in the cache. */
  admit(row: number, computed: number): void {
    this.#order[row] = this.#admissions++;
    this.#computed[row] = computed;
  }

  /** A chunk of its prompt was computed. */
  addComputed(row: number, tokens: number): void {
    this.#computed[row] = (this.#computed[row] ?? 0) + tokens;
  }

  /** The row generated tokens without standing in `decoders`: a scheduler of its own counts them. */
  addGenerated(row: number, tokens: number): void {
    this.#generated[row] = (this.#generated[row] ?? 0) + tokens;
  }

  /**
   * The last chunk gave a token; the row decodes from now on.
   * @returns false when that token was its last
   */
  startDecoding(row: number): boolean {
    const computed = this.#computed[row] ?? 0;
    const generated = (this.#generated[row] ?? 0) + 1;
    this.#generated[row] = generated;
    const remaining = this.limit(row) - generated;
    if (remaining <= 0) return false;
    this.decoders.add(row, computed, remaining);
    return true;
  }

  /** The row stops decoding, if it did, and keeps where it stands. */
  settle(row: number): void {
    if (!this.decoders.has(row)) return;
    this.#generated[row] = this.generated(row);
    this.#computed[row] = this.decoders.computed(row);
    this.decoders.remove(row);
  }

  /** Its blocks are gone: everything is to be computed again. */
  reset(row: number): void {
    this.settle(row);
    this.#computed[row] = 0;
  }
}
