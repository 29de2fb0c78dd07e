/** How many tokens lie in which tier and format: whole numbers, so that bytes add up in any order. */
import { KV_FORMATS, type KvFormat } from '../../core/kv/formats.ts';
import { KV_TIERS, type KVTier } from '../../core/kv/kv-pool-types.ts';
import type { Parts } from './parts.ts';

export class Counts {
  #tokens = new Float64Array(KV_TIERS.length * KV_FORMATS.length);

  of(tier: KVTier, format: KvFormat): number {
    return this.#tokens[this.#at(tier, format)] ?? 0;
  }

  add(parts: Parts, sign: 1 | -1): void {
    for (const { from, to, tier, format } of parts) {
      const at = this.#at(tier, format);
      this.#tokens[at] = (this.#tokens[at] ?? 0) + sign * (to - from);
    }
  }

  clear(): void {
    this.#tokens.fill(0);
  }

  #at(tier: KVTier, format: KvFormat): number {
    return KV_TIERS.indexOf(tier) * KV_FORMATS.length + KV_FORMATS.indexOf(format);
  }
}
