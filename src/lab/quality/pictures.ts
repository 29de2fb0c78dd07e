/**
 * The attention of one sequence, query by query, with the full cache; and what each policy of the run would have evicted
 * behind the context, chosen by the policy's own reference from that attention.
 *
 * The sequence is a question of the recall task where there is one, so that the picture shows whether the fact outlives the
 * cut. It runs token by token, because only decode rows tell their probabilities. Policies that rank by keys or values have
 * no picture: attention does not tell them.
 */
import { keepBest } from '../../core/eviction/select.ts';
import { POLICIES } from '../../core/eviction/policies.ts';
import { poolVotes, SNAPKV_KERNEL, snapKvWindow } from '../../core/eviction/snapkv.ts';
import type { AttentionPicture } from '../../core/run/quality.ts';
import { cellLabel, type QualityCell } from '../../core/scenario/quality/cells.ts';
import type { EngineSettings } from '../../engine/engine-types.ts';
import type { CellPlan } from './cell.ts';
import { looking } from './cell.ts';
import type { OpenEngine } from './engine-port.ts';
import { runForced } from './forced.ts';
import { QUESTION_TOKENS } from './tasks.ts';

/** Tokens of the pictured sequence at most: each is a step of its own. */
const MOST_TOKENS = 160;
const SHOWN_QUERIES = 16;
const MOST_POLICIES = 6;

/** [layer][head][query position] → weights of the tokens up to it. */
type Weights = Float32Array[][][];

/** Tokens of a question that is shown from its beginning; 0 for one that must be cut. */
function wholeTokens({ ids }: { readonly ids: readonly number[] }): number {
  return ids.length <= MOST_TOKENS ? ids.length : 0;
}

interface Pictured {
  readonly ids: readonly number[];
  /** Position of the answer that the last token asks for; null where it is outside, or nothing is asked. */
  readonly fact: number | null;
}

/** The question whose fact is farthest back, whole where one is short enough. */
function sequenceOf({ questions, texts }: CellPlan): Pictured {
  const [question = questions[0]] = questions
    .filter(({ distance, ids }) => distance < Math.min(MOST_TOKENS, ids.length))
    .toSorted(
      (a, b) => b.distance - a.distance || wholeTokens(b) - wholeTokens(a) || a.ids.length - b.ids.length,
    );
  if (question === undefined) return { ids: (texts[0] ?? []).slice(-MOST_TOKENS), fact: null };
  const ids = question.ids.slice(-MOST_TOKENS);
  // The answer would stand behind the last token.
  const fact = ids.length - question.distance;
  return { ids, fact: ids[fact] === question.answerId ? fact : null };
}

async function attentionOf(
  plan: CellPlan,
  ids: readonly number[],
  settings: EngineSettings,
  open: OpenEngine,
): Promise<Weights> {
  const { layers, queryHeads } = plan.config;
  const weights: Weights = Array.from({ length: layers }, () =>
    Array.from({ length: queryHeads }, () => [Float32Array.of(1)]),
  );
  const engine = await open(looking(settings, 1), {
    capture: {
      attention: true,
      onAttention: ({ layer, position, weights: seen }) => {
        if (!seen) return;
        const tokens = position + 1;
        for (let head = 0; head < queryHeads; head++) {
          const row = weights[layer]?.[head];
          if (row) row[position] = seen.slice(head * tokens, (head + 1) * tokens);
        }
      },
    },
  });
  try {
    // The last token's own attention is seen when one more is forced behind it.
    await runForced(engine, [{ promptIds: ids.slice(0, 1), forced: [...ids.slice(1), 0] }], {
      signal: plan.signal,
    });
  } finally {
    engine.destroy();
  }
  return weights;
}

/** Tokens of the first `length` that a policy drops, for one head of one layer. */
export function evictedBy(
  { policy: name, budget }: Pick<QualityCell, 'policy' | 'budget'>,
  heads: readonly (readonly ArrayLike<number>[])[],
  head: number,
  length: number,
  { groupSize, blockSize }: { readonly groupSize: number; readonly blockSize: number },
): number[] | null {
  if (budget === null || length <= budget) return null;
  if (name === 'window') return Array.from({ length: length - budget }, (_, token) => token);
  const policy = POLICIES[name];
  if (!policy.frees) return null;
  const group = Math.floor(head / groupSize);
  const asked = policy.scope === 'sequence' ? heads : heads.slice(group * groupSize, (group + 1) * groupSize);
  const summed = (from: number, to: number, tokens: number): number[] => {
    const scores = new Array<number>(tokens).fill(0);
    for (const queries of asked) {
      for (let query = from; query < to; query++) {
        for (let token = 0; token < tokens; token++)
          scores[token] = (scores[token] ?? 0) + (queries[query]?.[token] ?? 0);
      }
    }
    return scores;
  };
  const kept = keptBy();
  if (kept === null) return null;
  const stays = new Set(kept);
  return Array.from({ length }, (_, token) => token).filter((token) => !stays.has(token));

  function keptBy(): number[] | null {
    if (budget === null) return null;
    switch (policy.signal) {
      case 'none':
        return policy.keep({ length, budget, scores: [], blockSize });
      case 'attention-sum':
        return policy.keep({ length, budget, scores: summed(0, length, length), blockSize });
      case 'last-attention':
        return policy.keep({ length, budget, scores: summed(length - 1, length, length), blockSize });
      case 'window-votes': {
        const window = snapKvWindow(budget);
        const votes = poolVotes(summed(length - window, length, length - window), SNAPKV_KERNEL, 'avg');
        return keepBest(votes, length, budget, { first: 0, last: window });
      }
      default:
        return null;
    }
  }
}

/** The head whose newest query looks hardest at the answer; without one, at any token that is not its own. */
function sharpestHead(
  weights: Weights,
  position: number,
  fact: number | null,
): { layer: number; head: number } {
  const places = weights.flatMap((heads, layer) =>
    heads.map((queries, head) => {
      const seen = (queries[position] ?? Float32Array.of(0)).slice(0, -1);
      const peak =
        fact === null ? seen.reduce((most, weight) => Math.max(most, weight), 0) : (seen[fact] ?? 0);
      return { layer, head, peak };
    }),
  );
  const [best] = places.toSorted((a, b) => b.peak - a.peak);
  return { layer: best?.layer ?? 0, head: best?.head ?? 0 };
}

/** One picture of the full cache, and one a policy at its smallest budget that cuts. */
export async function drawPictures(
  plan: CellPlan,
  cells: readonly QualityCell[],
  settings: EngineSettings,
  open: OpenEngine,
): Promise<AttentionPicture[]> {
  const { ids, fact } = sequenceOf(plan);
  if (ids.length < SHOWN_QUERIES) return [];
  const weights = await attentionOf(plan, ids, settings, open);
  const { config, scenario } = plan;
  const last = ids.length - 1;
  const { layer, head } = sharpestHead(weights, last, fact);
  const heads = weights[layer] ?? [];
  const cutAt = Math.max(1, ids.length - QUESTION_TOKENS);
  const queries = Array.from({ length: SHOWN_QUERIES }, (_, i) => ids.length - SHOWN_QUERIES + i);
  const common = {
    ...{ layer, head, queries, tokens: ids.length, cutAt },
    weights: queries.map((query) => Array.from(heads[head]?.[query] ?? [])),
    ...(fact !== null && { fact }),
  };
  const shape = {
    groupSize: config.queryHeads / config.kvHeads,
    blockSize: scenario.engine.blockSize,
  };
  const policies = [...new Set(cells.map(({ policy }) => policy))];
  const cut = policies.flatMap((policy) => {
    const smallest = cells
      .filter((cell) => cell.policy === policy && cell.variant === null)
      .toSorted((a, b) => (a.budget ?? 0) - (b.budget ?? 0))[0];
    const evicted = smallest && evictedBy(smallest, heads, head, cutAt, shape);
    return smallest && evicted ? [{ ...common, cell: cellLabel(smallest), evicted }] : [];
  });
  return [{ ...common, cell: 'f32', evicted: [] }, ...cut.slice(0, MOST_POLICIES)];
}
