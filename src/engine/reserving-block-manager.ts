/**
 * A block manager that gives every sequence the blocks of the longest one at once, as engines did before paging: what
 * is compared with the paged cache. Nothing grows, nothing is shared, and what is not used is wasted.
 */
import { BlockManager, type BlockManagerConfig } from '../core/kv/block-manager.ts';

export class ReservingBlockManager extends BlockManager {
  readonly #reservedTokens: number;

  constructor(config: BlockManagerConfig & { readonly reservedTokens: number }) {
    super(config);
    this.#reservedTokens = config.reservedTokens;
  }

  /** The reservation, whatever is asked: longer requests are refused before they come here. */
  override blocksFor(): number {
    return super.blocksFor(this.#reservedTokens);
  }

  /** All blocks of the reservation at once; a running request then never lacks one. */
  override admit(request: number, _tokens: number, keepFree = 0): boolean {
    return super.admit(request, this.#reservedTokens, keepFree);
  }
}
