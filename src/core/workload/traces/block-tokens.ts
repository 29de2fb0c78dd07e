/**
 * How many tokens a block id of a trace stands for: the sizes in use that explain every request so far.
 *
 * Mooncake's blocks have 512 tokens and count a last, partial one; replay files have 16 and count full ones only.
 */
import { TraceError, type TraceRequest } from './trace.ts';

/** Block sizes in use, the common ones first. */
const BLOCK_TOKENS: readonly number[] = [512, 16, 64, 128, 256, 32, 8, 1024];

export class BlockTokens {
  #sizes = BLOCK_TOKENS;
  #seen = false;

  /** @throws TraceError where the request's ids fit no size that fits those before it */
  look({ promptTokens, blockIds }: TraceRequest, line: number): void {
    if (blockIds.length === 0) return;
    const left = this.#sizes.filter(
      (tokens) =>
        blockIds.length === Math.floor(promptTokens / tokens) ||
        blockIds.length === Math.ceil(promptTokens / tokens),
    );
    if (left.length === 0) {
      const wanted = this.#seen
        ? `the lines before it have an id for each ${this.#sizes.join(' or ')} tokens`
        : 'one id for each 512 or 16 prompt tokens is usual';
      throw new TraceError(
        line,
        `it has ${blockIds.length} block ids for ${promptTokens} prompt tokens, which is no known block size; ${wanted}.`,
      );
    }
    this.#sizes = left;
    this.#seen = true;
  }

  /** The file says it itself. @throws TraceError where it says two things */
  declare(tokens: number, line: number): void {
    if (this.#seen && this.tokens !== tokens) {
      throw new TraceError(
        line,
        `its block_size is ${tokens} and that of the lines before it ${this.tokens}; take conversations of one size.`,
      );
    }
    this.#sizes = [tokens];
    this.#seen = true;
  }

  /** Tokens of an id; null where no request had any. */
  get tokens(): number | null {
    return this.#seen ? (this.#sizes[0] ?? null) : null;
  }
}
