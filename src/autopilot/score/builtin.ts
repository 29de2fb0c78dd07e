/**
 * The block policies as scores, for live sequences, whose accesses nobody replays.
 *
 * lru, fifo, lfu, agedecay and gdsf rank by what they are defined by. clock, sieve, s3fifo and arc keep queues that no
 * score holds; they rank by what these stand for: recency (clock), use since it came and then the order of arrival (sieve,
 * s3fifo), recency weighed by uses (arc). suffix takes the deepest of the oldest first.
 */
import type { BlockPolicyName } from '../../core/eviction/blocks/index.ts';
import { log2 } from '../../core/math.ts';
import type { Score, ScoreFacts } from './score.ts';

/** A use counts half after so long: ten seconds of a live cache. */
const HALF_LIFE = 10_000;
/** Positions come after ages: a million tokens are worth one unit of age. */
const DEPTH = 1e-6;

export const BUILTIN_SCORES: Readonly<Record<BlockPolicyName, (facts: ScoreFacts) => number>> = {
  lru: ({ age }) => age,
  fifo: ({ stay }) => stay,
  clock: ({ age }) => age,
  lfu: ({ frequency }) => -frequency,
  sieve: ({ frequency, stay }) => (frequency > 1 ? 0 : 1e12) + stay,
  s3fifo: ({ frequency, stay }) => (frequency > 1 ? 0 : 1e12) + stay,
  gdsf: ({ frequency, cost, tokens }) => -(frequency * cost) / Math.max(1, tokens),
  arc: ({ age, frequency }) => age / Math.max(1, frequency),
  agedecay: ({ age, frequency }) => age / HALF_LIFE - log2(1 + frequency),
  suffix: ({ age, position }) => age + DEPTH * position,
};

export function builtinScore(name: BlockPolicyName): Score {
  return { name, text: name, of: BUILTIN_SCORES[name] };
}
