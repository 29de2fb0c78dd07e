/** What stands behind a KVHandle: the same fields, which the pool writes. */
import type { PoolBlock } from './kv-pool-blocks.ts';
import type { KVDtype, KVHandle, KVHandleId, KVHandleLayout, KVTier } from './kv-pool-types.ts';

export class PoolHandle implements KVHandle {
  readonly id: KVHandleId;
  readonly dtype: KVDtype;
  readonly layout: KVHandleLayout;
  readonly #bytesPerToken: number | null;
  tier: KVTier;
  tokens = 0;
  references = 1;
  pins = 0;
  state: KVHandle['state'] = 'resident';
  owned: PoolBlock[] = [];

  constructor(
    id: number,
    kind: { readonly dtype: KVDtype; readonly layout: KVHandleLayout; readonly tier: KVTier },
    bytesPerToken: number | null,
  ) {
    this.id = id as KVHandleId;
    this.dtype = kind.dtype;
    this.layout = kind.layout;
    this.tier = kind.tier;
    this.#bytesPerToken = bytesPerToken;
  }

  get blocks(): readonly number[] {
    return this.owned.map(({ id }) => id);
  }

  get capacityTokens(): number {
    return this.owned.reduce((sum, { slots }) => sum + slots, 0);
  }

  get bytes(): number | null {
    return this.#bytesPerToken === null ? null : this.capacityTokens * this.#bytesPerToken;
  }

  /** Nobody uses it and nobody pinned it: it may be evicted. */
  get idle(): boolean {
    return this.references === 0 && this.pins === 0;
  }
}
