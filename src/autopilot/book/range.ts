/**
 * What an action makes of a range of one sequence: the parts after it, the bytes it frees, or why it can't be done.
 *
 * Tokens that an action has nothing to do for stay as they are: quantizing passes over what is as small already and over
 * what lies in a lower tier, evicting over what is gone. Where nothing is left to do at all, that is the refusal.
 */
import type { SequencePart } from '../../core/run/autopilot.ts';
import type { KvAction } from '../../core/scenario/autopilot/action.ts';
import type { KvFormat } from '../../core/kv/formats.ts';
import { KV_TIERS, type KVTier } from '../../core/kv/kv-pool-types.ts';
import { joined, partsWithin, tokensOf, type Parts } from './parts.ts';

export type RangeAction = Extract<KvAction, { sequence: string }>;

export type RangePlan =
  | {
      readonly ok: true;
      readonly action: RangeAction;
      readonly after: Parts;
      readonly tokens: number;
      readonly freesBytes: number;
      readonly movedBytes: number;
    }
  | { readonly ok: false; readonly sentence: string };

export interface RangeFacts {
  /** Bytes of a token; null: a format that the cache cannot hold. */
  readonly bytes: (format: KvFormat) => number | null;
  /** null: a tier that is not there. */
  readonly freeBytes: (tier: KVTier) => number | null;
}

interface Sequence {
  readonly tokens: number;
  readonly parts: Parts;
  readonly pinned: boolean;
}

const refuse = (sentence: string): { readonly ok: false; readonly sentence: string } => ({
  ok: false,
  sentence,
});

/** What becomes of one part: itself where the action has nothing to do for it, null where it goes. */
type Change = (part: SequencePart) => SequencePart | null;

function quantized(format: KvFormat, { bytes }: RangeFacts): Change {
  const target = bytes(format) ?? Infinity;
  return (part) => (part.tier === 'hbm' && (bytes(part.format) ?? 0) > target ? { ...part, format } : part);
}

function offloaded(tier: KVTier): Change {
  const below = (part: SequencePart) => KV_TIERS.indexOf(part.tier) < KV_TIERS.indexOf(tier);
  return (part) => (below(part) ? { ...part, tier } : part);
}

function changeOf(action: RangeAction, facts: RangeFacts): Change {
  switch (action.kind) {
    case 'quantize':
      return quantized(action.format, facts);
    case 'evict':
      return () => null;
    case 'offload':
      return offloaded(action.tier);
    case 'fetch':
      return (part) => (part.tier === 'hbm' ? part : { ...part, tier: 'hbm' });
    default:
      return action satisfies never;
  }
}

function nothingToDo(action: RangeAction): string {
  const where = `Tokens ${action.from}–${action.to} of ${action.sequence}`;
  switch (action.kind) {
    case 'quantize':
      return `${where} hold nothing in the GPU's memory that ${action.format} makes smaller; formats do not add up, so choose a smaller one or another range.`;
    case 'evict':
      return `${where} are gone already; choose a range that still holds something.`;
    case 'offload':
      return `${where} hold nothing above ${action.tier}; choose a range in the GPU's memory.`;
    case 'fetch':
      return `${where} have nothing in a lower tier; choose a range that was offloaded.`;
    default:
      return action satisfies never;
  }
}

function badRange({ sequence, from, to }: RangeAction, tokens: number): string | null {
  if (from >= to)
    return `The range ${from}–${to} of ${sequence} is empty; its end must lie behind its begin.`;
  return to > tokens
    ? `The range ends at ${to}, but ${sequence} has ${tokens} tokens; end it at ${tokens} or before.`
    : null;
}

function badTarget(action: RangeAction, { bytes, freeBytes }: RangeFacts): string | null {
  if (action.kind === 'quantize' && bytes(action.format) === null)
    return `This cache holds no ${action.format}; choose int8, int4 or int2.`;
  if (action.kind !== 'offload') return null;
  if (action.tier === 'hbm') return `hbm is the GPU's memory; use fetch to bring tokens back to it.`;
  return freeBytes(action.tier) === null
    ? `There is no tier ${action.tier} here; choose one that the scenario has.`
    : null;
}

const sumBytes = (parts: Parts, tier: KVTier, { bytes }: RangeFacts): number =>
  parts.reduce(
    (sum, part) => (part.tier === tier ? sum + (part.to - part.from) * (bytes(part.format) ?? 0) : sum),
    0,
  );

/** The first tier that has no room for what would come to it. */
function noRoom(before: Parts, after: Parts, facts: RangeFacts): string | null {
  for (const tier of KV_TIERS) {
    const comes = sumBytes(after, tier, facts) - sumBytes(before, tier, facts);
    const free = facts.freeBytes(tier) ?? 0;
    if (comes > 0 && comes > free)
      return `${tier} would need ${comes} bytes and has ${Math.max(0, free)} free; choose a shorter range or make room there.`;
  }
  return null;
}

export function planRange(action: RangeAction, sequence: Sequence, facts: RangeFacts): RangePlan {
  if (sequence.pinned && action.kind !== 'fetch')
    return refuse(`${action.sequence} is pinned; no action takes anything from it.`);
  const wrong = badRange(action, sequence.tokens) ?? badTarget(action, facts);
  if (wrong !== null) return refuse(wrong);
  const before = partsWithin(sequence.parts, action.from, action.to);
  const change = changeOf(action, facts);
  const touched = before.filter((part) => change(part) !== part);
  if (touched.length === 0) return refuse(nothingToDo(action));
  const after = joined(before.flatMap((part) => change(part) ?? []));
  const full = noRoom(before, after, facts);
  if (full !== null) return refuse(full);
  const moved = action.kind === 'offload' || action.kind === 'fetch' ? touched : [];
  return {
    ok: true,
    action,
    after,
    tokens: tokensOf(touched),
    freesBytes: sumBytes(before, 'hbm', facts) - sumBytes(after, 'hbm', facts),
    movedBytes: moved.reduce((sum, part) => sum + (part.to - part.from) * (facts.bytes(part.format) ?? 0), 0),
  };
}
