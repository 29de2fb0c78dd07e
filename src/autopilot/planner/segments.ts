/**
 * The tokens that a plan may touch, cut into segments: nothing pinned, nothing recent, nothing of short sequences, of
 * sequences that are mostly elsewhere already, or outside the GPU's memory. The largest score goes first.
 */
import { recomputeCost } from '../../core/eviction/blocks/recompute-cost.ts';
import type { KvFormat } from '../../core/kv/formats.ts';
import type { SequenceState } from '../../core/run/autopilot.ts';
import type { AutopilotPolicy } from '../../core/scenario/autopilot/policy.ts';
import type { Score } from '../score/score.ts';
import type { PlanView } from './view.ts';

export interface Segment {
  readonly sequence: string;
  /** Of the sequence in the plant's list: ties keep its order. */
  readonly order: number;
  /** Segments of one part follow one another and may become one action. */
  readonly part: number;
  /** All of the part that may be touched. */
  readonly partFrom: number;
  readonly partTo: number;
  readonly from: number;
  readonly to: number;
  readonly format: KvFormat;
  readonly score: number;
}

/** Segments of all parts together: more would cost time, and a plan has few actions. */
const MOST_SEGMENTS = 512;
const SEGMENTS_OF_PART = 16;

/** A part of a sequence that may be touched, ends at whole blocks. */
interface Span {
  readonly state: SequenceState;
  readonly order: number;
  readonly from: number;
  readonly to: number;
  readonly format: KvFormat;
}

/** Why a sequence is left alone, or null. */
export function leftAlone(state: SequenceState, policy: AutopilotPolicy): LeftAlone | null {
  if (state.phase === 'ended') return 'ended';
  if (state.pinned) return 'pinned';
  if (state.tokens < policy.minSequenceTokens) return 'short';
  if (state.tokens <= policy.keepRecentTokens) return 'recent';
  const resident = state.parts.reduce((sum, { tier, from, to }) => sum + (tier === 'hbm' ? to - from : 0), 0);
  return resident < policy.minSequenceUse * state.tokens ? 'elsewhere' : null;
}
export type LeftAlone = 'ended' | 'pinned' | 'short' | 'recent' | 'elsewhere';

function spansOf(view: PlanView, policy: AutopilotPolicy): Span[] {
  const block = view.blockTokens;
  return view.sequences.flatMap((state, order) => {
    if (leftAlone(state, policy) !== null) return [];
    const end = state.tokens - policy.keepRecentTokens;
    return state.parts.flatMap(({ from, to, tier, format }): Span[] => {
      if (tier !== 'hbm') return [];
      const span = {
        from: block * Math.ceil(from / block),
        to: block * Math.floor(Math.min(to, end) / block),
      };
      return span.to > span.from ? [{ state, order, format, ...span }] : [];
    });
  });
}

/** In the order in which they go. @param asOne a part is one segment */
export function segmentsOf(view: PlanView, policy: AutopilotPolicy, score: Score, asOne = false): Segment[] {
  const spans = spansOf(view, policy);
  const block = view.blockTokens;
  const pieces = asOne
    ? 1
    : Math.max(1, Math.min(SEGMENTS_OF_PART, Math.floor(MOST_SEGMENTS / Math.max(1, spans.length))));
  const cost = recomputeCost(block);
  const segments = spans.flatMap(({ state, order, from, to, format }, part) => {
    const length = block * Math.ceil((to - from) / block / pieces);
    const cut: Segment[] = [];
    for (let at = from; at < to; at += length) {
      const end = Math.min(to, at + length);
      const facts = {
        age: Math.max(0, view.nowMs - state.lastUsedMs),
        frequency: state.uses,
        position: at,
        cost: cost(at / block),
        tokens: end - at,
        stay: view.sequences.length - order,
      };
      const whole = { part, partFrom: from, partTo: to };
      cut.push({ sequence: state.name, order, ...whole, from: at, to: end, format, score: score.of(facts) });
    }
    return cut;
  });
  return segments.sort((a, b) => b.score - a.score || a.order - b.order || a.from - b.from);
}
