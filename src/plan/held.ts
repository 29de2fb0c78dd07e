/**
 * What the KV pool of a replica holds on the average: requests, half of their output written, and beginnings that prompts
 * have in common, each of which lies there once.
 *
 * Boundary: closed forms for a search. Which beginnings are found again under load is the simulator's to say.
 */
import { log } from '../core/math.ts';
import { sequenceBlocks } from '../core/kv/hybrid.ts';
import { capacityOf } from './memory/index.ts';
import type { LoadContext } from './context.ts';
import type { Candidate, PlanSubject } from './types.ts';

export interface Held {
  /** Requests at once; may be less than one. */
  readonly sequences: number;
  /** Share of the tokens of the common beginnings that are found in the pool. */
  readonly hitRatio: number;
}

/** Slack for sequences that are all long at once. */
const SLACK = 1.05;
/** Share of the pool that beginnings may take before running requests push them out. */
const RESIDENT = 0.6;
/** Euler's constant: the harmonic number of n is about ln n and this. */
const EULER = 0.5772156649;

function harmonic(n: number): number {
  return n < 1 ? n : log(n) + EULER + 1 / (2 * n);
}

/** Share of the requests whose beginning is one of the `kept` most wanted of `prompts`, by Zipf's law. */
export function zipfShare(kept: number, prompts: number): number {
  return kept >= prompts ? 1 : Math.max(0, harmonic(kept) / harmonic(prompts));
}

/**
 * Tokens that a request takes of the pool. TensorRT-LLM admits one only when it is sure to finish, and so holds it at its
 * whole length (GUARANTEED_NO_EVICT); the others give blocks as they are written.
 */
function tokensHeld({ choice }: Candidate, { meanPrompt, meanOutput }: LoadContext['lengths']): number {
  if (choice.engine === 'tensorrt-llm') return Math.ceil(meanPrompt + meanOutput);
  return Math.ceil((meanPrompt + meanOutput / 2) * SLACK);
}

export function heldOf(candidate: Candidate, subject: PlanSubject, { lengths, prefix }: LoadContext): Held {
  const { blocks, groups } = capacityOf(candidate, subject);
  const tokens = tokensHeld(candidate, lengths);
  const each = sequenceBlocks(groups, tokens);
  if (each === 0)
    return { sequences: blocks > 0 ? candidate.choice.maxSequences : 0, hitRatio: prefix?.hitRatio ?? 0 };
  if (prefix === null || !candidate.choice.prefixCaching) return { sequences: blocks / each, hitRatio: 0 };
  const shared = sequenceBlocks(groups, Math.min(prefix.tokens, tokens));
  // A trace says by simulation what it shares; how many beginnings that are is not known.
  const kept = prefix.prompts === 0 ? 0 : Math.min(prefix.prompts, (RESIDENT * blocks) / shared);
  const found = prefix.simulated || prefix.prompts === 0 ? 1 : zipfShare(kept, prefix.prompts);
  const hitRatio = prefix.hitRatio * found;
  const own = Math.max(1, each - shared * hitRatio);
  return { sequences: (blocks - shared * kept * prefix.hitRatio) / own, hitRatio };
}
