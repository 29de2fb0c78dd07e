/** A search's rows as a table over GPUs: the best of each, those that can't serve the load last, with the reason. */
import type { PlanRow, PlanRun } from '../core/run/plan.ts';

/** The chosen deployment as a row like the others; null where there is none. */
export function chosenRow({ deployment, feasible, reason }: PlanRun): PlanRow | null {
  if (deployment === null) return null;
  const { choice, speed, cost, energy, quality } = deployment;
  return {
    choice,
    feasible,
    reason: reason?.slice(0, 400) ?? null,
    ttftMs: speed?.ttftMs ?? null,
    tpotMs: speed?.tpotMs ?? null,
    outputTokensPerSecond: speed?.outputTokensPerSecond ?? null,
    costPerHour: cost?.perHour ?? null,
    costPerMillionOutputTokens: cost?.perMillionOutputTokens ?? null,
    joulesPerOutputToken: energy?.joulesPerOutputToken ?? null,
    qualityLossPercent: quality.lossPercent,
    pareto: feasible,
  };
}

/** One row a GPU, in the order of the goal. */
export function fleetOf(run: PlanRun): PlanRow[] {
  const chosen = chosenRow(run);
  const all = chosen === null ? run.rows : [chosen, ...run.rows];
  const best = new Map<string, PlanRow>();
  for (const row of all) {
    const before = best.get(row.choice.gpu);
    if (!before || (!before.feasible && row.feasible)) best.set(row.choice.gpu, row);
  }
  const rows = [...best.values()];
  return [...rows.filter(({ feasible }) => feasible), ...rows.filter(({ feasible }) => !feasible)];
}
