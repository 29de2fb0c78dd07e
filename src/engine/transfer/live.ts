/**
 * A sequence that leaves while it is still writing: its full blocks never change, so they go ahead; the sequence stands
 * still only for the rest, which is its last block and what it wrote meanwhile.
 *
 *   header → advance()… between steps → finish() → (the other side has it) release()
 *
 * Source of the idea: Llumnix, live migration in stages (arXiv:2406.03243, section 4.2).
 */
import { TransferError } from '../../core/transfer/error.ts';
import {
  bytesOfWords,
  packSequence,
  type TransferHeader,
  type TransferTrailer,
} from '../../core/transfer/package.ts';
import { identityOf } from './fingerprint.ts';
import type { TransferEngine } from './inside.ts';
import { checkMovable, movedSequence, readSequenceBlocks, shapeOf } from './snapshot.ts';

/** An engine whose steps can be waited for. */
export interface LiveEngine extends TransferEngine {
  settle(): Promise<unknown>;
  cancel(request: number): void;
}

export class LiveMove {
  readonly #engine: LiveEngine;
  readonly #request: number;
  readonly header: TransferHeader;
  /** Blocks that were given out. */
  #given = 0;

  private constructor(engine: LiveEngine, request: number, header: TransferHeader) {
    this.#engine = engine;
    this.#request = request;
    this.header = header;
  }

  /** @throws TransferError where it can't leave */
  static async start(engine: LiveEngine, request: number): Promise<LiveMove> {
    const { inside } = engine;
    checkMovable(inside);
    inside.book.state(request);
    const model = await identityOf(inside.gpu, inside.model);
    return new LiveMove(engine, request, { kind: 'sequence', model, shape: shapeOf(inside) });
  }

  /** Tokens of it that are generated. */
  get tokens(): number {
    return this.#engine.inside.book.state(this.#request).output.length;
  }

  get ended(): boolean {
    return this.#engine.inside.book.state(this.#request).phase === 'ended';
  }

  /**
   * Blocks that became full since the last call; call it between two steps. Steps on their way are read behind.
   * @param most blocks to read at once
   */
  async advance(most = Infinity): Promise<Uint8Array[]> {
    const { inside } = this.#engine;
    const state = inside.book.state(this.#request);
    // The keys of int2 become part of a block only when they leave the ring, so its blocks are read at the end.
    if (inside.cache.rings.length > 0 || state.phase === 'ended') return [];
    const full = Math.floor(state.computed / inside.settings.blockSize);
    const count = Math.min(full - this.#given, most);
    if (count <= 0) return [];
    const upTo = { row: state.row, computed: (this.#given + count) * inside.settings.blockSize };
    const blocks = await readSequenceBlocks(inside, upTo, this.#given);
    this.#given += blocks.length;
    return blocks.map(bytesOfWords);
  }

  /**
   * Stands still; what is left of it. No step may follow until it is known where it goes on.
   * @throws TransferError where it has ended meanwhile
   */
  async finish(): Promise<{ readonly blocks: readonly Uint8Array[]; readonly trailer: TransferTrailer }> {
    await this.#engine.settle();
    const { inside } = this.#engine;
    const state = inside.book.state(this.#request);
    if (state.phase === 'ended') {
      throw new TransferError(
        'no-sequence',
        `The sequence wrote its last token here, number ${state.output.length}, before it had moved; ask for more tokens or a faster way.`,
      );
    }
    // A preempted sequence has no blocks; those that went ahead are of the same text and stay good.
    const stored = Math.max(state.computed, this.#given * inside.settings.blockSize);
    const blocks = state.computed === 0 ? [] : await readSequenceBlocks(inside, state, this.#given);
    const ring =
      inside.cache.rings.length > 0 && state.slot >= 0 && state.computed > 0
        ? await inside.cache.readRings(state.slot)
        : null;
    const kv = { tokens: stored, blocks, ring };
    const { model, shape } = this.header;
    const packed = packSequence({ model, shape, sequence: movedSequence(state), kv });
    this.#given += blocks.length;
    return { blocks: packed.blocks, trailer: packed.trailer };
  }

  /** The other side has it: it ends here, without a token. */
  release(): void {
    this.#engine.cancel(this.#request);
  }
}
