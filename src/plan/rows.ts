/** What was found, in the order of the goal, as the rows of a run. */
import type { PlanChoice, PlanRow } from '../core/run/plan.ts';
import type { PlanScenario } from '../core/scenario/plan/schema.ts';
import type { Ranked } from './explain.ts';
import { bestOf, meritsOf, paretoFront, scoreOf } from './goal.ts';
import type { Sized } from './size.ts';

/** A candidate that is no answer, and why. */
export interface Dropped {
  readonly choice: PlanChoice;
  readonly reason: string;
  readonly sized: Sized | null;
}

/** Rows of a run: the best ones, and one for each GPU that has none. */
const MAX_ROWS = 400;

function rowOf(choice: PlanChoice, sized: Sized | null, reason: string | null, pareto: boolean): PlanRow {
  return {
    choice,
    feasible: reason === null,
    reason: reason?.slice(0, 400) ?? null,
    ttftMs: sized?.served.ttftMs ?? null,
    tpotMs: sized?.served.tpotMs ?? null,
    outputTokensPerSecond: sized?.outputTokensPerSecond ?? null,
    costPerHour: sized?.costPerHour ?? null,
    costPerMillionOutputTokens: sized?.costPerMillionOutput ?? null,
    joulesPerOutputToken: sized?.joulesPerOutputToken ?? null,
    qualityLossPercent: sized?.quality.lossPercent ?? null,
    pareto,
  };
}

/** Best first. */
export function rank(kept: readonly Sized[], goal: PlanScenario['goal']): Ranked[] {
  const merits = kept.map(meritsOf);
  const best = bestOf(merits);
  const front = paretoFront(merits);
  return kept
    .map((sized, i) => {
      const own = merits[i] ?? meritsOf(sized);
      return { sized, score: scoreOf(goal, own, best), pareto: front[i] ?? false };
    })
    .sort((a, b) => a.score - b.score);
}

/** The reason that came closest for each GPU that has no answer: limits before memory, then the last that was tried. */
export function nearestMisses(dropped: readonly Dropped[], kept: readonly Sized[]): PlanRow[] {
  const have = new Set(kept.map(({ candidate }) => candidate.choice.gpu));
  const nearest = new Map<string, Dropped>();
  for (const miss of dropped) {
    if (have.has(miss.choice.gpu)) continue;
    const before = nearest.get(miss.choice.gpu);
    if (!before || miss.sized !== null || before.sized === null) nearest.set(miss.choice.gpu, miss);
  }
  return [...nearest.values()].map(({ choice, reason, sized }) => rowOf(choice, sized, reason, false));
}

/** The best of each GPU, the Pareto front, and the best of the rest. */
export function rowsOf(ranked: readonly Ranked[], misses: readonly PlanRow[]): PlanRow[] {
  const seen = new Set<string>();
  const rows = ranked.filter(({ sized, pareto }, i) => {
    const { gpu } = sized.candidate.choice;
    const first = !seen.has(gpu);
    seen.add(gpu);
    return first || pareto || i < MAX_ROWS;
  });
  return [
    ...rows.slice(0, 1800).map(({ sized, pareto }) => rowOf(sized.candidate.choice, sized, null, pareto)),
    ...misses,
  ].slice(0, 2000);
}
