/**
 * A score against the built-in block policies, on the same accesses and the same capacity: how many were hits, and how
 * much of what they would cost to compute again was kept. Belady's optimum, which knows the future, is the bound.
 */
import {
  REPLAY_POLICY_NAMES,
  replayColumns,
  replayPolicy,
  type AccessColumns,
} from '../../core/eviction/blocks/index.ts';
import type { BlockPolicy } from '../../core/eviction/blocks/index.ts';
import { createRandom } from '../../core/random.ts';
import { scorePolicy } from './replay-policy.ts';
import type { Score } from './score.ts';

export interface ScoreRow {
  /** A policy's name, or the text of the expression. */
  readonly policy: string;
  readonly isOwn: boolean;
  readonly hits: number;
  readonly accesses: number;
  readonly hitRatio: number;
  /** Cost of the hits over that of all accesses: what a recomputation would not have to do, 0…1. */
  readonly keptValue: number;
}

export interface ScoreComparison {
  /** The most kept value first; of equals the order of the policies. */
  readonly rows: readonly ScoreRow[];
  readonly capacity: number;
  /** Whether the score's victims were found among a drawn sample. */
  readonly sampled: boolean;
  /** One sentence: how the score does. */
  readonly sentence: string;
}

/** Looks at resident blocks that a comparison takes its time for. */
const MOST_LOOKS = 20_000_000;

function rowOf(
  policy: BlockPolicy,
  name: string,
  isOwn: boolean,
  capacity: number,
  columns: AccessColumns,
): ScoreRow {
  const { hits, hitBitmap } = replayColumns(policy, capacity, columns);
  const accesses = columns.keys.length;
  let [kept, all] = [0, 0];
  for (let at = 0; at < accesses; at++) {
    const cost = columns.costs?.[at] ?? 1;
    all += cost;
    if (hitBitmap[at] === 1) kept += cost;
  }
  return {
    policy: name,
    isOwn,
    hits,
    accesses,
    hitRatio: accesses === 0 ? 0 : hits / accesses,
    keptValue: all === 0 ? 0 : kept / all,
  };
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}

function sentenceOf(rows: readonly ScoreRow[]): string {
  const own = rows.find(({ isOwn }) => isOwn);
  const builtin = rows.filter(({ isOwn, policy }) => !isOwn && policy !== 'belady');
  const [best] = builtin;
  if (!own || !best || own.accesses === 0) return 'There are no accesses to compare on.';
  const words = `keeps ${percent(own.keptValue)} of the value (${percent(own.hitRatio)} hits)`;
  const beaten = builtin.filter(({ keptValue }) => keptValue < own.keptValue).length;
  const against =
    own.keptValue > best.keptValue
      ? `more than every built-in policy; the best of them is ${best.policy} with ${percent(best.keptValue)}`
      : `more than ${beaten} of ${builtin.length} built-in policies; the best is ${best.policy} with ${percent(best.keptValue)}`;
  return `${own.policy} ${words}, ${against}.`;
}

/**
 * @param capacity in the unit of the sizes, blocks where they are left out; at least 1
 * @param seed of the sample, where one is drawn
 */
export function compareScores(
  score: Score,
  columns: AccessColumns,
  capacity: number,
  seed = 1,
): ScoreComparison {
  const sampled = columns.keys.length * capacity > MOST_LOOKS;
  const random = sampled ? createRandom(seed).fork('score sample') : null;
  const own = rowOf(scorePolicy(score, random), score.text, true, capacity, columns);
  const rows = REPLAY_POLICY_NAMES.map((name) =>
    rowOf(replayPolicy(name, capacity, columns.keys), name, false, capacity, columns),
  );
  const sorted = [own, ...rows].sort((a, b) => b.keptValue - a.keptValue);
  return { rows: sorted, capacity, sampled, sentence: sentenceOf(sorted) };
}
