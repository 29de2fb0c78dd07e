/** What a KVPool is asked and answers: options, handles, events, counts. The pool itself is in kv-pool.ts. */
import type { BlockPolicyName } from '../eviction/blocks/index.ts';

/** Where KV can lie, fastest first. */
export const KV_TIERS = ['hbm', 'host', 'cxl', 'nvme', 'remote'] as const;
export type KVTier = (typeof KV_TIERS)[number];

/** `paged`: blocks of `blockSize` tokens, shared and copied block by block. `contiguous`: one run, reserved whole. */
export type KVHandleLayout = 'paged' | 'contiguous';

export const KV_DTYPES = [
  'f32',
  'f16',
  'bf16',
  'fp8',
  'q8_0',
  'q5_0',
  'q4_0',
  'int8',
  'int4',
  'int2',
] as const;
export type KVDtype = (typeof KV_DTYPES)[number];

/** What one token keeps, as far as the pool must know it to count bytes. */
export interface KVPoolShape {
  readonly layers: number;
  readonly kvHeads: number;
  /** Elements of one key of one head. */
  readonly headDim: number;
  /** Of one value; as the key where left out. */
  readonly valueDim?: number;
}

interface KVPoolSettings {
  /** Tokens of a block; 16 where left out, as vLLM. */
  readonly blockSize?: number;
  /** Which handle without references goes when there is no room; `lru` where left out, null: none ever. */
  readonly policy?: BlockPolicyName | null;
  /** Bytes of a token come from its shape, or from this function for models with other layers (kvBytesPerToken…). */
  readonly shape?: KVPoolShape;
  readonly bytesPerToken?: (dtype: KVDtype) => number;
}

/** One budget for `hbm`, in tokens or in bytes, and any for lower tiers in the same unit. */
export type KVPoolOptions = KVPoolSettings &
  (
    | { readonly maxTokens: number; readonly maxBytes?: never; readonly tiers?: TierBudgets }
    | { readonly maxBytes: number; readonly maxTokens?: never; readonly tiers?: TierBudgets }
  );

export type TierBudgets = Readonly<Partial<Record<Exclude<KVTier, 'hbm'>, number>>>;

export interface KVRequest {
  readonly tokens: number;
  /** f16 where left out. */
  readonly dtype?: KVDtype;
  readonly layout?: KVHandleLayout;
  readonly tier?: KVTier;
  /** Tokens to take room for at once; `tokens` where left out. */
  readonly reserve?: number;
}

declare const kvHandle: unique symbol;
export type KVHandleId = number & { readonly [kvHandle]: true };

/** A view of what was allocated: its fields follow what the pool does. */
export interface KVHandle {
  readonly id: KVHandleId;
  readonly dtype: KVDtype;
  readonly layout: KVHandleLayout;
  readonly tier: KVTier;
  /** Tokens that it holds. */
  readonly tokens: number;
  /** Tokens that fit before another block is needed. */
  readonly capacityTokens: number;
  /** Block ids in the order of the tokens; below the number of blocks that the budget allows. */
  readonly blocks: readonly number[];
  /** Bytes of its blocks, shared ones included; null where the pool counts tokens and knows no shape. */
  readonly bytes: number | null;
  readonly references: number;
  readonly pins: number;
  readonly state: 'resident' | 'freed' | 'evicted';
}

/** A shared block that was given a copy before it is written. The owner of the memory moves the contents. */
export interface KVBlockCopy {
  readonly from: number;
  readonly to: number;
}

interface HandleEvent {
  readonly handle: KVHandle;
  readonly tier: KVTier;
  /** Change of the tier's use, in the budget's unit: shared blocks count when the last handle goes. */
  readonly amount: number;
}

/** `hit`: a handle without references was taken up again before anybody evicted it. `miss`: there was no room. */
export interface KVPoolEvents {
  alloc: HandleEvent;
  free: HandleEvent;
  evict: HandleEvent;
  hit: { readonly handle: KVHandle; readonly tier: KVTier };
  miss: { readonly tier: KVTier; readonly needed: number; readonly free: number };
  move: {
    readonly handle: KVHandle;
    readonly from: KVTier;
    readonly to: KVTier;
    /** Taken in `to`. */
    readonly amount: number;
    /** Bytes over the link; null where the pool does not know them. */
    readonly bytes: number | null;
    /** Blocks that others refer to: they stay, and these are copies of them. */
    readonly copiedBlocks: number;
  };
}

export interface KVTierStats {
  readonly tier: KVTier;
  readonly capacity: number;
  readonly used: number;
  readonly free: number;
  /** Of `used`: what eviction could give back. */
  readonly reclaimable: number;
  readonly peak: number;
}

export interface KVPoolStats {
  readonly unit: 'tokens' | 'bytes';
  readonly tiers: readonly KVTierStats[];
  readonly handles: number;
  /** Handles without references, kept until there is no room. */
  readonly idleHandles: number;
  readonly pinnedHandles: number;
  readonly blocks: number;
  /** Blocks that more than one handle refers to. */
  readonly sharedBlocks: number;
  /** Slots of blocks without a token. */
  readonly wastedSlots: number;
  readonly allocations: number;
  readonly frees: number;
  readonly evictions: number;
  readonly migrations: number;
  readonly copies: number;
  /** Refused for want of room. */
  readonly refusals: number;
  readonly listenerErrors: number;
}
