/**
 * What an autopilot, a script or a hand may do to a running KV cache. Every action has an inverse.
 *
 * Ranges are token positions of a sequence, [from, to), as they were when it was computed: they stay the same whatever
 * was evicted before. Formats never compound: a range holds the format that it was last given, made from what it holds.
 */
import * as v from 'valibot';
import { KV_FORMATS } from '../../kv/formats.ts';
import { KV_TIERS } from '../../kv/kv-pool-types.ts';

const int = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(80));
const position = int(0, 100_000_000);

/** Tokens [from, to) of a sequence. */
const range = { sequence: name, from: position, to: int(1, 100_000_000) };

export const KvAction = v.variant('kind', [
  /** Tokens change to a smaller format. */
  v.strictObject({ kind: v.literal('quantize'), ...range, format: v.picklist(KV_FORMATS) }),
  /** Tokens are dropped and no later token sees them. */
  v.strictObject({ kind: v.literal('evict'), ...range }),
  /** Tokens move to a lower tier, and are read from there. */
  v.strictObject({ kind: v.literal('offload'), ...range, tier: v.picklist(KV_TIERS) }),
  /** Tokens come back to the GPU's memory. */
  v.strictObject({ kind: v.literal('fetch'), ...range }),
  /** Blocks that a prefix cache may hold of sequences that ended; null: as many as are free. */
  v.strictObject({ kind: v.literal('prefixCache'), blocks: v.nullable(int(0, 1_000_000_000)) }),
  /** Sequences that run at the same time. */
  v.strictObject({ kind: v.literal('concurrency'), maxSequences: int(1, 100_000) }),
  /** New sequences start only while the KV use is below it, 0…1; 1: always. */
  v.strictObject({
    kind: v.literal('admission'),
    belowUse: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  }),
  /** Tokens of one step. */
  v.strictObject({ kind: v.literal('chunk'), tokenBudget: int(1, 1_000_000) }),
]);
export type KvAction = v.InferOutput<typeof KvAction>;
export type KvActionKind = KvAction['kind'];

export const KV_ACTION_KINDS = [
  'quantize',
  'evict',
  'offload',
  'fetch',
  'prefixCache',
  'concurrency',
  'admission',
  'chunk',
] as const satisfies readonly KvActionKind[];

/** One line of a script: an action, or something that happens to the cache. */
export const ActCommand = v.variant('kind', [
  v.strictObject({
    kind: v.literal('submit'),
    sequence: name,
    tokens: int(1, 100_000_000),
    pinned: v.optional(v.boolean()),
  }),
  v.strictObject({ kind: v.literal('finish'), sequence: name }),
  /** What the cache holds now, into the answer. */
  v.strictObject({ kind: v.literal('report'), label: v.optional(name) }),
  /** Back to the empty cache. */
  v.strictObject({ kind: v.literal('reset') }),
  ...KvAction.options,
]);
export type ActCommand = v.InferOutput<typeof ActCommand>;

export const ActScript = v.pipe(v.array(ActCommand), v.maxLength(10_000));
